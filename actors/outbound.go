package actors

import (
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
	off := c.off
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
	if o.hop == 0 || len(o.msgs) == 0 {
		o.conn.writer.deliver(&filtered{outbound: o})
		return
	}
	o.hop--
	o.kept, o.next = 0, 0
	o.path[o.hop].box.deliver(o)
}

func (o *outbound) work(s *station) {
	for o.next < len(o.msgs) {
		m := o.msgs[o.next]
		o.next++
		o.apply(s.interceptor.OnSend(o.conn, m), m)
	}
	o.msgs, o.entries = o.msgs[:o.kept], o.entries[:o.kept]
	s.current = nil
	o.forward()
}

func (o *outbound) fault(s *station) {
	v := Reject()
	if s.middleware.FailOpen {
		v = Pass()
	}
	o.apply(v, o.msgs[o.next-1])
}

func (o *outbound) apply(v Verdict, m transport.Message) {
	e := o.entries[o.next-1]
	if v.drop {
		o.changed = true
		o.dropped = append(o.dropped, Outcome{ID: e.id, Result: Dropped, Reason: Rejected})
		return
	}
	if v.replace {
		o.changed = true
		m = v.message
	}
	o.msgs[o.kept], o.entries[o.kept] = m, e
	o.kept++
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
		o.dropped = append(o.dropped, Outcome{ID: e.id, Result: Dropped, Reason: Rejected})
	}
	o.msgs, o.entries = o.msgs[:o.kept], o.entries[:o.kept]
	o.changed = o.changed || len(entries) > 0
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
