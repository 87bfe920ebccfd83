package actors

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"
)

var errLost = errors.New("lost")

func isReady(s State) bool { return s == Ready }

func TestWaitReturnsAtOnceForAStateThatIs(t *testing.T) {
	var w watch
	w.set(Ready, nil)
	if err := w.wait(t.Context(), isReady); err != nil {
		t.Error(err)
	}
}

func TestWaitReturnsWhenTheStateComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		for _, s := range []State{Connecting, Backoff, Connecting, Opening} {
			time.AfterFunc(time.Duration(s)*time.Second, func() { w.set(s, nil) })
		}
		time.AfterFunc(time.Hour, func() { w.set(Ready, nil) })
		start := time.Now()
		if err := w.wait(t.Context(), isReady); err != nil || time.Since(start) != time.Hour {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestWaitEndsWithTheCauseOfTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		time.AfterFunc(time.Second, func() { w.set(Stopped, errLost) })
		if err := w.wait(t.Context(), isReady); !errors.Is(err, ErrStopped) || !errors.Is(err, errLost) {
			t.Errorf("got %v; want ErrStopped with the cause", err)
		}
	})
}

func TestWaitAfterShutdownHasNoCause(t *testing.T) {
	var w watch
	w.set(Stopped, nil)
	if err := w.wait(t.Context(), isReady); err != ErrStopped { //nolint:errorlint // nothing else may be wrapped with it
		t.Errorf("got %v; want ErrStopped alone", err)
	}
	if err := w.wait(t.Context(), func(s State) bool { return s == Stopped }); err != nil {
		t.Errorf("who waits for the end gets %v", err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.wait(ctx, isReady); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAllWaitersAreWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		done := make(chan error, 10)
		for range cap(done) {
			go func() { done <- w.wait(t.Context(), isReady) }()
		}
		synctest.Wait()
		w.set(Ready, nil)
		synctest.Wait()
		if len(done) != cap(done) {
			t.Errorf("%d of %d have returned", len(done), cap(done))
		}
	})
}

// collect reads all events of a follower in the background.
func collect(events iter.Seq[Event]) (got *[]Event, done chan struct{}) {
	got, done = new([]Event), make(chan struct{})
	go func() {
		defer close(done)
		for e := range events {
			*got = append(*got, e)
		}
	}()
	return got, done
}

func TestFollowYieldsEventsInOrderUntilTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		w.event(Event{Kind: EventConnecting}) // before: not seen
		got, done := collect(w.follow(t.Context()))
		for i := range 10 {
			w.event(Event{Kind: EventReconnecting, Attempt: i})
		}
		w.end(Event{Kind: EventStopped}, nil)
		<-done
		if len(*got) != 11 || (*got)[10].Kind != EventStopped {
			t.Fatalf("got %d events: %v", len(*got), *got)
		}
		for i, e := range (*got)[:10] {
			if e.Attempt != i || e.Missed != 0 {
				t.Errorf("event %d: %+v", i, e)
			}
		}
		if len(w.readers) != 0 {
			t.Errorf("%d readers are left", len(w.readers))
		}
	})
}

// An event between States and the first look at it must not be lost.
func TestFollowBeginsWhenItIsCalled(t *testing.T) {
	var w watch
	events := w.follow(t.Context())
	w.event(Event{Kind: EventReady})
	for e := range events {
		if e.Kind != EventReady {
			t.Errorf("got %s", e.Kind)
		}
		break
	}
	if len(w.readers) != 0 {
		t.Errorf("%d readers are left after break", len(w.readers))
	}
}

func TestSlowFollowerLosesTheOldestAndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		slow := w.follow(t.Context())
		const sent, lost = watched + 7, 8 // the end is an event too
		for i := range sent {
			w.event(Event{Attempt: i})
		}
		w.end(Event{Kind: EventStopped}, nil)
		got, done := collect(slow)
		<-done
		if len(*got) != watched {
			t.Fatalf("%d events; want %d", len(*got), watched)
		}
		if first := (*got)[0]; first.Missed != lost || first.Attempt != lost {
			t.Errorf("first: attempt %d, missed %d; want %d and %d", first.Attempt, first.Missed, lost, lost)
		}
		for _, e := range (*got)[1:] {
			if e.Missed != 0 {
				t.Errorf("attempt %d says again that %d were missed", e.Attempt, e.Missed)
			}
		}
	})
}

func TestSlowFollowerDoesNotTouchAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		_ = w.follow(t.Context()) // never read
		got, done := collect(w.follow(t.Context()))
		for i := range 2 * watched {
			w.event(Event{Attempt: i})
			synctest.Wait()
		}
		w.end(Event{Kind: EventStopped}, nil)
		<-done
		if len(*got) != 2*watched+1 {
			t.Errorf("%d events; want all", len(*got))
		}
	})
}

func TestFollowEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		ctx, cancel := context.WithCancel(t.Context())
		_, done := collect(w.follow(ctx))
		cancel()
		<-done
		if len(w.readers) != 0 {
			t.Errorf("%d readers are left", len(w.readers))
		}
	})
}

func TestFollowOfAStoppedClientIsEmpty(t *testing.T) {
	var w watch
	w.set(Stopped, nil)
	for e := range w.follow(t.Context()) {
		t.Errorf("got %v", e)
	}
}

// The last event and the last state are told at once: who has seen the one finds
// the other.
func TestWhoHasSeenTheLastEventFindsTheLastState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watch
		seen := make(chan error, 1)
		events := w.follow(t.Context())
		go func() {
			for range events {
				_, cause := w.now()
				seen <- cause
			}
		}()
		w.end(Event{Kind: EventStopped}, errKilled)
		if err := <-seen; !errors.Is(err, errKilled) {
			t.Errorf("cause %v", err)
		}
		_, done := collect(w.follow(t.Context()))
		synctest.Wait()
		select {
		case <-done:
		default:
			t.Error("the follower waits for events of a client that has stopped")
		}
	})
}
