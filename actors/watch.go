package actors

import (
	"context"
	"errors"
	"iter"
	"sync"
)

// watched is how many events wait for one slow reader of States.
const watched = 1024

// watch lets goroutines outside the actor system follow a client: what it is
// now, and what happens to it.
type watch struct {
	mu      sync.Mutex
	state   State
	cause   error
	changed chan struct{} // closed at the next change; nil while nobody waits
	readers map[*events]struct{}
}

// events is what waits for one reader of States.
type events struct {
	queue  []Event
	missed int
	some   chan struct{}
	over   bool
}

func (w *watch) now() (State, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state, w.cause
}

// set notes the state. A client that stopped has a cause, or nil after Shutdown.
func (w *watch) set(s State, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.become(s, cause)
}

// end notes the last event and the last state at once: who has seen the one finds
// the other.
func (w *watch) end(e Event, cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(e)
	for r := range w.readers {
		r.over = true
	}
	w.become(Stopped, cause)
}

// become changes the state; w is locked.
func (w *watch) become(s State, cause error) {
	w.state, w.cause = s, cause
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// event gives an event to every reader. A reader that is too slow loses the
// oldest, and is told how many.
func (w *watch) event(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(e)
}

// add queues an event for every reader; w is locked.
func (w *watch) add(e Event) {
	for r := range w.readers {
		if len(r.queue) == watched {
			r.queue = r.queue[1:]
			r.missed++
		}
		r.queue = append(r.queue, e)
		r.wake()
	}
}

func (r *events) wake() {
	select {
	case r.some <- struct{}{}:
	default:
	}
}

// wait returns when the state fulfils the condition, or with the reason why it
// never will.
func (w *watch) wait(ctx context.Context, fulfils func(State) bool) error {
	for {
		w.mu.Lock()
		state, cause := w.state, w.cause
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		changed := w.changed
		w.mu.Unlock()
		switch {
		case fulfils(state):
			return nil
		case state == Stopped:
			return stopped(cause)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stopped is the error of those who wait for what will not come any more.
func stopped(cause error) error {
	if cause == nil {
		return ErrStopped
	}
	return errors.Join(ErrStopped, cause)
}

// follow yields the events from now on, until the client stops or ctx is done.
func (w *watch) follow(ctx context.Context) iter.Seq[Event] {
	r := &events{some: make(chan struct{}, 1)}
	w.mu.Lock()
	if w.readers == nil {
		w.readers = map[*events]struct{}{}
	}
	w.readers[r] = struct{}{}
	r.over = w.state == Stopped
	w.mu.Unlock()
	return func(yield func(Event) bool) {
		defer w.forget(r)
		for {
			e, ok, over := w.take(r)
			switch {
			case ok && !yield(e), !ok && over:
				return
			case ok:
				continue
			}
			select {
			case <-r.some:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (w *watch) take(r *events) (e Event, ok, over bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(r.queue) == 0 {
		return e, false, r.over
	}
	e = r.queue[0]
	r.queue = r.queue[1:]
	e.Missed, r.missed = r.missed, 0
	return e, true, r.over
}

func (w *watch) forget(r *events) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.readers, r)
}
