package actors

import (
	"errors"

	"github.com/hawser-go/hawser/transport"
)

// reader turns what the socket has into messages: one read, one batch, one turn.
// It lives and dies with one incarnation.
type reader struct {
	light
	// verdict is what a turn within Readable found out about the connection. It is told
	// when the turn is over: the connection may then stop the reader at once.
	verdict any
	late    bool // the turn is not within Readable
}

// tell lets the connection know what the reader found out.
func (r *reader) tell(found any) {
	if r.late {
		r.conn.connection.PostUserMessage(found)
		return
	}
	r.verdict = found
}

// InvokeUserMessage implements actor.MessageInvoker.
func (r *reader) InvokeUserMessage(msg any) {
	msg, ok := r.open(msg)
	if !ok {
		return
	}
	switch m := msg.(type) {
	case *readable:
		if (*Conn)(m) == r.conn {
			r.late = false
			r.read()
		}
	case *readableLate:
		if (*Conn)(m) == r.conn {
			r.late = true
			r.read()
		}
	case *openingOver:
		r.conn.goOn(m)
	default:
		r.refuse(msg)
	}
}

func (r *reader) kind() string { return "r" }

// stopping implements receiver.
func (r *reader) stopping() {}

// killed implements receiver: the connection would be deaf.
func (r *reader) killed() { r.conn.killed() }

// errCrippled is why a connection ended of which the reader or the writer was stopped.
var errCrippled = errors.New("actors: the reader or the writer of the connection was stopped")

// killed ends the connection of an actor that it cannot be without.
func (c *Conn) killed() { c.connection.PostUserMessage(&ended{epoch: c.epoch, err: errCrippled}) }

// read is a turn. The replies of the modules that ran in it leave in one write.
func (r *reader) read() {
	c := r.conn
	batch, err := c.wire.Read()
	if err != nil {
		c.lost(err, r.tell)
		return
	}
	now := c.seen() // a part of a long message is heard too
	if batch == nil {
		return
	}
	excess := c.measure(batch, now)
	if len(batch.Control) > 0 {
		// Ahead of the replies: a ping within a fragmented message came before it.
		c.control(batch.Control)
	}
	if len(batch.Messages) > 0 {
		c.lastMessage.Store(now)
		c.hint(batch)
		c.receive(batch)
		c.flush()
	}
	if excess != nil {
		c.wire.Ignore()
		batch.Close, batch.Err = nil, excess // what came behind it does not count
	}
	if batch.Close != nil || batch.Err != nil {
		c.closing.Store(true) // here already: the end of the stream may be the next read
	}
	switch {
	case batch.Close != nil:
		r.tell(&peerClosed{epoch: c.epoch, frame: batch.Close})
	case batch.Err != nil:
		r.tell(&violated{epoch: c.epoch, err: batch.Err})
	}
	batch.Release()
}

// measure cuts off what exceeds the rates, and says which.
func (c *Conn) measure(batch *transport.Batch, now int64) (excess error) {
	p := &c.side.policy
	if batch.Controls > 0 && p.controls.each > 0 {
		excess = c.meterControls(batch.Controls, now)
	}
	if len(batch.Messages) > 0 && p.metered {
		within, err := c.meterMessages(batch.Messages, now)
		if err != nil {
			excess = err
			c.spill(batch.Messages[len(within):])
		}
		batch.Messages = within
	}
	return excess
}

// spill counts messages that came and go to nobody.
func (c *Conn) spill(msgs []transport.Message) {
	n := 0
	for i := range msgs {
		n += len(msgs[i].Payload)
	}
	c.side.counters.received.Add(uint64(len(msgs)))
	c.side.counters.bytesReceived.Add(uint64(n))
	c.side.counters.discarded.Add(uint64(len(msgs)))
}

// receive takes messages to whoever wants them at this stage of the connection.
func (c *Conn) receive(batch *transport.Batch) {
	if o := c.opening.Load(); o != nil && o.take(batch) {
		return
	}
	c.dispatch(batch, batch.Messages)
}

// hint counts what came, and makes room in the outbox for replies about as large.
func (c *Conn) hint(batch *transport.Batch) {
	n := 0
	for i := range batch.Messages {
		n += len(batch.Messages[i].Payload)
	}
	c.side.counters.received.Add(uint64(len(batch.Messages)))
	c.side.counters.bytesReceived.Add(uint64(n))
	n += 14 * len(batch.Messages)
	c.out.hint.Store(int32(min(n, chunkSize)))
}

// control answers pings and passes pongs on.
func (c *Conn) control(frames []transport.Control) {
	var answers *sendControl
	for _, f := range frames {
		if f.Kind == transport.Pong {
			if len(f.Payload) == len(nonce{}) { // others answer no ping of ours
				m := pongs.Get().(*pongReceived)
				m.epoch, m.payload = c.epoch, nonce(f.Payload)
				c.connection.PostUserMessage(m)
			}
			continue
		}
		if answers == nil {
			answers = newControl()
		}
		answers.frames = appendControl(answers.frames, byte(transport.Pong), f.Payload, !c.side.server)
	}
	if answers != nil {
		c.writer.deliver(answers)
	}
}

// appendControl appends a control frame that is ready for the wire.
func appendControl(dst []byte, op byte, payload []byte, masked bool) []byte {
	start := len(dst)
	dst = transport.AppendFrame(dst, op, payload, masked)
	if masked {
		transport.SealFrame(dst[start:])
	}
	return dst
}

// lost ends the incarnation because its socket cannot be used any more. On a
// client that is the failure of the actor that found out: its supervisor decides
// what follows. On a server, and during a close handshake, it is an event.
func (c *Conn) lost(err error, tell func(any)) {
	if errors.Is(err, transport.ErrClosed) {
		return // by ourselves
	}
	if c.side.server || c.closing.Load() {
		tell(&ended{epoch: c.epoch, err: err})
		return
	}
	_ = c.wire.Close() // before the failure goes up: no descriptor waits for a restart
	panic(err)
}
