package transport

// decoder takes whole messages out of the bytes of one connection and enforces
// RFC 6455 §5 and the limits on the way. One lives in every connection, so it
// is small and holds memory only while a fragmented message is under way.
//
// It works in place: it unmasks in the caller's memory, and payloads of
// messages that came in one frame point there.
type decoder struct {
	limits *Limits
	whole  *Buffer // what has come of a fragmented message; nil while empty
	done   int     // payload bytes of the incomplete frame that are unmasked and checked
	frames int     // frames that have come of a fragmented message
	text   utf8Checker
	kind   Kind // of the fragmented message under way; 0: none
	mask   byte // maskBit if frames must be masked, else 0
	dead   bool
}

// init prepares d. A server demands masked frames and a client refuses them
// (RFC 6455 §5.1). l must have its defaults; it is shared and never written.
func (d *decoder) init(server bool, l *Limits) {
	*d = decoder{limits: l}
	if server {
		d.mask = maskBit
	}
}

// over reports whether a close frame or a violation has ended the stream.
func (d *decoder) over() bool { return d.dead }

// release gives the memory of a half-assembled message back and ends d.
func (d *decoder) release() {
	d.dead = true
	if d.whole != nil {
		d.whole.Release()
		d.whole = nil
	}
}

// decode takes every whole frame out of p and appends to b what they completed.
//
// used is how much of p it took, always up to a frame's end. The caller keeps
// p[used:] as decode left it and calls again with these bytes first, followed by
// more, in this memory or another. need is the length of the frame that begins
// there, or 0 if its header is not whole.
//
// What has come of an incomplete text frame is unmasked and checked at once,
// so that bad UTF-8 fails when it arrives and not when its frame ends; done
// remembers how far.
//
// A violation sets b.Err and a close frame sets b.Close. After either d is over
// and decode swallows all that follows.
func (d *decoder) decode(p []byte, b *Batch) (used, need int) {
	for !d.dead {
		n, need := d.next(p[used:], b)
		if n == 0 && !d.dead {
			return used, need
		}
		used += n
	}
	return len(p), 0
}

// next takes the frame at the start of q. If it is not whole n is 0 and need is
// its length, if that is known.
func (d *decoder) next(q []byte, b *Batch) (n, need int) {
	f, ok := d.header(q, b)
	if !ok {
		return 0, 0
	}
	n = f.head + f.size
	if len(q) < n {
		if len(q) > f.head && d.isText(f) {
			d.early(q[:f.head], q[f.head:], b)
		}
		return 0, n
	}
	body := q[f.head:n:n]
	d.unmask(q[:f.head], body)
	if f.op >= opClose {
		d.control(f.op, body, b)
	} else {
		d.data(f, body, b)
	}
	return n, 0
}

// early unmasks and checks what has come of an incomplete text frame.
func (d *decoder) early(head, body []byte, b *Batch) {
	d.unmask(head, body)
	if !d.text.feed(body[d.done:]) {
		d.fail(b, InvalidPayload, badText)
	}
	d.done = len(body)
}

// unmask unmasks what of body is still masked. The key is the end of head.
func (d *decoder) unmask(head, body []byte) {
	if d.mask != 0 {
		xor(body[d.done:], [4]byte(head[len(head)-4:]), d.done)
	}
}

func (d *decoder) isText(f frame) bool {
	return f.op == opText || f.op == opContinuation && d.kind == Text
}

// data takes a whole frame of a message.
func (d *decoder) data(f frame, body []byte, b *Batch) {
	if d.isText(f) && !d.validText(f, body) {
		d.fail(b, InvalidPayload, badText)
		return
	}
	d.done = 0
	if f.op != opContinuation {
		if f.fin {
			b.Messages = append(b.Messages, Message{Payload: body, Kind: Kind(f.op)})
			return
		}
		d.kind = Kind(f.op)
	}
	d.frames++
	d.assemble(body)
	if f.fin {
		d.finish(b)
	}
}

// validText checks what early has not seen of a text frame, and at the end of
// the message that no rune is cut.
func (d *decoder) validText(f frame, body []byte) bool {
	if f.fin && f.op == opText && d.done == 0 {
		return ValidUTF8(body)
	}
	return d.text.feed(body[d.done:]) && (!f.fin || d.text.done())
}

// assemble adds to a fragmented message. Its memory grows with what has come,
// in steps, so that each byte is copied twice on average.
func (d *decoder) assemble(body []byte) {
	if len(body) == 0 {
		return
	}
	if d.whole == nil {
		d.whole = NewBuffer(len(body))
	}
	if size := len(d.whole.B) + len(body); size > cap(d.whole.B) {
		grown := NewBuffer(max(size, min(2*cap(d.whole.B), d.limits.MaxMessage)))
		grown.B = append(grown.B, d.whole.B...)
		d.whole.Release()
		d.whole = grown
	}
	d.whole.B = append(d.whole.B, body...)
}

// finish hands a fragmented message over, and its memory with it.
func (d *decoder) finish(b *Batch) {
	m := Message{Kind: d.kind}
	if d.whole != nil {
		m.Payload = d.whole.B[:len(d.whole.B):len(d.whole.B)]
		b.own(d.whole)
	}
	b.Messages = append(b.Messages, m)
	d.whole, d.kind, d.frames = nil, 0, 0
}

// fail ends d for a violation.
func (d *decoder) fail(b *Batch, code CloseCode, detail string) {
	b.Err = &ProtocolError{Code: code, Detail: detail}
	d.release()
}
