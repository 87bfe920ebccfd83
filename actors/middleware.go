package actors

import (
	"fmt"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// Interceptor is the user's part of a middleware: it sees every data message in
// both directions, inbound in the order of the middleware, outbound in reverse.
// A panic gives the message at fault the outcome that the middleware declares
// and restarts the middleware with a new Interceptor, never the connection.
type Interceptor interface {
	// OnReceive judges a message from the peer. Its payload is valid until
	// OnReceive returns, unless it passes it on.
	OnReceive(c *Conn, m transport.Message) Verdict
	// OnSend judges a message to the peer.
	OnSend(c *Conn, m transport.Message) Verdict
}

// Verdict is what a middleware decides about a message.
type Verdict struct {
	drop    bool
	replace bool
	message transport.Message
}

// Pass lets the message go on as it is.
func Pass() Verdict { return Verdict{} }

// Replace lets m go on in the message's place. Its payload must stay unchanged.
func Replace(m transport.Message) Verdict { return Verdict{replace: true, message: m} }

// Reject ends the message here. An outbound one has the outcome Dropped with the
// reason Rejected.
func Reject() Verdict { return Verdict{drop: true} }

// Middleware declares a link of the chain between the sockets and the modules:
// an actor below its client or server, supervised.
type Middleware struct {
	// Name is the last part of the actor's name, unique and not empty.
	Name string
	// New makes the Interceptor, for each start and each restart. Required.
	New func() Interceptor
	// FailOpen lets a message pass at which the Interceptor panicked, and all of them
	// once it has panicked so often that it is given up. Default false: such
	// messages are rejected. Whatever guards something must leave it false.
	FailOpen bool
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

// station is one middleware actor as the chain sees it. It belongs to the stable
// plane.
type station struct {
	middleware *Middleware
	side       *side
	box        *mailbox
	// judge is what the running incarnation judges with; only its actor and the
	// parcel it works at use it.
	interceptor Interceptor
	current     parcelAt
}

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

// parcel carries the messages of one batch through the middleware, inbound.
//
//	Reader → Middleware → Middleware … → Module
type parcel struct {
	conn   *Conn
	view   *view
	batch  *transport.Batch
	msgs   []transport.Message
	kept   int // msgs[:kept] have passed the current station
	next   int // msgs[next:] have not been judged by it
	hop    int // the station to visit next
	waited bool
}

func (*parcel) private() {}

var parcels = sync.Pool{New: func() any { return new(parcel) }}

func newParcel(c *Conn, v *view, batch *transport.Batch, msgs []transport.Message) *parcel {
	p := parcels.Get().(*parcel)
	batch.Retain()
	p.conn, p.view, p.batch = c, v, batch
	p.msgs = append(p.msgs[:0], msgs...)
	return p
}

// forward takes the parcel to its next station, or at the end to the modules.
func (p *parcel) forward() {
	if p.hop == len(p.view.middleware) || len(p.msgs) == 0 {
		p.view.route(p.conn, p.batch, p.msgs, true)
		p.end()
		return
	}
	s := p.view.middleware[p.hop]
	p.hop++
	p.kept, p.next = 0, 0
	if !s.box.tryRun(p) {
		p.wait()
		s.box.PostUserMessage(p)
	}
}

func (p *parcel) work(s *station) {
	for p.next < len(p.msgs) {
		m := p.msgs[p.next]
		p.next++
		p.apply(s, s.interceptor.OnReceive(p.conn, m), m)
	}
	p.msgs = p.msgs[:p.kept]
	s.current = nil
	p.forward()
}

func (p *parcel) fault(s *station) {
	v := Reject()
	if s.middleware.FailOpen {
		v = Pass()
	}
	p.apply(s, v, p.msgs[p.next-1])
	p.wait() // the turn that it began in is over
}

func (p *parcel) apply(s *station, v Verdict, m transport.Message) {
	switch {
	case v.drop:
		s.side.counters.discarded.Add(1)
		return
	case v.replace:
		m = v.message
	}
	p.msgs[p.kept] = m
	p.kept++
}

// wait marks a parcel that is handled outside the turn that brought it.
func (p *parcel) wait() {
	if !p.waited {
		p.waited = true
		p.conn.unanswered.Add(1)
	}
}

// end gives the parcel's memory back, and writes the replies unless the turn
// that brought it will.
func (p *parcel) end() {
	conn, waited := p.conn, p.waited
	p.free()
	if waited {
		conn.flush()
		conn.handled()
	}
}

// undelivered is called when the station's actor is gone for good: by what the
// middleware declares, its messages are discarded or go past it.
func (p *parcel) undelivered() {
	s := p.view.middleware[p.hop-1]
	rest := p.msgs[p.next:]
	if s.middleware.FailOpen {
		p.msgs = append(p.msgs[:p.kept], rest...)
	} else {
		s.side.counters.discarded.Add(uint64(len(rest)))
		p.msgs = p.msgs[:p.kept]
	}
	p.wait()
	p.forward()
}

func (p *parcel) free() {
	p.batch.Release()
	msgs := p.msgs[:cap(p.msgs)]
	clear(msgs)
	if len(msgs) > 1024 {
		msgs = nil
	}
	*p = parcel{msgs: msgs[:0]}
	parcels.Put(p)
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
	case *actor.Stopping, *actor.Restarting:
		if i, ok := s.interceptor.(interface{ OnStop() }); ok {
			i.OnStop()
		}
	case *actor.Stopped:
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
	s.interceptor = s.middleware.New()
	if p := s.current; p != nil {
		p.fault(s)
		p.work(s)
	}
}
