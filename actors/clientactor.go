package actors

import (
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// sweep: messages in the outbox may have become too old, or will sooner than was
// known. Timer, whoever sends → Client
type sweep struct{}

func (*sweep) private() {}

func (s *session) sweep() { s.box.PostUserMessage(&sweep{}) }

// clientActor is the actor of a session: it owns the state machine and supervises
// the connection and the modules. It is the only one that says what happened.
type clientActor struct {
	*session
	parts      parts
	self       actor.Context
	goal       goal
	state      State
	connection *actor.PID // nil while there is none
	spawned    uint64
	epoch      uint64
	attempt    int
	wasReady   bool  // since the last loss on purpose
	up         bool  // a socket is there: its loss is news
	reset      bool  // the session state is to be reset when the connection is down
	cause      error // why the client stops
	held       error // why it will be held, if not because of a command
	lost       int   // attempts since the loss
	waiting    []waiter
	expiry     *time.Timer
}

// waiter is somebody who is to be told when a command has had its effect.
type waiter struct {
	command Command
	sender  *actor.PID
}

func (a *clientActor) Receive(ctx actor.Context) {
	a.self = ctx
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case *Do:
		a.do(ctx, m)
	case *Send:
		id, err := a.accept(m.Kind, m.Payload)
		answer(ctx, &Sent{ID: id, Err: err})
	case *phase:
		a.reached(m)
	case *actor.Terminated:
		if a.connection != nil && m.Who.Equal(a.connection) {
			a.down(ctx)
			return
		}
		a.parts.ended(ctx, m.Who)
	case *revival:
		a.parts.revive(ctx, m.child)
	case *hooksOver:
		a.parts.poison(ctx)
	case *keepAlive:
		a.keepAlive(m)
	case *sweep:
		a.expire()
	case *GetStatus:
		answer(ctx, &Status{State: a.state, Epoch: a.epoch, Connection: a.connection, Cause: a.cause, Books: a.books()})
	case *GetStats:
		stats := a.stats()
		answer(ctx, &stats)
	case *GetHistory:
		answer(ctx, &History{Records: a.life.history()})
	case *AddModule:
		a.parts.add(ctx, m)
	case *actor.Stopping:
		a.parts.ending = true
		a.goal = goalDown // whoever stops us: the end of the connection starts no other
		a.reconnect.Leaving()
		a.stopTimer()
	case *actor.Stopped:
		a.finish()
	default:
		unhandled(ctx)
	}
}

func (a *clientActor) start(ctx actor.Context) {
	if err := a.parts.spawn(ctx, a.options.Modules, a.options.Middleware); err != nil {
		a.cause = err
		ctx.Stop(ctx.Self())
		return
	}
	a.hooks.submit(&call{kind: hookStart}) // the other hooks come behind it
}

// do carries out a command by the table of states and commands.
func (a *clientActor) do(ctx actor.Context, m *Do) {
	s := decide(a.state, a.goal, m.Command)
	if s.err != nil {
		answer(ctx, &Done{Command: m.Command, Err: s.err})
		return
	}
	if s.goal != a.goal {
		a.supersede(m.Command)
	}
	a.goal = s.goal
	a.reset = a.reset || s.reset
	waits := s.act == actClose || s.act == actAbort || s.act == actWait && m.Command != Connect
	if waits && ctx.Sender() != nil {
		a.waiting = append(a.waiting, waiter{command: m.Command, sender: ctx.Sender()})
	}
	switch s.act {
	case actSpawn:
		a.resetIfAsked()
		a.connect(ctx)
	case actHurry:
		ctx.Send(a.connection, &hurry{})
	case actClose:
		a.leave(ctx, &leave{code: orNormal(m.Code), reason: m.Reason})
	case actAbort:
		a.leave(ctx, nil)
	case actNone:
		a.resetIfAsked()
		a.settle(ctx)
	case actWait:
	}
	if !waits {
		answer(ctx, &Done{Command: m.Command})
	}
}

// settle brings a client without a connection to its goal.
func (a *clientActor) settle(ctx actor.Context) {
	switch {
	case a.connection != nil || a.state == Stopped:
	case a.goal == goalHeld && a.state != Held:
		a.become(Held)
		a.publish(&Event{Kind: EventHeld, Cause: a.held})
		a.held = nil
	case a.goal == goalDown:
		a.parts.stop(ctx)
	}
}

