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
	kept   int    // msgs[:kept] have passed the current station
	next   int    // msgs[next:] have not been judged by it
	hop    int    // the station to visit next
	bytes  int64  // what it weighs while it waits
	last   *Close // ends the connection behind the replies to it; nil: nothing does
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
		if !s.quick() || !s.box.tryRun(p) {
			p.queue(s)
		}
		return
	}
	p.view.route(p.conn, p.batch, p.msgs, true)
	p.end()
}

// queue has the station work at the parcel on a worker.
func (p *parcel) queue(s *station) {
	p.wait()
	p.bytes = cost(p.msgs[p.next:])
	if s.load(p.bytes) {
		s.park(p.conn)
	}
	s.box.PostUserMessage(p)
}

// work is done in the turn of a reader, or on a worker. In the turn the station
// gives the thread back when it has kept it for too long.
func (p *parcel) work(s *station) {
	s.unload(p.bytes)
	p.bytes = 0
	now := nanos()
	clock := newPatrol(now, p.next)
	for p.next < len(p.msgs) {
		p.one(s)
		if !p.waited && p.next < len(p.msgs) && clock.overdue(p.next) {
			s.slow()
			s.current = nil
			s.box.moveOver()
			p.conn.unheard() // the silence was ours
			p.queue(s)
			return
		}
	}
	if s.took(nanos()-now) && !p.waited {
		p.conn.unheard()
	}
	p.msgs = p.msgs[:p.kept]
	s.current = nil
	p.forward()
}

// judge has an inline station judge the messages.
func (p *parcel) judge(s *station) {
	for p.next < len(p.msgs) {
		p.one(s)
	}
	p.msgs = p.msgs[:p.kept]
}

// one has the station judge the next message.
func (p *parcel) one(s *station) {
	m := p.msgs[p.next]
	p.next++
	v := s.receive(p.conn, m)
	s.work()
	p.apply(s, v, m)
}

func (p *parcel) fault(s *station) {
	p.apply(s, s.failed(s.errFailed()), p.msgs[p.next-1])
	p.wait() // the turn that it began in is over
}

func (p *parcel) apply(s *station, v Verdict, m transport.Message) {
	if v.action == pass && p.kept == p.next-1 { // it stands where it belongs
		p.kept++
		return
	}
	switch v.action {
	case pass:
	case replace:
		if m = v.message; sendable(m) != nil {
			s.side.counters.discarded.Add(1)
			s.tell("a replacement is no message", sendable(m))
			return
		}
	case reply:
		if _, err := p.conn.queue(v.message.Kind, v.message.Payload); err != nil {
			s.tell("a reply was not accepted", err)
		}
		s.side.counters.discarded.Add(1)
		return
	case drop:
		s.side.counters.discarded.Add(1)
		return
	case hangUp:
		s.side.counters.discarded.Add(uint64(1 + len(p.msgs) - p.next))
		p.next = len(p.msgs)
		p.conn.hungUp.Store(true)
		p.last = &Close{Code: v.code, Reason: v.reason()}
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
	conn, waited, last := p.conn, p.waited, p.last
	p.free()
	if waited {
		conn.flush()
		conn.handled()
		conn.arrived()
	}
	if last != nil {
		conn.hangUp(last)
	}
}

// undelivered is called when the station's actor is gone for good: by what the
// middleware declares, its messages are discarded or go past it.
func (p *parcel) undelivered() {
	s := p.view.middleware[p.hop-1]
	s.unload(p.bytes)
	p.bytes = 0
	rest := p.msgs[p.next:]
	if s.middleware.FailOpen {
		p.msgs = append(p.msgs[:p.kept], rest...)
	} else {
		s.side.counters.discarded.Add(uint64(len(rest)))
		p.msgs = p.msgs[:p.kept]
		if s.side.server && len(rest) > 0 && !p.conn.closing.Load() { // it would never be answered
			p.conn.Close(transport.InternalError, "the server has failed")
		}
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
