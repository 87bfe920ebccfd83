package actors

import (
	"errors"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// serverActor is the actor of a server: it supervises the shards, the router and
// the modules.
type serverActor struct {
	*service
	parts parts
	ready chan error
	open  int // shards that still run
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
		for _, s := range a.shards {
			s.box.PostUserMessage(m)
		}
	case *actor.Terminated:
		a.shardEnded(ctx, m)
	case *actor.Stopping:
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
	for i := range a.options.Shards {
		s := &shard{service: a.service, box: newMailbox(a.root.dispatcher), conns: map[uint64]*Conn{}}
		props := a.root.props(func() actor.Actor { return s }, s.box, stopChild{})
		pid, err := ctx.SpawnNamed(props, "s"+strconv.FormatInt(int64(i), 36))
		if err != nil {
			return err
		}
		s.pid = pid
		a.shards = append(a.shards, s)
	}
	a.open = len(a.shards)
	return nil
}

// shardEnded goes on with the shutdown when the last shard has ended.
func (a *serverActor) shardEnded(ctx actor.Context, m *actor.Terminated) {
	for _, s := range a.shards {
		if s.pid.Equal(m.Who) {
			if a.open--; a.open == 0 {
				a.parts.stop(ctx)
			}
			return
		}
	}
	a.parts.ended(ctx, m.Who)
}

// HandleFailure implements actor.SupervisorStrategy. A shard that fails is
// restarted: its connections end, the others live on.
func (a *serverActor) HandleFailure(sys *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, msg any) {
	a.parts.HandleFailure(sys, sup, child, rs, reason, msg)
}

// Observe lets the strategy of the modules see what it needs to.
func (a *serverActor) Observe(ctx actor.Context) bool { return a.parts.strategy.Observe(ctx) }

// joined: a handshake has succeeded. Handshake goroutine → Shard
type joined struct{ conn *Conn }

func (*joined) private() {}

// undelivered: the server ended meanwhile.
func (j *joined) undelivered() { discard(j.conn.wire) }

// look: connections may have something due. Timer → Shard
type look struct{}

func (*look) private() {}

// shard looks after a part of a server's connections: it spawns them, and wakes
// those that have something due. It is one timer for all of them.
type shard struct {
	*service
	box    *mailbox
	pid    *actor.PID
	conns  map[uint64]*Conn
	timer  *time.Timer
	armed  bool    // timer runs, or its look is on its way
	exodus *exodus // the end of the shard; nil until then
}

func (s *shard) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		if len(s.conns) > 0 { // a restart has not ended them all yet
			s.arm()
		}
	case *joined:
		s.join(ctx, m)
	case *gone:
		s.leave(ctx, m)
	case *actor.Terminated:
		// a connection has told us by a gone of its own
	case *look:
		s.look()
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
	a := &accepted{connection: connection{conn: c}, shard: s}
	if _, err := s.root.nursery.spawn(ctx, "c", c.id, a, c.connection); err != nil {
		s.logger.Error("actors: spawn connection", "server", s.name, "error", err)
		s.turnAway(c)
		return
	}
	s.conns[c.id] = c
	s.live.Add(1)
	if !s.armed {
		s.arm()
	}
}

// turnAway ends a connection that cannot be.
func (s *shard) turnAway(c *Conn) {
	discard(c.wire)
	s.admission.leave(c.account)
}

// leave forgets a connection that has ended.
func (s *shard) leave(ctx actor.Context, m *gone) {
	c, ok := s.conns[m.id]
	if !ok {
		return
	}
	delete(s.conns, m.id)
	s.live.Add(-1)
	s.admission.leave(c.account)
	s.endings.add(c.endCode())
	if s.exodus != nil && len(s.conns) == 0 {
		ctx.Stop(ctx.Self())
	}
}

// look wakes the connections that have something due.
func (s *shard) look() {
	s.armed = false
	now := nanos()
	for _, c := range s.conns {
		if due := c.due.Load(); due > 0 && due <= now {
			c.connection.PostUserMessage(&tick{epoch: c.epoch})
		}
	}
	if len(s.conns) > 0 {
		s.arm()
	}
}

// arm sets the timer of the next look. Deadlines are kept to within an eighth of
// the shortest of them.
func (s *shard) arm() {
	step := time.Second
	p := &s.policy
	for _, d := range []time.Duration{
		s.heartbeat.Interval, s.heartbeat.Timeout, s.writeTimeout, s.closeTimeout, p.idle, p.lifetime, p.revalidateEvery,
	} {
		if d > 0 {
			step = min(step, d/8)
		}
	}
	box := s.box
	s.armed = true
	s.timer = time.AfterFunc(max(step, 5*time.Millisecond), func() { box.PostUserMessage(&look{}) })
}

// gone: a connection has ended. Connection → Shard
type gone struct{ id uint64 }

func (*gone) private() {}

// accepted is the Connection of a server: it is Temporary, so its end is an event
// and nothing follows it.
type accepted struct {
	connection
	shard *shard
	line  *hookline // nil if nobody wants to know of it
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
	m, ok := ctx.Message().(*hookOver)
	switch {
	case !ok:
		a.ready(ctx)
	case m.err != nil:
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

func (a *accepted) enter() {
	a.state = a.connection.ready
	a.conn.reader.PostUserMessage(&openingOver{})
}

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
	if c, ok := errors.AsType[*transport.CloseError](err); ok {
		return transport.CloseError{Code: orNormal(c.Code), Reason: c.Reason}
	}
	return transport.CloseError{Code: transport.PolicyViolation}
}
