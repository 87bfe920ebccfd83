package actors

import (
	"context"
	"slices"

	"github.com/asynkron/protoactor-go/actor"
)

// Drained tells an actor that a connection, or a client, has room again. Err is not
// nil if that is of no use, because it accepts no more.
//
//	Connection, Client → whoever called NotifyDrained
type Drained struct {
	// Conn is the connection; nil if a Client was asked.
	Conn *Conn
	Err  error
}

// onlooker is somebody who waits for an outbox to be drained: an actor or a goroutine.
type onlooker struct {
	side *side
	pid  *actor.PID
	conn *Conn
	done chan error
}

func (w *onlooker) tell(err error) {
	if w.done != nil {
		w.done <- err // it has room for one
		return
	}
	w.side.tell(w.pid, &Drained{Conn: w.conn, Err: err})
}

// gauge compares what waits with the water marks, and returns whom to tell that it is
// not too much any more; o is locked.
func (o *outbox) gauge() (told []onlooker) {
	switch high := o.limits.HighWater; {
	case !o.congested:
		o.congested = high > 0 && o.data.bytes > high
	case o.data.bytes <= o.limits.LowWater:
		if o.congested = false; o.letters != nil {
			told, o.letters.waiters = o.letters.waiters, nil
		}
	}
	return told
}

// awaitDrained notes somebody who waits. If there is nothing to wait for it returns false,
// and the error of the outbox.
func (o *outbox) awaitDrained(w onlooker) (waits bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.congested {
		return false, o.end
	}
	s := o.extra()
	if w.pid != nil && slices.ContainsFunc(s.waiters, func(other onlooker) bool { return w.pid.Equal(other.pid) }) {
		return true, nil
	}
	s.waiters = append(s.waiters, w)
	return true, nil
}

// abandon forgets a goroutine that waits no more.
func (o *outbox) abandon(done chan error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.letters.waiters = slices.DeleteFunc(o.letters.waiters, func(w onlooker) bool { return w.done == done })
}

func (o *outbox) isCongested() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.congested
}

// notifyDrained has pid told, at once or later.
func (o *outbox) notifyDrained(w onlooker) {
	if waits, err := o.awaitDrained(w); !waits {
		w.tell(err)
	}
}

// waitDrained waits until there is room again, or ctx is done.
func (o *outbox) waitDrained(ctx context.Context) error {
	done := make(chan error, 1)
	if waits, err := o.awaitDrained(onlooker{done: done}); !waits {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		o.abandon(done)
		return ctx.Err()
	}
}

// Congested reports whether more than OutboxLimits.HighWater waits for the peer, and
// has not come down to LowWater since. Who can do without should send no more then.
func (c *Conn) Congested() bool { return c.out.isCongested() }

// NotifyDrained has pid sent one *Drained as soon as the connection is not congested:
// at once if it is not; who has asked already gets one all the same. The end of the connection counts, with an error.
func (c *Conn) NotifyDrained(pid *actor.PID) {
	c.out.notifyDrained(onlooker{side: c.side, pid: pid, conn: c})
}

// WaitDrained waits until the connection is not congested. It returns the error of
// ctx, or ErrStopped when the connection accepts no more. It must not be called by a
// handler, which would hold up its module.
func (c *Conn) WaitDrained(ctx context.Context) error { return c.out.waitDrained(ctx) }

// Congested is Conn.Congested for what waits in the client's outbox, also while
// offline.
func (c *Client) Congested() bool { return c.s.out.isCongested() }

// NotifyDrained is Conn.NotifyDrained for the client's outbox.
func (c *Client) NotifyDrained(pid *actor.PID) {
	c.s.out.notifyDrained(onlooker{side: &c.s.side, pid: pid})
}

// WaitDrained is Conn.WaitDrained for the client's outbox.
func (c *Client) WaitDrained(ctx context.Context) error { return c.s.out.waitDrained(ctx) }
