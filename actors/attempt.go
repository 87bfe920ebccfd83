package actors

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// start begins the attempt with the wait that the supervisor decided on. It waits
// here, and not suspended, so that it can be told things meanwhile and nothing
// of it outlives it.
func (c *incarnation) start(ctx actor.Context) {
	s := c.session
	s.out.clearSetup() // the writer before us is gone
	s.wants.lost()
	plan := s.reconnect.Plan()
	c.epoch = s.epochs.Add(1)
	c.attempt = s.attemptOf(plan.Attempt)
	s.farewell(plan.Cause)
	if plan.Attempt == 0 {
		c.attemptDial(ctx)
		return
	}
	c.state = c.waiting
	c.consented = c.ask(&call{kind: hookReconnecting, number: c.attempt, delay: plan.Delay, cause: plan.Cause})
	if plan.Delay <= 0 {
		c.rested = true
		c.proceed(ctx)
		return
	}
	c.tell(&phase{state: Backoff, delay: plan.Delay})
	box, due := c.box, &backoffOver{epoch: c.epoch}
	c.timer = time.AfterFunc(plan.Delay, func() { box.PostUserMessage(due) })
}

// ask has a hook called. It reports whether there is nothing to wait for; else a
// hookOver follows.
func (c *incarnation) ask(k *call) bool {
	box, m := c.box, &hookOver{epoch: c.epoch, kind: k.kind}
	k.over = func(err error) {
		m.err = err
		box.PostUserMessage(m)
	}
	return c.session.hooks.submit(k)
}

// waiting is the state of the backoff. A hook that aborts the attempt does not
// shorten it.
func (c *incarnation) waiting(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *backoffOver:
		if c.mine(m.epoch) {
			c.rested = true
			c.proceed(ctx)
		}
	case *hookOver:
		if c.mine(m.epoch) {
			c.consented, c.refusal = true, m.err
			c.proceed(ctx)
		}
	case *hurry:
		if c.timer != nil {
			c.timer.Stop()
		}
		c.rested = true
		c.proceed(ctx)
	default:
		c.early(ctx)
	}
}

// proceed goes on once the delay has passed and the hooks have been heard.
func (c *incarnation) proceed(ctx actor.Context) {
	switch {
	case !c.rested || !c.consented:
	case c.refusal != nil:
		c.over(ctx, c.refusal)
	default:
		c.attemptDial(ctx)
	}
}

// attemptDial asks the middleware whether to dial.
func (c *incarnation) attemptDial(ctx actor.Context) {
	c.state = c.attempting
	c.tell(&phase{state: Connecting})
	if c.ask(&call{kind: hookAttempt, number: c.attempt, cause: c.session.reconnect.Plan().Cause}) {
		c.dial(ctx)
	}
}

// attempting is the state in which the middleware is asked.
func (c *incarnation) attempting(ctx actor.Context) {
	m, ok := ctx.Message().(*hookOver)
	switch {
	case !ok:
		c.early(ctx)
	case !c.mine(m.epoch):
	case m.err != nil:
		c.fail(ctx, m.err)
	default:
		c.dial(ctx)
	}
}

// fail ends an attempt that the middleware had been told of.
func (c *incarnation) fail(ctx actor.Context, cause error) {
	c.session.hooks.submit(&call{kind: hookFailure, number: c.attempt, cause: cause})
	c.over(ctx, cause)
}

// dial dials. URL, header and token are asked for anew each time.
func (c *incarnation) dial(actor.Context) {
	c.state = c.dialing
	dialing, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	s, box, epoch := c.session, c.box, c.epoch
	attempt := Attempt{Number: c.attempt, Cause: s.reconnect.Plan().Cause}
	s.tasks.start("dial", func() {
		defer cancel()
		start := time.Now()
		wire, path, err := s.dial(dialing, attempt)
		box.PostUserMessage(&dialed{epoch: epoch, wire: wire, path: path, took: time.Since(start), err: err})
	})
}

// dialing is the state in which a dial is under way.
func (c *incarnation) dialing(ctx actor.Context) {
	m, ok := ctx.Message().(*dialed)
	if !ok {
		c.early(ctx)
		return
	}
	switch {
	case !c.mine(m.epoch):
		discard(m.wire)
	case m.err != nil:
		c.fail(ctx, m.err)
	default:
		c.open(ctx, m)
	}
}

// early handles what may come in any state without a socket.
func (c *incarnation) early(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *Send:
		id, err := c.session.accept(m.Kind, m.Payload)
		answer(ctx, &Sent{ID: id, Err: err})
	case *leave:
		ctx.Stop(ctx.Self())
	case *Close:
		// there is no connection to close
	case *dialed:
		c.stale()
		discard(m.wire)
	case *backoffOver, *tick, *overdue, *pongReceived, *peerClosed, *violated, *closeSent, *ended, *opened, *hookOver:
		c.stale()
	case *hurry:
		// it is hurrying already
	default:
		unhandled(ctx)
	}
}
