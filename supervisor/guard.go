package supervisor

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"
)

// Mailbox is a mailbox that wants to know of its actor's end.
type Mailbox interface {
	// Stopped is called when the actor has handled its Stopped, before its watchers
	// and its parent learn of it. No message will be handled any more; those that wait
	// should get their outcome.
	Stopped(ctx actor.Context)
}

// Observer is a strategy, or an actor that is its own strategy, which must see the
// messages of the supervising actor: timers that are due, Terminated, Stopping. The
// guard calls it before the actor, for every message; consumed keeps the message
// from the actor, and is ignored for the messages of the life cycle.
type Observer interface {
	Observe(ctx actor.Context) (consumed bool)
}

// Guard wraps every actor that a producer makes. A panic while an actor lives is
// passed on and becomes its failure; one while it restarts or stops is reported and
// swallowed, because it would leave a zombie. See the package comment for what
// holds with a guard. It costs no allocation per message.
//
// A producer that panics does not harm the one who spawns: the actor fails in its
// Started instead.
func Guard(produce actor.Producer, options ...GuardOption) actor.Producer {
	o := &guardOptions{produce: produce}
	for _, set := range options {
		set(o)
	}
	return func() actor.Actor { return newGuarded(o) }
}

// phase is where an incarnation stands.
type phase uint8

const (
	running    phase = iota
	failed           // its failure is on the way up; its parent decides
	restarting       // its Restarting has come
	stopping         // its Stopping has come
	revived          // stopping, but a Restart made protoactor forget it; a Stop is on its way
	stopped          // its Stopped has come
)

// Guarded is an actor with its guard. It is what actor.Context.Actor returns
// within a guarded actor. There is one for each incarnation.
type Guarded struct {
	inner    actor.Actor
	strategy actor.SupervisorStrategy
	mailbox  Mailbox
	options  *guardOptions
	phase    phase
	observes bool // strategy is an Observer
}

var (
	_ actor.Actor              = (*Guarded)(nil)
	_ actor.SupervisorStrategy = (*Guarded)(nil)
)

func newGuarded(o *guardOptions) *Guarded {
	g := &Guarded{options: o, inner: produced(o.produce)}
	if s, ok := g.inner.(actor.SupervisorStrategy); ok {
		g.supervise(s)
	} else if o.strategy != nil {
		g.supervise(o.strategy())
	}
	return g
}

// produced calls the producer, and makes an actor of its panic.
func produced(produce actor.Producer) (a actor.Actor) {
	defer func() {
		if r := recover(); r != nil {
			a = &misborn{err: caught(r)}
		}
	}()
	if a = produce(); a == nil {
		return &misborn{err: errors.New("supervisor: producer returned no actor")}
	}
	return a
}

// misborn stands in for an actor that could not be made.
type misborn struct{ err error }

func (m *misborn) Receive(ctx actor.Context) {
	if _, ok := ctx.Message().(*actor.Started); ok {
		panic(m.err)
	}
}

func (g *Guarded) supervise(s actor.SupervisorStrategy) {
	g.strategy = s
	_, g.observes = s.(Observer)
}

// Inner returns the actor within.
func (g *Guarded) Inner() actor.Actor { return g.inner }

// Attach makes the actor's mailbox known. A mailbox calls it in its
// RegisterHandlers and, because a restart makes a new Guarded, after each system
// message that it has invoked; calls after the first do nothing. If the actor has a
// method Attached(Mailbox), that is called before its Started in every incarnation.
func (g *Guarded) Attach(m Mailbox) {
	if g.mailbox == nil {
		g.mailbox = m
	}
}

// Receive implements actor.Actor.
func (g *Guarded) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		g.attached(ctx)
		g.observe(ctx)
		g.run(ctx)
	case *actor.Restarting:
		g.restart(ctx)
	case *actor.Stopping:
		g.stop(ctx)
	case *actor.Stopped:
		g.stopped(ctx)
	case *actor.Terminated:
		g.terminated(ctx)
	case *restartDue:
		g.observe(ctx) // without a strategy it is that of an earlier incarnation
	default:
		if g.observes && g.observe(ctx) {
			return
		}
		if g.phase == failed { // it was resumed, or it would get no messages
			g.phase = running
		}
		g.run(ctx)
	}
}

