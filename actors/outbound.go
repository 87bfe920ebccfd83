package actors

import (
	"fmt"

	"github.com/hawser-go/hawser/transport"
)

// outbound carries the messages of one chunk through the middleware, in reverse
// order, and back to the writer. The writer has one on its way at a time, so
// messages keep their order.
//
//	Writer → Middleware → … → Writer
type outbound struct {
	conn    *Conn
	chunk   *chunk
	buf     *transport.Buffer
	path    []*station
	msgs    []transport.Message
	entries []entry
	kept    int
	next    int
	hop     int // stations still to visit
	changed bool
	dropped []Outcome
}

func (*outbound) private() {}

// newOutbound unpacks a chunk that no middleware has seen yet.
func newOutbound(conn *Conn, c *chunk, path []*station) *outbound {
	o := &outbound{conn: conn, chunk: c, buf: c.buf, path: path, hop: len(path)}
	o.buf.Retain() // the outbox may drop the chunk while it is on its way
	n, off := len(c.entries)-c.first, c.off
	o.msgs, o.entries = make([]transport.Message, 0, n), make([]entry, 0, n)
	for i := c.first; i < len(c.entries); i++ {
		op, payload, n := transport.FramePayload(c.frame(i, off))
		off += n
		o.msgs = append(o.msgs, transport.Message{Kind: transport.Kind(op), Payload: payload})
		o.entries = append(o.entries, c.entries[i])
	}
	return o
}

// forward takes it to the next station, or at the end back to the writer.
func (o *outbound) forward() {
	for o.hop > 0 && len(o.msgs) > 0 {
		if o.conn.released.Load() {
			o.abandon()
			return
		}
		o.hop--
		o.kept, o.next = 0, 0
		s := o.path[o.hop]
		if s.box == nil {
			o.judge(s)
			continue
		}
		if !s.quick() || !s.box.tryRun(o) {
			s.box.PostUserMessage(o)
		}
		return
	}
	o.conn.writer.deliver(&filtered{outbound: o})
}

// work is done in the turn of the writer, or on a worker. The station gives the
// thread back when it has kept it for too long: the writer has pings to answer.
func (o *outbound) work(s *station) {
	now := nanos()
	clock := newPatrol(now, o.next)
	for o.next < len(o.msgs) {
		if o.conn.released.Load() {
			s.current = nil
			o.abandon()
			return
		}
		o.one(s)
		if o.next < len(o.msgs) && clock.overdue(o.next) {
			s.slow()
			s.current = nil
			s.box.moveOver()
			s.box.PostUserMessage(o)
			return
		}
	}
	s.took(nanos() - now)
	o.msgs, o.entries = o.msgs[:o.kept], o.entries[:o.kept]
	s.current = nil
	o.forward()
}

// abandon ends the way of a chunk whose connection is gone: the outbox has it back,
// and the next writer takes it through the middleware again.
func (o *outbound) abandon() { o.buf.Release() }

// judge has an inline station judge the messages.
func (o *outbound) judge(s *station) {
	for o.next < len(o.msgs) {
		o.one(s)
	}
	o.msgs, o.entries = o.msgs[:o.kept], o.entries[:o.kept]
}

// one has the station judge the next message.
func (o *outbound) one(s *station) {
	m := o.msgs[o.next]
	o.next++
	v := s.send(o.conn, m)
	s.work()
	o.apply(s, v, m)
}

func (o *outbound) fault(s *station) {
	o.apply(s, s.failed(s.errFailed()), o.msgs[o.next-1])
}

func (o *outbound) apply(s *station, v Verdict, m transport.Message) {
	if v.action == pass && o.kept == o.next-1 { // it stands where it belongs
		o.kept++
		return
	}
	e := o.entries[o.next-1]
	switch v.action {
	case pass:
	case replace:
		o.changed = true
		m = v.message
		if err := o.conn.out.takes(m); err != nil {
			o.end(e, Rejected, fmt.Errorf("%w: the replacement: %w", ErrRejected, err))
			return
		}
	case drop:
		o.end(e, Rejected, v.err)
		return
	case reply:
		if err := sendable(v.message); err != nil {
			o.end(e, Rejected, fmt.Errorf("%w: the reply: %w", ErrRejected, err))
			return
		}
		o.end(e, Superseded, nil)
		o.conn.answer(s, v.message)
		return
	case hangUp:
		for _, e := range o.entries[o.next-1:] {
			o.end(e, Rejected, v.err)
		}
		o.next = len(o.msgs)
		o.conn.Close(v.code, v.reason())
		return
	}
	o.msgs[o.kept], o.entries[o.kept] = m, e
	o.kept++
}

// end notes the outcome of a message that goes no further.
func (o *outbound) end(e entry, reason Reason, err error) {
	o.changed = true
	o.dropped = append(o.dropped, Outcome{ID: e.id, Result: Dropped, Reason: reason, Err: err})
}

// answer takes a message that a middleware made up to the modules, as if the peer
// had sent it: through the middleware behind that one.
func (c *Conn) answer(s *station, m transport.Message) {
	batch := transport.NewBatch(m)
	defer batch.Release()
	if o := c.opening.Load(); o != nil && o.take(batch) {
		return
	}
	c.side.counters.received.Add(1)
	p := newParcel(c, c.side.routes.Load().at(c.path), batch, batch.Messages)
	p.hop = s.place + 1
	p.wait() // the turn is the writer's: nobody flushes behind it
	p.forward()
}

// undelivered is called when the station's actor is gone for good: by what the
// middleware declares, its messages are rejected or go past it.
func (o *outbound) undelivered() {
	msgs, entries := o.msgs[o.next:], o.entries[o.next:]
	if o.path[o.hop].middleware.FailOpen {
		o.msgs, o.entries = append(o.msgs[:o.kept], msgs...), append(o.entries[:o.kept], entries...)
		o.forward()
		return
	}
	for _, e := range entries {
		o.end(e, Rejected, o.path[o.hop].errFailed())
	}
	o.msgs, o.entries = o.msgs[:o.kept], o.entries[:o.kept]
	o.forward()
}

// pack makes frames of what is left, for the chunk's place in the outbox.
func (o *outbound) pack(masked bool) *transport.Buffer {
	size := 0
	for _, m := range o.msgs {
		size += transport.HeaderSize(len(m.Payload), masked) + len(m.Payload)
	}
	buf := transport.NewBuffer(size)
	for i, m := range o.msgs {
		before := len(buf.B)
		buf.B = transport.AppendFrame(buf.B, byte(m.Kind), m.Payload, masked)
		o.entries[i].size = int32(len(buf.B) - before)
	}
	return buf
}

// filtered is a chunk that has been through the middleware.
//
//	Middleware → Writer
type filtered struct{ outbound *outbound }

func (*filtered) private() {}

// undelivered: the writer is gone, and with it the chunk went back to the
// outbox; the next writer takes it through the middleware again.
func (f *filtered) undelivered() { f.outbound.buf.Release() }
