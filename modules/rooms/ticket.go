package rooms

import (
	"context"
	"sync/atomic"
)

// ticket is what somebody holds who waits for an order.
type ticket struct {
	state  atomic.Uint32
	done   chan struct{}
	result Result
	err    error
}

const (
	waiting uint32 = iota
	begun          // the host has begun: it will be done
	given          // nobody waits any more: it must not be done
	over           // done is closed
)

func newTicket() *ticket { return &ticket{done: make(chan struct{})} }

// begin reports whether the order is still wanted. Nobody gives it up from now on. A
// nil ticket is that of an order nobody waits for.
func (t *ticket) begin() bool {
	return t == nil || t.state.CompareAndSwap(waiting, begun)
}

// answer ends the wait. Answers after the first do nothing.
func (t *ticket) answer(result Result, err error) {
	if t == nil {
		return
	}
	for {
		s := t.state.Load()
		if s == given || s == over {
			return
		}
		if t.state.CompareAndSwap(s, over) {
			t.result, t.err = result, err
			close(t.done)
			return
		}
	}
}

// refuse is answer for an order that was not done, or not to its end.
func (t *ticket) refuse(err error) { t.answer(Result{}, err) }

// wait returns the answer. If ctx is done before the host has begun, the order will
// not be done.
func (t *ticket) wait(ctx context.Context, r *Rooms) error {
	if !r.given.Load() {
		t.state.CompareAndSwap(waiting, given)
		return ErrNoServer
	}
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
	}
	if t.state.CompareAndSwap(waiting, given) {
		return context.Cause(ctx)
	}
	<-t.done // no function of the user runs between begin and answer
	return t.err
}
