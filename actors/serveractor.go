package actors

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// serverActor is the actor of a server: it supervises the shards, the router and
// the modules.
type serverActor struct {
	*service
	parts   parts
	ready   chan error
	open    int  // shards that still run
	closing bool // the shards have been told to end
}

// started yields the result of the start.
func (a *serverActor) started() <-chan error { return a.ready }

func (a *serverActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.ready <- a.start(ctx)
	case *AddModule:
		a.parts.add(ctx, m)
	case *shutdown:
		a.shutdown(ctx, m)
	case *actor.Terminated:
		a.ended(ctx, m)
	case *revival:
		a.parts.revive(ctx, m.child)
	case *actor.Stopping:
		a.parts.ending = true
		a.lobby.close() // whoever stops us: nobody new is let in
	case *actor.Stopped:
		a.parts.over()
		close(a.stopped)
	default:
		unhandled(ctx)
	}
}

func (a *serverActor) start(ctx actor.Context) error {
	if err := a.parts.spawn(ctx, a.options.Modules, a.options.Middleware); err != nil {
		return err
	}
	a.shards = make([]atomic.Pointer[shard], a.options.Shards)
	for i := range a.shards {
		if err := a.spawnShard(ctx, i); err != nil {
			return err
		}
	}
	a.open = len(a.shards)
	return nil
}

func (a *serverActor) spawnShard(ctx actor.Context, i int) (err error) {
	s := &shard{service: a.service, box: newMailbox(a.root.dispatcher), conns: map[uint64]*Conn{}, gap: a.lookGapOf()}
	props := a.root.props(func() actor.Actor { return s }, s.box, stopChild{})
	name := a.parts.name("s" + strconv.FormatInt(int64(i), 36))
	if s.pid, err = ctx.SpawnNamed(props, name); err != nil {
		return fmt.Errorf("actors: spawn shard: %w", err)
	}
	a.shards[i].Store(s)
	return nil
}

// shutdown passes the end on to the shards.
func (a *serverActor) shutdown(ctx actor.Context, m *shutdown) {
	a.closing = true
	for i := range a.shards {
		a.shards[i].Load().box.PostUserMessage(m)
	}
	if a.open == 0 {
		a.parts.stop(ctx)
	}
}

// ended goes on with the shutdown when the last shard has ended. One that somebody
// else has stopped gets a successor; its connections have ended with it.
func (a *serverActor) ended(ctx actor.Context, m *actor.Terminated) {
	i := a.shardOf(m.Who)
	switch {
	case i < 0:
		a.parts.ended(ctx, m.Who)
		return
	case !a.closing && !a.parts.ending:
		a.parts.revived++
		err := a.spawnShard(ctx, i)
		a.logger.Warn("actors: an actor was stopped from outside and has a successor", "actor", m.Who.Id, "error", err)
		if err == nil {
			return
		}
	}
	if a.open--; a.open == 0 {
		a.parts.stop(ctx)
	}
}

func (a *serverActor) shardOf(pid *actor.PID) int {
	for i := range a.shards {
		if s := a.shards[i].Load(); s != nil && s.pid.Equal(pid) {
			return i
		}
	}
	return -1
}

// HandleFailure implements actor.SupervisorStrategy. A shard that fails is
// restarted: its connections end, the others live on.
func (a *serverActor) HandleFailure(sys *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, msg any) {
	a.parts.HandleFailure(sys, sup, child, rs, reason, msg)
}

// Observe lets the strategy of the modules see what it needs to.
func (a *serverActor) Observe(ctx actor.Context) bool { return a.parts.strategy.Observe(ctx) }

// joined: a handshake has succeeded. Handshake goroutine → Shard
type joined struct {
	conn *Conn
	home *service
}

func (*joined) private() {}

// undelivered: the shard or the server ended meanwhile.
func (j *joined) undelivered() { j.home.turnAway(j.conn) }

type (
	// look: connections may have something due. Timer → Shard
	look struct{}
	// lookBy: a connection has something due before the next look. Connection → Shard
	lookBy struct{ at int64 }
)

func (*look) private()   {}
func (*lookBy) private() {}

