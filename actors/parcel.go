package actors

import (
	"sync"

	"github.com/hawser-go/hawser/transport"
)

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
	for p.hop < len(p.view.middleware) && len(p.msgs) > 0 {
		s := p.view.middleware[p.hop]
		p.hop++
		p.kept, p.next = 0, 0
		if s.box == nil {
			p.judge(s)
			continue
		}
		if !s.box.tryRun(p) {
			p.wait()
			s.box.PostUserMessage(p)
		}
		return
	}
	p.view.route(p.conn, p.batch, p.msgs, true)
	p.end()
}

func (p *parcel) work(s *station) {
	p.judge(s)
	s.current = nil
	p.forward()
}

// judge has the station judge the messages that are left.
func (p *parcel) judge(s *station) {
	for p.next < len(p.msgs) {
		m := p.msgs[p.next]
		p.next++
		v := s.receive(p.conn, m)
		s.work()
		p.apply(s, v, m)
	}
	p.msgs = p.msgs[:p.kept]
}

func (p *parcel) fault(s *station) {
	p.apply(s, s.failed(s.errFailed()), p.msgs[p.next-1])
	p.wait() // the turn that it began in is over
}

func (p *parcel) apply(s *station, v Verdict, m transport.Message) {
	switch v.action {
	case pass:
	case replace:
		m = v.message
	case reply:
		if _, err := p.conn.queue(v.message.Kind, v.message.Payload); err != nil {
			s.side.logger.Warn("actors: a middleware's reply was not accepted", "middleware", s.middleware.Name, "error", err)
		}
		s.side.counters.discarded.Add(1)
		return
	case drop:
		s.side.counters.discarded.Add(1)
		return
	case hangUp:
		s.side.counters.discarded.Add(uint64(1 + len(p.msgs) - p.next))
		p.next = len(p.msgs)
		p.conn.Close(v.code, v.reason())
		return
	}
	p.msgs[p.kept] = m
	p.kept++
}

// wait marks a parcel that is handled outside the turn that brought it.
func (p *parcel) wait() {
	if !p.waited {
		p.waited = true
		p.conn.unanswered.Add(1)
		p.conn.underway.Add(1)
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
		conn.arrived()
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
