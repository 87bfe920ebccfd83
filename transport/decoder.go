package transport

// decoder takes whole messages out of the bytes of one connection and enforces
// RFC 6455 §5 and the limits on the way. One lives in every connection, so it
// is small and holds memory only while a fragmented message is under way.
//
// It works in place: it unmasks in the caller's memory, and payloads of
// messages that came in one frame point there.
type decoder struct {
	limits  *Limits
	deflate *deflation // nil unless permessage-deflate was agreed
	whole   *Buffer    // what has come of a fragmented message; nil while empty
	done    int        // payload bytes of the incomplete frame that are unmasked and checked
	frames  int        // frames that have come of a fragmented message
	text    utf8Checker
	kind    Kind // of the fragmented message under way; 0: none
	mask    byte // maskBit if frames must be masked, else 0
	dead    bool
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
	if d.deflate != nil {
		d.deflate.in.window = nil
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
// remembers how far. A compressed text is checked when it is whole.
//
// A violation sets b.Err and a close frame sets b.Close. After either d is over
// and decode swallows all that follows.
func (d *decoder) decode(p []byte, b *Batch) (used, need int) {
	if d.deflate != nil {
		d.deflate.in.spent = 0
	}
	for !d.dead {
		n, need := d.next(p[used:], b)
		if n == 0 && !d.dead {
			return used, need
		}
		used += n
		if d.full(b) {
			return used, 0
		}
	}
	return len(p), 0
}

// batchFrames is how many messages, or pings and pongs, are enough for one Batch:
// who sends tiny ones as fast as he can has a turn like others.
const batchFrames = 2048

// full reports whether decode has stopped, maybe before the last whole frame,
// because b holds enough, or what it has inflated is. Call it again.
func (d *decoder) full(b *Batch) bool {
	return !d.dead && (len(b.Messages) >= batchFrames || b.Controls >= batchFrames ||
		d.deflate != nil && d.deflate.in.spent >= batchInflated)
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
		if len(q) > f.head && d.isPlainText(f) {
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

// isPlainText reports whether f is of a text that is not compressed.
func (d *decoder) isPlainText(f frame) bool {
	return (f.op == opText || f.op == opContinuation && d.kind == Text) && !d.isPacked(f)
}

// isPacked reports whether f is of a compressed message.
func (d *decoder) isPacked(f frame) bool {
	return f.rsv1 || f.op == opContinuation && d.deflate != nil && d.deflate.in.open
}

// data takes a whole frame of a message.
func (d *decoder) data(f frame, body []byte, b *Batch) {
	if d.isPlainText(f) && !d.validText(f, body) {
		d.fail(b, InvalidPayload, badText)
		return
	}
	d.done = 0
	if f.op != opContinuation {
		switch {
		case f.fin && f.rsv1:
			d.unpack(Kind(f.op), body, b)
			return
		case f.fin:
			b.Messages = append(b.Messages, Message{Payload: body, Kind: Kind(f.op)})
			return
		case f.rsv1:
			d.deflate.in.open = true
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
	if d.deflate != nil && d.deflate.in.open {
		d.finishPacked(b)
		return
	}
	m := Message{Kind: d.kind}
	if d.whole != nil {
		m.Payload = d.whole.B[:len(d.whole.B):len(d.whole.B)]
		b.own(d.whole)
	}
	b.Messages = append(b.Messages, m)
	d.whole, d.kind, d.frames = nil, 0, 0
}

// finishPacked inflates a fragmented message.
func (d *decoder) finishPacked(b *Batch) {
	kind, whole := d.kind, d.whole
	d.whole, d.kind, d.frames = nil, 0, 0
	d.deflate.in.open = false
	if whole == nil {
		d.unpack(kind, nil, b)
		return
	}
	d.unpack(kind, whole.B, b)
	whole.Release()
}

// unpack inflates a whole message and hands it over. RFC 7692 §6.2; bad data has
// no close code of its own, 1007 is the nearest.
func (d *decoder) unpack(kind Kind, packed []byte, b *Batch) {
	out, err := d.deflate.in.inflate(packed, d.limits.MaxInflated)
	switch {
	case err == errTooLong:
		d.fail(b, MessageTooBig, bigInflated)
		return
	case err != nil:
		d.fail(b, InvalidPayload, badDeflate)
		return
	case kind == Text && !ValidUTF8(out.B):
		out.Release()
		d.fail(b, InvalidPayload, badText)
		return
	}
	b.own(out)
	b.Messages = append(b.Messages, Message{Payload: out.B[:len(out.B):len(out.B)], Kind: kind})
}

// fail ends d for a violation.
func (d *decoder) fail(b *Batch, code CloseCode, detail string) {
	b.Err = &ProtocolError{Code: code, Detail: detail}
	d.release()
}
