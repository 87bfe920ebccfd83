package actors

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// receiver is the behaviour of a light actor, which embeds one.
type receiver interface {
	actor.MessageInvoker
	// home is the light actor within.
	home() *light
	// kind is the first letter of its name.
	kind() string
	// stopping is called once, before the end.
	stopping()
	// killed is called behind that if somebody else than its connection stopped it.
	killed()
}

// light is a child of a connection: its reader or its writer. It is an actor with
// a mailbox; it can be watched and stopped, its panic is a failure that its parent's
// strategy decides on, and its undelivered mail gets an outcome. It has no children,
// no context and no incarnations of its own, and a PID only when somebody asks for
// it; therefore it costs a tenth of what protoactor keeps for an actor. What it cannot
// have is a restart by itself: it lives and dies with its connection.
type light struct {
	mailbox
	conn     *Conn
	pid      *actor.PID // nil until somebody asks; guarded by the mailbox
	mourners *mourners  // nil: nobody; guarded by the mailbox
	halted   bool       // its connection has stopped it; guarded by the mailbox
	stopped  bool       // only touched in the actor's turn
}

// mourners are those who are told of the end of a light actor.
type mourners struct {
	watchers actor.PIDSet
	ending   *ending // of its connection; nil while that does not wait
}

// mourned returns the mourners, made if there are none. The mailbox is locked.
func (l *light) mourned() *mourners {
	if l.mourners == nil {
		l.mourners = &mourners{}
	}
	return l.mourners
}

var _ actor.Process = (*light)(nil)

// begin makes the actor one of c, whose own actor has its PID. self embeds it.
func (l *light) begin(c *Conn, self receiver) {
	l.conn = c
	l.dispatcher, l.invoker, l.mailbox.started = c.side.root.dispatcher, self, true
}

func (l *light) home() *light { return l }

// who returns the actor's PID. From the first call on the actor system knows it.
func (l *light) who() *actor.PID {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pid != nil {
		return l.pid
	}
	id := l.conn.pid.Id + "/" + name(l.invoker.(receiver).kind(), l.conn.epoch) //nolint:forcetypeassert // begin
	if l.closed {
		l.pid = l.conn.side.system.NewLocalPID(id)
	} else {
		l.pid, _ = l.conn.side.system.ProcessRegistry.Add(l, id) // a name is never used twice
	}
	return l.pid
}

// SendUserMessage implements actor.Process.
func (l *light) SendUserMessage(_ *actor.PID, msg any) { l.PostUserMessage(msg) }

// SendSystemMessage implements actor.Process.
func (l *light) SendSystemMessage(_ *actor.PID, msg any) { l.PostSystemMessage(msg) }

// Stop implements actor.Process.
func (l *light) Stop(*actor.PID) { l.PostSystemMessage(stop) }

// stop is the message that ends an actor; it has nothing in it.
var stop = &actor.Stop{}

// halt stops the actor: at once if it is idle, which halt then reports, else when
// it has handled its message, of which e is told. Without e a busy one goes on.
func (l *light) halt(e *ending) bool {
	l.mu.Lock()
	l.halted = true
	if l.running && e == nil {
		l.mu.Unlock()
		return false
	}
	if l.running {
		e.left.Add(1)
		l.mourned().ending = e
		l.waiting().pushSystem(stop)
		l.mu.Unlock()
		return false
	}
	l.running = true
	l.mu.Unlock()
	l.invokeSystem(stop)
	l.run()
	return true
}

// open returns what the actor is to receive, or false if it is none of its business.
func (l *light) open(msg any) (any, bool) {
	if l.stopped {
		l.refuse(msg)
		return nil, false
	}
	_, msg, _ = actor.UnwrapEnvelope(msg)
	if _, ok := msg.(*actor.PoisonPill); ok {
		l.end()
		return nil, false
	}
	return msg, true
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
		l.mu.Lock()
		l.mourned().watchers.Add(m.Watcher)
		l.mu.Unlock()
	case *actor.Unwatch:
		l.mu.Lock()
		l.mourned().watchers.Remove(m.Watcher)
		l.mu.Unlock()
	}
}

// EscalateFailure implements actor.MessageInvoker: the parent decides. Until it
// has, the actor does nothing.
func (l *light) EscalateFailure(reason, msg any) {
	l.setSuspended(true)
	l.conn.connection.PostSystemMessage(&actor.Failure{
		Who: l.who(), Reason: reason, RestartStats: actor.NewRestartStatistics(), Message: msg,
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
	var e *ending
	l.mu.Lock()
	if m := l.mourners; m != nil {
		e, m.ending = m.ending, nil
	}
	l.mu.Unlock()
	if e != nil {
		e.one()
	}
}

// leave is what happens once in the life of the actor: it is nobody's any more.
func (l *light) leave() {
	self := l.invoker.(receiver) //nolint:forcetypeassert // begin
	l.safely(self.stopping)
	l.mu.Lock()
	halted := l.halted
	l.mu.Unlock()
	if !halted {
		l.safely(self.killed)
	}
	l.mailbox.Stopped(nil)
	var watchers []*actor.PID
	l.mu.Lock()
	pid := l.pid
	if m := l.mourners; m != nil {
		watchers = m.watchers.Values()
	}
	l.mu.Unlock()
	if pid == nil { // nobody ever knew it
		return
	}
	l.conn.side.system.ProcessRegistry.Remove(pid)
	for _, w := range watchers { // there will be no others: whoever comes later is told at once
		l.terminated(w)
	}
}

// safely keeps a panic in the last breath from being a failure.
func (l *light) safely(f func()) {
	defer func() {
		if r := recover(); r != nil {
			l.conn.side.logger.Error("actors: panic while stopping", "actor", l.who().Id, "panic", r)
		}
	}()
	f()
}

func (l *light) terminated(watcher *actor.PID) {
	if p, ok := l.conn.side.system.ProcessRegistry.Get(watcher); ok {
		p.SendSystemMessage(watcher, &actor.Terminated{Who: l.who()})
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
	idle := true
	for _, l := range actors {
		idle = idle && (l.conn == nil || l.halt(nil)) // without a conn it has never begun
	}
	if idle {
		return
	}
	e := &ending{parent: parent, registry: ctx.ActorSystem().ProcessRegistry}
	e.left.Store(1)
	busy := false
	for _, l := range actors {
		if l.conn != nil && !l.halt(e) {
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
