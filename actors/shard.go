package actors

import (
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// joined: a handshake has succeeded. Handshake → Shard
type joined household

func (*joined) private() {}

// undelivered: the shard or the server ended meanwhile.
func (j *joined) undelivered() { j.actor.shard.turnAway(&j.conn) }

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
		s.join(ctx, (*household)(m))
	case *gone:
		s.leave(ctx, m)
	case *actor.Terminated:
		s.depart(ctx) // a connection has told us by a gone of its own
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

func (s *shard) join(ctx actor.Context, h *household) {
	c := &h.conn
	if s.exodus != nil {
		s.turnAway(c)
		return
	}
	s.conns[c.id] = c
	s.live.Add(1)
	if err := s.root.nursery.spawn(ctx, "c", c.id, &h.actor, &h.box); err != nil {
		s.logger.Error("actors: spawn connection", "server", s.name, "error", err)
		discard(c.wire)
		s.forget(c)
		return
	}
	if !s.armed {
		s.arm(0)
	}
}

// turnAway ends a connection that cannot be.
func (s *service) turnAway(c *Conn) {
	discard(c.wire)
	s.admission.leave(c.who().account)
	s.endings.add(transport.Abnormal)
}

// leave forgets a connection that has ended.
func (s *shard) leave(ctx actor.Context, m *gone) {
	c, ok := s.conns[m.id]
	if !ok {
		return
	}
	s.forget(c)
	s.depart(ctx)
}

// depart ends the shard behind its last connection. That has said so, and protoactor
// knows of it too: else it would be sent a Stop that nobody takes.
func (s *shard) depart(ctx actor.Context) {
	if s.exodus != nil && len(s.conns) == 0 && len(ctx.Children()) == 0 {
		ctx.Stop(ctx.Self())
	}
}

// forget strikes a connection off.
func (s *shard) forget(c *Conn) {
	delete(s.conns, c.id)
	s.live.Add(-1)
	s.admission.leave(c.who().account)
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
			c.connection.PostUserMessage((*overdue)(c))
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
