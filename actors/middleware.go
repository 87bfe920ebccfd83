package actors

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// Interceptor is the user's part of a middleware: it sees every data message in
// both directions, inbound in the order of the middleware, outbound in reverse.
// A panic gives the message at fault the outcome that the middleware declares
// and restarts the middleware with a new Interceptor, never the connection.
//
// An Interceptor may also have any of these methods. They are called in the order
// of the middleware, the last two in reverse, each when the one before has
// returned, all together within HookTimeout.
//
//	OnConnectionAttempt(Attempt) error    a client is about to dial; an error
//	                                      fails the attempt
//	OnConnectionFailure(Attempt, error)   the attempt failed
//	OnConnect(*Conn) error                a connection is up; an error ends it, and
//	                                      those who had it before get OnDisconnect
//	OnDisconnect(*Conn, error)            the connection ended
//	OnStop()                              the middleware ends or restarts
type Interceptor interface {
	// OnReceive judges a message from the peer. Its payload is valid until
	// OnReceive returns, unless it passes it on.
	OnReceive(c *Conn, m transport.Message) Verdict
	// OnSend judges a message to the peer.
	OnSend(c *Conn, m transport.Message) Verdict
}

// Middleware declares a link of the chain between the sockets and the modules:
// an actor below its client or server, supervised.
type Middleware struct {
	// Name is the last part of the actor's name, unique and not empty.
	Name string
	// New makes the Interceptor, for each start and each restart. Required.
	New func() Interceptor
	// FailOpen lets a message pass at which the Interceptor panicked, and all of them
	// once it has panicked so often that it is given up. Default false: such
	// messages are rejected, and a connection is refused whose OnConnect panicked or
	// was late. Whatever guards something must leave it false.
	FailOpen bool
	// QueueBytes bounds what waits for the Interceptor while it is busy, inbound:
	// payload bytes, and 64 more for each message. With more the connections are not
	// read, so that TCP pushes back on their peers; what one read of each brought may
	// be waiting beyond it. Default 1 MiB; negative: no bound.
	QueueBytes int
	// Inline runs the Interceptor in the turn of whoever has the message, without an
	// actor: it costs no hop, and sees messages of many connections, and of both
	// directions of one, at the same time. For those that are fast, never block and
	// are safe for concurrent use. It is never given up.
	Inline bool
}

func (m Middleware) validate(others []Middleware) error {
	switch {
	case m.Name == "":
		return &OptionError{Option: "Middleware.Name", Problem: "is empty; every middleware needs a name"}
	case m.New == nil:
		return &OptionError{Option: "Middleware.New", Problem: fmt.Sprintf("of %q is nil; it must make an Interceptor", m.Name)}
	}
	for _, o := range others {
		if o.Name == m.Name {
			return &OptionError{Option: "Middleware.Name", Problem: fmt.Sprintf("%q is used twice", m.Name)}
		}
	}
	return nil
}

// station is one middleware as the chain sees it. It belongs to the stable plane.
type station struct {
	middleware *Middleware
	side       *side
	box        *mailbox // nil if it is inline
	pid        *actor.PID
	place      int // in the chain
	hooks      hookSet
	brake
	pace
	// interceptor is what the running incarnation judges with; only its actor and
	// the parcel it works at use it.
	interceptor Interceptor
	inline      atomic.Pointer[inline]
	calls       calls
	logged      atomic.Int64 // when a panic was last logged, ns
	current     parcelAt
	judged      bool        // it has judged a message since it was started
	works       atomic.Bool // it has since its last failure
}

// inline is the Interceptor of an inline station.
type inline struct{ Interceptor }

// parcelAt is what a station works at; what it has not judged yet survives a
// failure.
type parcelAt interface {
	private
	undelivered
	// work judges the messages that are left, and passes the parcel on.
	work(s *station)
	// fault gives the message at which the interceptor failed its verdict.
	fault(s *station)
}

