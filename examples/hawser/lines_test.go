package main

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/hawser-go/hawser/actors"
)

// An outcome may come while Send has not returned yet.
func TestNoOutcomeIsToldBeforeItsAcceptance(t *testing.T) {
	l := newLines()
	var got []lineEvent
	go l.print(func(batch []lineEvent) { got = append(got, batch...) })
	var outcomes sync.WaitGroup
	const n = 1000
	for i := range n {
		_, err := l.accept(i+1, func() (uint64, error) {
			outcomes.Go(func() { l.outcomes([]actors.Outcome{{ID: uint64(i + 100), Result: actors.Written}}) })
			return uint64(i + 100), nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	outcomes.Wait()
	l.end()
	<-l.printed
	accepted := map[int]bool{}
	for _, e := range got {
		if e.Event == "accepted" {
			accepted[e.ID] = true
		} else if !accepted[e.ID] {
			t.Fatalf("line %d was %s before it was accepted", e.ID, e.Event)
		}
	}
	if len(got) != 2*n {
		t.Errorf("%d events", len(got))
	}
	if left, _ := l.waiting(); left != 0 {
		t.Errorf("%d lines without an outcome", left)
	}
}

func TestARefusedLineIsDroppedAndNeverAccepted(t *testing.T) {
	l := newLines()
	for i, err := range []error{
		actors.ErrInvalidUTF8, actors.ErrOutboxFull, &actors.MessageTooBigError{}, actors.ErrStopped, errors.New("else"),
	} {
		if _, got := l.accept(i+1, func() (uint64, error) { return 0, err }); !errors.Is(got, err) {
			t.Fatal(got)
		}
		l.refused(i+1, refusal(err))
	}
	var got []string
	go l.print(func(batch []lineEvent) {
		for _, e := range batch {
			got = append(got, e.Event+" "+e.Reason)
		}
	})
	l.end()
	<-l.printed
	want := []string{"dropped invalid-utf8", "dropped outbox-full", "dropped too-big", "dropped closed", "dropped rejected"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestInputWaitsWhenNobodyTakesTheEvents(t *testing.T) {
	l := newLines()
	stuck, go1 := make(chan struct{}), make(chan struct{})
	go l.print(func([]lineEvent) {
		select {
		case <-stuck:
		default:
			close(stuck)
			<-go1
		}
	})
	accepted := make(chan int, 3*linesAhead)
	go func() {
		defer close(accepted)
		for i := range 3 * linesAhead {
			_, _ = l.accept(i, func() (uint64, error) { return uint64(i), nil })
			accepted <- i
		}
	}()
	<-stuck
	for n := 0; n < linesAhead; n++ {
		<-accepted
	}
	l.mu.Lock()
	if n := len(l.queue); n > linesAhead {
		t.Errorf("%d events wait", n)
	}
	l.mu.Unlock()
	close(go1)
	n := 0
	for range accepted {
		n++
	}
	if n != 2*linesAhead {
		t.Errorf("%d more", n)
	}
	l.end()
	<-l.printed
}
