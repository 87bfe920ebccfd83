package transport

import "encoding/binary"

// frame is the header of a frame that the peer sent.
type frame struct {
	op   byte
	fin  bool
	rsv1 bool // the payload, or that of its whole message, is compressed
	head int  // bytes of the header
	size int  // bytes of the payload
}

// What is wrong with a header, or with a text.
const (
	badReserved  = "reserved bits are set, but no extension was agreed"
	badRSV       = "reserved bits are set where permessage-deflate sets none"
	badOpcode    = "reserved opcode"
	badUnmasked  = "frame from a client is not masked"
	badMasked    = "frame from a server is masked"
	badControl   = "control frame is fragmented or longer than 125 bytes"
	badStart     = "new message inside a fragmented message"
	badContinue  = "continuation without a message to continue"
	badLength    = "payload length is not in its shortest form"
	badLength64  = "payload length has its top bit set"
	badText      = "text is not UTF-8"
	bigFrame     = "frame too big"
	bigMessage   = "message too big"
	bigFragments = "message in too many frames"
	badDeflate   = "compressed message cannot be inflated"
	bigInflated  = "message too big when inflated"
)

// header reads and judges the header at the start of q. ok is false if it is
// not whole, the key aside, or not legal; then d has failed.
func (d *decoder) header(q []byte, b *Batch) (f frame, ok bool) {
	if len(q) < 2 {
		return f, false
	}
	f = frame{op: q[0] & opBits, fin: q[0]&finBit != 0, rsv1: q[0]&rsvBits == rsv1Bit, head: 2, size: int(q[1] &^ maskBit)}
	if detail := d.illegal(f, q[0]&rsvBits, q[1]&maskBit); detail != "" {
		d.fail(b, ProtocolFailure, detail)
		return f, false
	}
	if f.size > maxControl {
		if ok = d.length(&f, q, b); !ok {
			return f, false
		}
	}
	if d.mask != 0 {
		f.head += 4
	}
	if f.op < opClose {
		if detail := d.excess(f); detail != "" {
			d.fail(b, MessageTooBig, detail)
			return f, false
		}
	}
	return f, true
}

// illegal says which rule the first two bytes of a frame break, if any. f.size
// is still the 7-bit length.
func (d *decoder) illegal(f frame, rsv, mask byte) string {
	switch {
	// RFC 6455 §5.2: "MUST be 0 unless an extension is negotiated that defines
	// meanings for non-zero values."
	case rsv != 0 && d.deflate == nil:
		return badReserved
	// RFC 7692 §6.1: RSV1 "MUST NOT" be set on control frames and "fragments of a
	// data message other than the first".
	case rsv != 0 && (!f.rsv1 || f.op != opText && f.op != opBinary):
		return badRSV
	// §5.1: "The server MUST close the connection upon receiving a frame that is
	// not masked." "A client MUST close a connection if it detects a masked frame."
	case mask != d.mask:
		if d.mask != 0 {
			return badUnmasked
		}
		return badMasked
	// §5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail
	// the WebSocket Connection_."
	case f.op > opPong, f.op > opBinary && f.op < opClose:
		return badOpcode
	// §5.5: "All control frames MUST have a payload length of 125 bytes or less
	// and MUST NOT be fragmented."
	case f.op >= opClose:
		if !f.fin || f.size > maxControl {
			return badControl
		}
	// §5.4: "The fragments of one message MUST NOT be interleaved between the
	// fragments of another message unless an extension has been negotiated".
	case f.op == opContinuation:
		if d.kind == 0 {
			return badContinue
		}
	case d.kind != 0:
		return badStart
	}
	return ""
}

// length reads a 16-bit or 64-bit payload length. RFC 6455 §5.2: "the minimal
// number of bytes MUST be used to encode the length", and of the 64-bit one
// "the most significant bit MUST be 0".
func (d *decoder) length(f *frame, q []byte, b *Batch) bool {
	var size, least uint64
	if f.size == length16 {
		if len(q) < 4 {
			return false
		}
		f.head, size, least = 4, uint64(binary.BigEndian.Uint16(q[2:])), maxControl+1
	} else {
		if len(q) < 10 {
			return false
		}
		f.head, size, least = 10, binary.BigEndian.Uint64(q[2:]), 0xffff+1
	}
	switch {
	case size>>63 != 0:
		d.fail(b, ProtocolFailure, badLength64)
	case size < least:
		d.fail(b, ProtocolFailure, badLength)
	case size > noLimit:
		d.fail(b, MessageTooBig, bigFrame)
	default:
		f.size = int(size)
		return true
	}
	return false
}

// excess says which limit a data frame breaks, if any.
func (d *decoder) excess(f frame) string {
	held := 0
	if d.whole != nil {
		held = len(d.whole.B)
	}
	switch {
	case f.size > d.limits.MaxFrame:
		return bigFrame
	case f.size > d.limits.MaxMessage-held:
		return bigMessage
	case d.frames >= d.limits.MaxFragments:
		return bigFragments
	}
	return ""
}