// run hands the message to the actor. Only a running actor may fail: for any other
// a decision is on its way, and its panic would spoil the bookkeeping that
// protoactor does behind this call.
func (g *Guarded) run(ctx actor.Context) {
	if g.phase != running {
		g.safely(ctx, func() { g.inner.Receive(ctx) })
		return
	}
	returned := false
	defer func() {
		if r := recover(); r != nil {
			g.phase = failed
			panic(caught(r))
		}
		if !returned {
			g.phase = failed
			panic(errGoexit)
		}
	}()
	g.inner.Receive(ctx)
	returned = true
}

func (g *Guarded) restart(ctx actor.Context) {
	switch g.phase {
	case running, failed, restarting:
		g.phase = restarting
		g.observe(ctx)
		g.keepMailbox(ctx)
		g.safely(ctx, func() { g.inner.Receive(ctx) })
	case stopping, revived:
		g.phase = revived
		ctx.Stop(ctx.Self())
		g.refuseRevival(ctx)
	case stopped:
		panic(errRevived) // else protoactor makes an incarnation that nobody can stop
	}
}

// terminated handles the end of a child, or of somebody who is watched.
func (g *Guarded) terminated(ctx actor.Context) {
	g.observe(ctx)
	g.run(ctx)
	if g.phase == revived {
		g.refuseRevival(ctx)
	}
}

// refuseRevival keeps protoactor from making a new incarnation behind this call,
// which it does once no children are left. The Stop that is queued then ends the
// actor.
func (g *Guarded) refuseRevival(ctx actor.Context) {
	if len(ctx.Children()) == 0 {
		panic(errRevived)
	}
}

func (g *Guarded) stop(ctx actor.Context) {
	switch g.phase {
	case running, failed, restarting:
		g.phase = stopping
		g.observe(ctx)
		g.safely(ctx, func() { g.inner.Receive(ctx) })
	case revived:
		g.phase = stopping
	case stopping, stopped:
	}
}

func (g *Guarded) stopped(ctx actor.Context) {
	g.phase = stopped
	g.observe(ctx)
	g.safely(ctx, func() { g.inner.Receive(ctx) })
	if g.mailbox != nil {
		g.safely(ctx, func() { g.mailbox.Stopped(ctx) })
	}
}

// observe lets the strategy see the message.
func (g *Guarded) observe(ctx actor.Context) (consumed bool) {
	if !g.observes {
		return false
	}
	if o, ok := g.strategy.(Observer); ok {
		g.safely(ctx, func() { consumed = o.Observe(ctx) })
	}
	return consumed
}

// HandleFailure implements actor.SupervisorStrategy: protoactor calls it with each
// failure of a child. A strategy that panics stops the child.
func (g *Guarded) HandleFailure(system *actor.ActorSystem, s actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, message any) {
	if reason == any(errRevived) {
		return // no failure: the child's guard has seen to its stop
	}
	if g.phase != running { // the child goes with us, and our own failure is reported already
		s.StopChildren(child)
		return
	}
	defer func() {
		if r := recover(); r != nil {
			g.report(system, SwallowedPanic{Actor: selfOf(s), Phase: "failure of " + child.Id, Err: caught(r)})
			s.StopChildren(child)
		}
	}()
	if g.strategy == nil {
		g.supervise(NewOneForOne(OneForOneOptions{}))
	}
	g.strategy.HandleFailure(system, &guardedSupervisor{Supervisor: s, guard: g}, child, rs, reason, message)
}

// guardedSupervisor tells the guard of an escalation, so that the actor fails once
// only, however many of its children fail.
type guardedSupervisor struct {
	actor.Supervisor
	guard *Guarded
}

// EscalateFailure implements actor.Supervisor.
func (s *guardedSupervisor) EscalateFailure(reason, message any) {
	s.guard.phase = failed
	s.Supervisor.EscalateFailure(reason, message)
}

// Self returns the PID of the supervising actor.
func (s *guardedSupervisor) Self() *actor.PID { return selfOf(s.Supervisor) }

// selfOf returns the PID of the supervising actor, or nil if it is a guardian.
func selfOf(s actor.Supervisor) *actor.PID {
	if a, ok := s.(interface{ Self() *actor.PID }); ok {
		return a.Self()
	}
	return nil
}