// connect spawns a connection: a new child for a new start. What follows a
// failure is the restart of the same child.
func (a *clientActor) connect(ctx actor.Context) {
	a.reconnect.Reset()
	a.spawned++
	a.attempt, a.lost = 0, 0
	a.fresh.Store(true)
	a.refused.Store(false)
	box := newMailbox(a.root.dispatcher)
	s := a.session
	produce := func() actor.Actor {
		return &incarnation{session: s, box: box}
	}
	pid, err := ctx.SpawnNamed(a.root.props(produce, box, escalate), "c"+strconv.FormatUint(a.spawned, 36))
	if err != nil {
		a.cause = err
		ctx.Stop(ctx.Self())
		return
	}
	a.connection = pid
	a.become(Connecting)
}

// leave brings the connection down on purpose: with the close handshake, or at
// once if it has no peer yet.
func (a *clientActor) leave(ctx actor.Context, how *leave) {
	a.reconnect.Leaving()
	a.become(Closing)
	if how == nil {
		ctx.Stop(a.connection)
		return
	}
	ctx.Send(a.connection, how)
}

// reached notes how far an incarnation has come.
func (a *clientActor) reached(p *phase) {
	a.epoch, a.attempt = p.epoch, p.attempt
	if a.state == Closing {
		return // it will not matter any more
	}
	a.become(p.state)
	switch p.state {
	case Connecting:
		a.publish(&Event{Kind: EventConnecting, Attempt: p.attempt})
	case Opening:
		a.up = true
		a.publish(&Event{Kind: EventConnected, Attempt: p.attempt})
	case Ready:
		a.reconnect.Ready()
		a.refused.Store(false)
		a.fresh.Store(false)
		a.publish(&Event{Kind: EventReady, Attempt: p.attempt})
		if a.wasReady {
			a.publish(&Event{Kind: EventReconnected, Attempt: a.lost})
		}
		a.wasReady = true
		a.armKeepAlive()
	}
}

func (a *clientActor) resetIfAsked() {
	if !a.reset {
		return
	}
	a.reset = false
	if f := a.options.OnSessionReset; f != nil {
		a.guarded("OnSessionReset", func() { f(nil) })
	}
}

// guarded runs user code that must not harm the session.
func (a *clientActor) guarded(what string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			a.logger.Error("actors: "+what+" panicked", "client", a.name, "panic", r)
		}
	}()
	f()
}

// supersede answers those whose command has just been taken back.
func (a *clientActor) supersede(by Command) {
	if len(a.waiting) == 0 || by == Shutdown {
		// those who wait to be down will be, and are told so at the end
		return
	}
	a.tellWaiters(ErrSuperseded)
}

func (a *clientActor) tellWaiters(err error) {
	waiting := a.waiting
	a.waiting = nil
	for _, w := range waiting {
		a.tell(w.sender, &Done{Command: w.command, Err: err})
	}
}

func (a *clientActor) become(s State) {
	a.state = s
	a.life.become(s, a.wasReady)
	a.watch.set(s, a.cause)
	a.expire()
}

// publish makes an event known to the event stream, to the modules and to the
// readers of States, in this order everywhere.
func (a *clientActor) publish(e *Event) {
	e.Client, e.Name, e.At = a.self.Self(), a.name, time.Now()
	if e.Epoch == 0 {
		e.Epoch = a.epoch
	}
	queued, bytes := a.out.size()
	e.Queued = queued
	a.life.event(e, Transition{State: a.state, QueuedBytes: bytes, RTT: time.Duration(a.counters.rtt.last.Load())})
	if e.Kind == EventStopped {
		a.watch.end(*e, a.cause)
	} else {
		a.watch.event(*e)
	}
	a.parts.event(e)
	a.side.publish(e)
}

// expire drops messages that have become too old, and sets the timer for the
// next ones. What comes meanwhile and is more urgent sends another sweep.
func (a *clientActor) expire() {
	a.stopTimer()
	next := a.out.expire(time.Now())
	if a.state == Stopped || next.IsZero() {
		return
	}
	a.expiry = time.AfterFunc(max(time.Until(next), time.Millisecond), a.session.sweep)
}

func (a *clientActor) stopTimer() {
	if a.expiry != nil {
		a.expiry.Stop()
		a.expiry = nil
	}
}

// finish is the end: every actor below is gone.
func (a *clientActor) finish() {
	a.dropped(nil)
	a.parts.over()
	a.out.close(stopped(a.cause))
	a.state = Stopped
	a.publish(&Event{Kind: EventStopped, Cause: a.cause})
	for _, w := range a.waiting {
		var err error
		if w.command != Shutdown && w.command != Hold {
			err = stopped(a.cause)
		}
		a.tell(w.sender, &Done{Command: w.command, Err: err})
	}
	a.waiting = nil
}
