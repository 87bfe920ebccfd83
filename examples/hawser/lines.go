package main

import (
	"errors"
	"sync"

	"github.com/hawser-go/hawser/actors"
)

// linesAhead is how many events of lines wait to be printed before no more input
// is read.
const linesAhead = 4096

// lineEvent is what became of an input line.
type lineEvent struct {
	Event  string `json:"event"` // accepted, written, dropped or unknown
	ID     int    `json:"id"`    // the number of the line, from 1
	Reason string `json:"reason,omitempty"`
}

// lines follows the input lines from their acceptance to their outcome. Outcomes
// come from threads that must not wait, so everything passes through a queue
// that a goroutine prints; its order is the order of what happened.
type lines struct {
	mu      sync.Mutex
	more    sync.Cond // the queue has grown, shrunk or ended
	open    map[uint64]int
	queue   []lineEvent
	ended   bool
	settled chan struct{} // closed at the next outcome, or when the client's state changes
	printed chan struct{} // closed when print has returned
}

func newLines() *lines {
	l := &lines{open: map[uint64]int{}, settled: make(chan struct{}), printed: make(chan struct{})}
	l.more.L = &l.mu
	return l
}

// accept has a line sent. Nothing that becomes of it can overtake its acceptance:
// outcomes wait for the same lock. If it was not accepted because there is no
// room, the channel is closed when it may be worth trying again.
func (l *lines) accept(number int, send func() (uint64, error)) (retry <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) >= linesAhead && !l.ended {
		l.more.Wait()
	}
	id, err := send()
	if err != nil {
		return l.settled, err
	}
	l.open[id] = number
	l.push(lineEvent{Event: "accepted", ID: number})
	return nil, nil
}

// refused notes that a line was not accepted.
func (l *lines) refused(number int, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.push(lineEvent{Event: "dropped", ID: number, Reason: why})
}

// outcomes notes what became of messages. Those that are no input lines, such as
// echoes, are nobody's business.
func (l *lines) outcomes(list []actors.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range list {
		number, ok := l.open[o.ID]
		if !ok {
			continue
		}
		delete(l.open, o.ID)
		e := lineEvent{Event: o.Result.String(), ID: number}
		if o.Result == actors.Dropped {
			e.Reason = o.Reason.String()
		}
		l.push(e)
	}
	l.stir()
}

// changed wakes those who wait for room or for the end: things are different now.
func (l *lines) changed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stir()
}

func (l *lines) stir() {
	close(l.settled)
	l.settled = make(chan struct{})
}

// waiting returns how many lines have no outcome yet, and what is closed when
// that may have changed.
func (l *lines) waiting() (int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open), l.settled
}

func (l *lines) push(e lineEvent) {
	l.queue = append(l.queue, e)
	l.more.Broadcast()
}

// end lets print return when it has printed what there is.
func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.more.Broadcast()
}

// print gives the events to show, in batches, until end.
func (l *lines) print(show func([]lineEvent)) {
	defer close(l.printed)
	for {
		l.mu.Lock()
		for len(l.queue) == 0 && !l.ended {
			l.more.Wait()
		}
		batch := l.queue
		l.queue = nil
		l.more.Broadcast()
		l.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		show(batch)
	}
}

// refusal is the reason, in one word, for which a line was not accepted.
func refusal(err error) string {
	var big *actors.MessageTooBigError
	switch {
	case errors.Is(err, actors.ErrInvalidUTF8):
		return "invalid-utf8"
	case errors.Is(err, actors.ErrOutboxFull):
		return "outbox-full"
	case errors.As(err, &big):
		return "too-big"
	case errors.Is(err, actors.ErrStopped):
		return "closed"
	}
	return "rejected"
}