// shard looks after a part of a server's connections: it spawns them, and wakes
// those that have something due. It is one timer for all of them.
type shard struct {
	*service
	box    *mailbox
	pid    *actor.PID
	conns  map[uint64]*Conn
	timer  *time.Timer
	armed  bool          // timer runs, or its look is on its way
	wakes  atomic.Int64  // when the next look is, ns; 0: not known
	gap    time.Duration // how late a look may be
	exodus *exodus       // the end of the shard; nil until then
}

func (s *shard) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		if len(s.conns) > 0 { // a restart has not ended them all yet
			s.arm(0)
		}
	case *joined:
		s.join(ctx, m)
	case *gone:
		s.leave(ctx, m)
	case *actor.Terminated:
		// a connection has told us by a gone of its own
	case *look:
		s.look()
	case *lookBy:
		if s.armed && m.at < s.wakes.Load() {
			s.timer.Stop()
			s.arm(m.at)
		}
	case *shutdown:
		s.shutdown(ctx, m)
	case *nextOut:
		s.tell(m.of)
	case *actor.Stopping, *actor.Restarting:
		s.exodus.stop()
		if s.timer != nil {
			s.timer.Stop()
		}
		s.armed = false
	case *actor.Stopped: // the connections have ended before; nobody reads what they say of it
		for _, c := range s.conns {
			s.forget(c)
		}
	default:
		unhandled(ctx)
	}
}

func (s *shard) join(ctx actor.Context, m *joined) {
	c := m.conn
	if s.exodus != nil {
		s.turnAway(c)
		return
	}
	c.connection = newMailbox(s.root.dispatcher)
	a := &accepted{connection: connection{conn: c, shard: s}}
	if _, err := s.root.nursery.spawn(ctx, "c", c.id, a, c.connection); err != nil {
		s.logger.Error("actors: spawn connection", "server", s.name, "error", err)
		s.turnAway(c)
		return
	}
	s.conns[c.id] = c
	s.live.Add(1)
	if !s.armed {
		s.arm(0)
	}
}

// turnAway ends a connection that cannot be.
func (s *service) turnAway(c *Conn) {
	discard(c.wire)
	s.admission.leave(c.account)
	s.endings.add(transport.Abnormal)
}

// leave forgets a connection that has ended.
func (s *shard) leave(ctx actor.Context, m *gone) {
	c, ok := s.conns[m.id]
	if !ok {
		return
	}
	s.forget(c)
	if s.exodus != nil && len(s.conns) == 0 {
		ctx.Stop(ctx.Self())
	}
}

// forget strikes a connection off.
func (s *shard) forget(c *Conn) {
	delete(s.conns, c.id)
	s.live.Add(-1)
	s.admission.leave(c.account)
	s.endings.add(c.endCode())
}

// look wakes the connections that have something due.
func (s *shard) look() {
	s.armed = false
	now, next := nanos(), int64(0)
	for _, c := range s.conns {
		switch due := c.due.Load(); {
		case due == 0:
		case due <= now:
			c.connection.PostUserMessage(&tick{epoch: c.epoch})
		default:
			next = sooner(next, due)
		}
	}
	if len(s.conns) > 0 {
		s.arm(next)
	}
}

const (
	// lookEvery is how often a shard looks at its connections at least. What comes up
	// in between and is due before tells it so.
	lookEvery = time.Second
	// What is due is done at most lookGap later, or an eighth of the shortest time that
	// was asked for, so that a look serves many.
	lookGap = 100 * time.Millisecond
)

// arm sets the timer of the next look: when the next thing is due, if that is known.
func (s *shard) arm(due int64) {
	wait := lookEvery
	if due > 0 {
		wait = min(wait, max(time.Duration(due-nanos()), s.gap))
	}
	s.armed = true
	s.wakes.Store(nanos() + int64(wait))
	box := s.box
	s.timer = time.AfterFunc(wait, func() { box.PostUserMessage(&look{}) })
}

// lookGapOf is how much later than it is due something may be done.
func (s *service) lookGapOf() time.Duration {
	gap, p := lookGap, &s.policy
	for _, d := range []time.Duration{
		s.heartbeat.Interval, s.heartbeat.Timeout, s.writeTimeout, s.closeTimeout, p.idle, p.lifetime,
	} {
		if d > 0 {
			gap = min(gap, d/8)
		}
	}
	if p.revalidate != nil {
		gap = min(gap, p.revalidateEvery/8)
	}
	return max(gap, 5*time.Millisecond)
}

