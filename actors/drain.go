package actors

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// drainTime is how long a Drain takes at most whose context has no deadline.
const drainTime = 30 * time.Second

// DrainOptions says how a server lets its clients go. The zero value is good.
type DrainOptions struct {
	// Over is the time over which the close frames are spread, evenly, so that the
	// clients do not all come to another node at once. It is at most three quarters of
	// the time until the deadline of the context. Default, also for negative values: a
	// half.
	Over time.Duration
	// Code and Reason stand in the close frames. Default, also for codes that must not
	// be sent: 1012, service restart; 1001 says that this place is gone for good.
	Code   transport.CloseCode
	Reason string
}

// shutdown: end in order. Server.Close, Drain → Server → Shard
type shutdown struct {
	code   transport.CloseCode
	reason string
	over   time.Duration // the connections are told spread over it
	by     time.Time     // those that are left then are reset; zero: each has its own time
}

func (*shutdown) private() {}

// Close ends the server: listeners, then every connection with 1001 behind what
// it has accepted, then the modules. It returns nil when every actor, goroutine
// and socket of the server is gone. When ctx is done before, or 1 s after
// CloseTimeout, the rest is ended by force and the error names it. It may be
// called more than once, also while Drain runs, and from inside a handler.
func (s *Server) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.s.closeTimeout+time.Second)
	defer cancel()
	return s.end(ctx, s.s.closeTimeout/2, &shutdown{code: transport.GoingAway, reason: "server is going away"})
}

// Drain ends the server without haste: nobody new is let in, the clients are told to
// leave one after the other, each behind the messages that were accepted for it, and
// what they send meanwhile is still served. Shortly before the deadline of ctx, of
// which the default is 30 s, the connections that are left are reset; what they had
// not taken is dropped as Closed. Then the modules end. It returns nil when every
// actor, goroutine and socket of the server is gone. When ctx is done before, the rest
// is ended by force and the error names it.
func (s *Server) Drain(ctx context.Context, o DrainOptions) error {
	now := time.Now()
	end, ok := ctx.Deadline()
	if !ok {
		end = now.Add(drainTime)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end)
		defer cancel()
	}
	left := max(0, end.Sub(now))
	m := &shutdown{code: o.Code, reason: o.Reason, over: o.Over, by: end.Add(-min(left/5, 500*time.Millisecond))}
	if !m.code.Sendable() {
		m.code = transport.ServiceRestart
	}
	if m.over <= 0 {
		m.over = left / 2
	}
	m.over = min(m.over, left*3/4) // the last ones need time to answer
	return s.end(ctx, min(left, s.s.closeTimeout)/2, m)
}

// end has the server end in order, or by force when ctx is done. Handshakes that are
// accepted are waited for, but not longer than patience: the user's Metadata may block.
func (s *Server) end(ctx context.Context, patience time.Duration, m *shutdown) error {
	v := s.s
	v.lobby.close()
	shut := func() { v.box.PostUserMessage(m) }
	v.lobby.whenJoined(shut)
	late := time.AfterFunc(patience, shut)
	defer late.Stop()
	select {
	case <-v.stopped:
	case <-ctx.Done():
		v.system.Root.Stop(s.pid)
		return v.unstopped(s.pid, ctx.Err())
	}
	return v.finish(ctx, s.pid)
}

// nextOut: some connections are to be told to leave. Timer → Shard
type nextOut struct{ of *exodus }

func (*nextOut) private() {}

// exodus is the end of a shard: its connections are told to leave, one by one.
type exodus struct {
	*shutdown
	began time.Time
	total int
	phase float64  // the shards are not to speak in chorus: how far the first is ahead of its time
	left  []uint64 // those that have not been told
	timer *time.Timer
}

// shutdown begins the end of the shard. A second one that is in more of a hurry takes
// the place of the first.
func (s *shard) shutdown(ctx actor.Context, m *shutdown) {
	if old := s.exodus; old != nil {
		if m = old.hurried(m); m == nil {
			return
		}
		old.stop()
	}
	e := &exodus{shutdown: m, began: time.Now(), total: len(s.conns), phase: rand.Float64()}
	for id, c := range s.conns {
		if c.closing.Load() { // it is on its way, and may have to hurry
			c.connection.PostUserMessage(&leave{code: e.code, reason: e.reason, by: e.by})
			e.total--
			continue
		}
		e.left = append(e.left, id)
	}
	s.exodus = e
	if len(s.conns) == 0 {
		s.depart(ctx)
		return
	}
	s.tell(e)
}

// hurried is a later shutdown if it asks for more haste than this one, with the haste
// of both; else nil.
func (e *exodus) hurried(m *shutdown) *shutdown {
	left := max(0, e.over-time.Since(e.began))
	sooner := !m.by.IsZero() && (e.by.IsZero() || m.by.Before(e.by))
	if m.over >= left && !sooner {
		return nil
	}
	both := *m
	both.over = min(m.over, left)
	if !sooner {
		both.by = e.by
	}
	return &both
}

// tell tells those whose turn has come, and sees to the next.
func (s *shard) tell(e *exodus) {
	if s.exodus != e {
		return
	}
	due := e.due(time.Since(e.began))
	for len(e.left) > e.total-due {
		id := e.left[len(e.left)-1]
		e.left = e.left[:len(e.left)-1]
		if c := s.conns[id]; c != nil {
			c.connection.PostUserMessage(&leave{code: e.code, reason: e.reason, by: e.by})
		}
	}
	if len(e.left) == 0 {
		return
	}
	box, next := s.box, time.Until(e.began.Add(e.turn(due)))
	e.timer = time.AfterFunc(max(next, 5*time.Millisecond), func() { box.PostUserMessage(&nextOut{of: e}) })
}

// due is how many connections have had their turn after a time.
func (e *exodus) due(passed time.Duration) int {
	if passed >= e.over {
		return e.total
	}
	return min(e.total, int(float64(e.total)*float64(passed)/float64(e.over)+e.phase))
}

// turn is when the n-th connection, counted from 0, has its turn.
func (e *exodus) turn(n int) time.Duration {
	return time.Duration(float64(e.over) * (float64(n+1) - e.phase) / float64(e.total))
}

// stop stops the timer.
func (e *exodus) stop() {
	if e != nil && e.timer != nil {
		e.timer.Stop()
	}
}