// work notes that a message has been judged.
func (s *station) work() {
	if !s.judged && s.box != nil {
		s.judged = true
		s.works.Store(true)
	}
}

// failed is the verdict on a message at which the interceptor panicked.
func (s *station) failed(why error) Verdict {
	if s.middleware.FailOpen {
		return Pass()
	}
	return Reject(why)
}

// errFailed is why a message is rejected whose middleware failed.
func (s *station) errFailed() error {
	return fmt.Errorf("%w: %s failed", ErrRejected, s.middleware.Name)
}

func (s *station) receive(c *Conn, m transport.Message) (v Verdict) {
	if s.box != nil {
		return s.interceptor.OnReceive(c, m)
	}
	i, returned := s.inline.Load(), false
	defer s.renew(i, c, &v, &returned)
	v = i.OnReceive(c, m)
	returned = true
	return v
}

func (s *station) send(c *Conn, m transport.Message) (v Verdict) {
	if s.box != nil {
		return s.interceptor.OnSend(c, m)
	}
	i, returned := s.inline.Load(), false
	defer s.renew(i, c, &v, &returned)
	v = i.OnSend(c, m)
	returned = true
	return v
}

// renew is the restart of an inline middleware, deferred. One that ends its goroutine
// ends the connection, whose turn it was.
func (s *station) renew(old *inline, c *Conn, v *Verdict, returned *bool) {
	r := recover()
	if *returned {
		return
	}
	if r == nil {
		c.connection.PostUserMessage(&ended{epoch: c.epoch, err: errGoexit})
		return
	}
	*v = s.failed(s.errFailed())
	s.tell("an inline middleware panicked", supervisor.ToError(r))
	s.remake(old)
}

// tell logs what may happen at each message, once a second.
func (s *station) tell(what string, err error) {
	if now := nanos(); now-s.logged.Load() > int64(time.Second) {
		s.logged.Store(now)
		s.side.logger.Error("actors: "+what, "middleware", s.middleware.Name, "error", err)
	}
}

// remake puts a new Interceptor in the place of old. One that cannot be made leaves
// the old one there.
func (s *station) remake(old *inline) {
	defer func() {
		if r := recover(); r != nil {
			s.side.logger.Error("actors: middleware not made", "middleware", s.middleware.Name, "panic", r)
		}
	}()
	made := &inline{s.middleware.New()}
	if s.inline.CompareAndSwap(old, made) {
		s.hooks.learn(made.Interceptor, interceptorHooks)
		s.stop(old)
	}
}

// stop tells an inline Interceptor its end.
func (s *station) stop(i *inline) {
	defer func() {
		if r := recover(); r != nil {
			s.side.logger.Error("actors: OnStop panicked", "middleware", s.middleware.Name, "panic", r)
		}
	}()
	if i, ok := i.Interceptor.(stopper); ok {
		i.OnStop()
	}
}

// middlewareActor runs an Interceptor.
type middlewareActor struct{ station *station }

func (m *middlewareActor) Receive(ctx actor.Context) {
	s := m.station
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		s.start()
	case parcelAt:
		s.current = msg
		msg.work(s)
	case *hooking:
		msg.run(func() error { return callInterceptor(s.interceptor, msg.call) })
	case *actor.Stopping, *actor.Restarting:
		if i, ok := s.interceptor.(stopper); ok {
			i.OnStop()
		}
	case *actor.Stopped:
		s.hooks.none()
		if p := s.current; p != nil { // the message at which it failed was the last
			s.current = nil
			p.fault(s)
			p.undelivered()
		}
	default:
		if i, ok := s.interceptor.(actor.Actor); ok {
			i.Receive(ctx)
			return
		}
		unhandled(ctx)
	}
}

// start makes the Interceptor, and goes on behind the message that the one
// before failed at.
func (s *station) start() {
	s.judged = false
	s.interceptor = s.middleware.New()
	s.hooks.learn(s.interceptor, interceptorHooks)
	if p := s.current; p != nil {
		p.fault(s)
		p.work(s)
	}
}