// wakeBy sees to it that the shard looks at its connections by then. Safe in any
// goroutine.
func (s *shard) wakeBy(due int64) {
	if due > 0 && due < s.wakes.Load() {
		s.box.PostUserMessage(&lookBy{at: due})
	}
}

// gone: a connection has ended. Connection → Shard
type gone struct{ id uint64 }

func (*gone) private() {}

// accepted is the Connection of a server: it is Temporary, so its end is an event
// and nothing follows it.
type accepted struct {
	connection
	line *hookline // nil if nobody wants to know of it
	end  any       // how the peer ended the connection while the hooks were called
}

func (a *accepted) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		a.release(ctx)
	case *actor.Stopped:
		a.conn.out.close(ErrStopped)
		a.farewell()
	case *actor.Terminated:
		// the reader or the writer ended with us
	default:
		a.state(ctx)
	}
}

func (a *accepted) start(ctx actor.Context) {
	a.conn.pid = ctx.Self() // before anybody can see it
	a.state = a.connection.ready
	a.over = func(ctx actor.Context, _ error) { ctx.Stop(ctx.Self()) }
	if hooked := a.conn.hooked(); hooked {
		a.line = &hookline{side: a.conn.side, timeout: a.conn.side.hookTimeout}
		a.conn.opening.Store(newSetup(a.conn))
		a.state = a.greeting
	}
	if err := a.begin(ctx); err != nil {
		ctx.Stop(ctx.Self())
		return
	}
	if a.line != nil && a.ask(hookConnect) {
		a.announce()
	}
}

// ask has a hook called. It reports whether there is nothing to wait for; else a
// hookOver follows.
func (a *accepted) ask(k hookKind) bool {
	box, m := a.conn.connection, &hookOver{epoch: a.conn.epoch, kind: k}
	return a.line.submit(&call{kind: k, conn: a.conn, over: func(err error) {
		m.err = err
		box.PostUserMessage(m)
	}})
}

// greeting is the state in which the hooks are called, before any message.
func (a *accepted) greeting(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *peerClosed, *violated:
		a.end = m // behind what came before it, which nobody has had yet
	case *ended:
		if a.end != nil && errors.Is(m.err, io.EOF) {
			a.peerLeft = true
			return
		}
		a.ready(ctx)
	case *hookOver:
		a.hooked(m)
	case *greeted:
		a.state = a.connection.ready
		if a.end != nil {
			a.conn.connection.PostUserMessage(a.end)
		}
	default:
		a.ready(ctx)
		if a.end != nil && a.deadline > 0 { // it ends for another reason: the peer's end counts now
			a.conn.connection.PostUserMessage(a.end)
			a.end = nil
		}
	}
}

// hooked goes on behind a hook.
func (a *accepted) hooked(m *hookOver) {
	switch {
	case m.err != nil:
		a.gotClose = a.end != nil // nothing more is to be expected of the peer
		if c, ok := a.end.(*peerClosed); ok {
			a.conn.peerCode.Store(uint32(c.frame.Code))
		}
		a.close(refusal(m.err), false, m.err)
	case m.kind == hookConnect:
		a.announce()
	default:
		a.enter()
	}
}

func (a *accepted) announce() {
	if a.ask(hookReady) {
		a.enter()
	}
}

// enter has what came meanwhile handled. How the peer ended the connection counts
// behind that.
func (a *accepted) enter() { a.conn.reader.PostUserMessage(&openingOver{then: &greeted{}}) }

// greeted: what came while the hooks were called has been handed on. Reader → Connection
type greeted struct{}

func (*greeted) private() {}

// farewell tells the end to those who knew the connection, and then to the shard.
func (a *accepted) farewell() {
	a.conn.opening.Load().discard()
	box, m := a.shard.box, &gone{id: a.conn.id}
	tell := func(error) { box.PostUserMessage(m) }
	if a.line == nil || a.line.submit(&call{kind: hookDisconnect, conn: a.conn, cause: a.cause, over: tell}) {
		tell(nil)
	}
}

// refusal is the close frame for a connection that a hook refused: what the hook
// says, if it returned a close frame, else 1008 (RFC 6455 §7.4.1).
func refusal(err error) transport.CloseError {
	if c, ok := errors.AsType[*transport.CloseError](err); ok && c != nil {
		return transport.CloseError{Code: orNormal(c.Code), Reason: c.Reason}
	}
	return transport.CloseError{Code: transport.PolicyViolation}
}
