package actors

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// receiver is the behaviour of a light actor.
type receiver interface {
	receive(msg any)
	// stopping is called once, before the end.
	stopping()
	// killed is called behind that if somebody else than its connection stopped it.
	killed()
}

// light is a child of a connection: its reader or its writer. It is an actor with
// a PID and a mailbox; it can be watched and stopped, its panic is a failure that
// its parent's strategy decides on, and its undelivered mail gets an outcome. It
// has no children, no context and no incarnations of its own, and therefore costs
// a third of what protoactor keeps for an actor. What it cannot have is a restart
// by itself: it lives and dies with its connection.
type light struct {
	mailbox
	behaviour receiver
	system    *actor.ActorSystem
	parent    *mailbox
	pid       *actor.PID
	watchers  []*actor.PID
	ending    *ending // told of the end; nil while nobody waits for it
	halted    bool    // its connection has stopped it; guarded by the mailbox
	stopped   bool    // only touched in the actor's turn
}

var (
	_ actor.Process        = (*light)(nil)
	_ actor.MessageInvoker = (*light)(nil)
)

// newLight spawns a light actor below parent, under an id never used before.
func newLight(r *root, id string, parent *mailbox, b receiver) (*light, error) {
	l := &light{behaviour: b, system: r.system, parent: parent}
	l.dispatcher, l.invoker, l.mailbox.started = r.dispatcher, l, true
	pid, ok := r.system.ProcessRegistry.Add(l, id)
	if !ok {
		return nil, actor.ErrNameExists
	}
	l.pid = pid
	return l, nil
}

// SendUserMessage implements actor.Process.
func (l *light) SendUserMessage(_ *actor.PID, msg any) { l.PostUserMessage(msg) }

// SendSystemMessage implements actor.Process.
func (l *light) SendSystemMessage(_ *actor.PID, msg any) { l.PostSystemMessage(msg) }

// Stop implements actor.Process.
func (l *light) Stop(*actor.PID) { l.PostSystemMessage(&actor.Stop{}) }

// halt stops the actor: at once if it is idle, which halt then reports, else when
// it has handled its message, of which e is told.
func (l *light) halt(e *ending) bool {
	l.mu.Lock()
	l.halted = true
	if l.running {
		e.left.Add(1)
		l.ending = e
		l.mailbox.system = append(l.mailbox.system, &actor.Stop{})
		l.mu.Unlock()
		return false
	}
	l.running = true
	l.mu.Unlock()
	l.invokeSystem(&actor.Stop{})
	l.run()
	return true
}

// InvokeUserMessage implements actor.MessageInvoker.
func (l *light) InvokeUserMessage(msg any) {
	if l.stopped {
		l.refuse(msg)
		return
	}
	_, msg, _ = actor.UnwrapEnvelope(msg)
	if _, ok := msg.(*actor.PoisonPill); ok {
		l.end()
		return
	}
	l.behaviour.receive(msg)
}

// InvokeSystemMessage implements actor.MessageInvoker.
func (l *light) InvokeSystemMessage(msg any) {
	switch m := msg.(type) {
	case *actor.Stop, *actor.Restart:
		l.end()
	case *actor.Watch:
		if l.stopped {
			l.terminated(m.Watcher)
			return
		}
		l.watchers = append(l.watchers, m.Watcher)
	case *actor.Unwatch:
		for i, w := range l.watchers {
			if w.Equal(m.Watcher) {
				l.watchers = append(l.watchers[:i], l.watchers[i+1:]...)
				return
			}
		}
	}
}

// EscalateFailure implements actor.MessageInvoker: the parent decides. Until it
// has, the actor does nothing.
func (l *light) EscalateFailure(reason, msg any) {
	l.setSuspended(true)
	l.parent.PostSystemMessage(&actor.Failure{
		Who: l.pid, Reason: reason, RestartStats: actor.NewRestartStatistics(), Message: msg,
	})
}

// end is the end of the actor, in its own turn. Whoever waits for it is told by
// the stop that he sent, be it the first or, because the actor was ending already,
// a later one.
func (l *light) end() {
	if !l.stopped {
		l.stopped = true
		l.leave()
	}
	l.mu.Lock()
	e := l.ending
	l.ending = nil
	l.mu.Unlock()
	if e != nil {
		e.one()
	}
}

// leave is what happens once in the life of the actor: it is nobody's any more.
func (l *light) leave() {
	l.safely(l.behaviour.stopping)
	l.mu.Lock()
	halted := l.halted
	l.mu.Unlock()
	if !halted {
		l.safely(l.behaviour.killed)
	}
	l.system.ProcessRegistry.Remove(l.pid)
	l.mailbox.Stopped(nil)
	for _, w := range l.watchers {
		l.terminated(w)
	}
}

// safely keeps a panic in the last breath from being a failure.
func (l *light) safely(f func()) {
	defer func() {
		if r := recover(); r != nil {
			l.system.Logger().Error("actors: panic while stopping", "actor", l.pid.Id, "panic", r)
		}
	}()
	f()
}

func (l *light) terminated(watcher *actor.PID) {
	if p, ok := l.system.ProcessRegistry.Get(watcher); ok {
		p.SendSystemMessage(watcher, &actor.Terminated{Who: l.pid})
	}
}

// ending is a child that a stopping connection has only while a light actor of it
// is still in its turn: it ends when that one has, and until then protoactor lets
// the connection neither stop nor restart.
type ending struct {
	left     atomic.Int32 // light actors to wait for, and one for the spawning
	pid      *actor.PID
	parent   *mailbox
	registry *actor.ProcessRegistryValue
}

var _ actor.Process = (*ending)(nil)

// await stops the light actors and makes ctx's actor wait for those that are busy.
func await(ctx actor.Context, parent *mailbox, number uint64, actors ...*light) {
	e := &ending{parent: parent, registry: ctx.ActorSystem().ProcessRegistry}
	e.left.Store(1)
	busy := false
	for _, l := range actors {
		if l != nil && !l.halt(e) {
			busy = true
		}
	}
	if !busy {
		return
	}
	props := actor.PropsFromFunc(nil, actor.WithSpawnFunc(e.spawn))
	if _, err := ctx.SpawnNamed(props, name("ending", number)); err != nil {
		ctx.Logger().Error("actors: spawn", "error", err)
		return
	}
	e.one()
}

// spawn registers the process; protoactor makes it a child.
func (e *ending) spawn(system *actor.ActorSystem, id string, _ *actor.Props, _ actor.SpawnerContext) (*actor.PID, error) {
	pid, ok := system.ProcessRegistry.Add(e, id)
	if !ok {
		return nil, actor.ErrNameExists
	}
	e.pid = pid
	return pid, nil
}

// one counts one of those that are waited for.
func (e *ending) one() {
	if e.left.Add(-1) == 0 {
		e.registry.Remove(e.pid)
		e.parent.PostSystemMessage(&actor.Terminated{Who: e.pid})
	}
}

// SendUserMessage implements actor.Process.
func (e *ending) SendUserMessage(*actor.PID, any) {}

// SendSystemMessage implements actor.Process. A Stop does not hurry it.
func (e *ending) SendSystemMessage(*actor.PID, any) {}

// Stop implements actor.Process.
func (e *ending) Stop(*actor.PID) {}
