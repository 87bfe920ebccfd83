package transport

import (
	"bytes"
	"unsafe"
)

// MinLent is how many bytes a payload must have so that Lend is worth it.
const MinLent = 32 << 10

// Lend returns the frame in which m came to a server as one for the way back, in the
// same memory and without a copy: the header of a masked frame has room for that of one
// that is not. It has one reference, and keeps the memory when the Batch is released;
// nobody may change the payload meanwhile. It returns nil if m did not come in b, in one
// frame and uncompressed, was lent before, is small, or would keep more than twice its
// size: then it must be copied.
func (b *Batch) Lend(m Message) *Buffer {
	if len(m.Payload) < MinLent || !b.lending.CompareAndSwap(false, true) {
		return nil
	}
	defer b.lending.Store(false)
	if !b.brought(m) {
		return nil
	}
	buf, at := b.holder(m.Payload)
	if buf == nil || 2*len(m.Payload) < cap(buf.B) {
		return nil
	}
	h := newHeader(byte(m.Kind), len(m.Payload))
	came, start := at-h.size()-maskKey, at-h.size()
	if came < 0 || !h.masked(buf.B[came:at]) {
		return nil // put together of several frames, inflated, lent, or from a server
	}
	buf.B[came] = 0 // it is not as it came any more
	copy(buf.B[start:at], h.b[:h.size()])
	return buf.piece(start, at+len(m.Payload))
}

// brought reports whether m is one of the messages of b, as it came.
func (b *Batch) brought(m Message) bool {
	for i := range b.Messages {
		if o := &b.Messages[i]; o.Kind == m.Kind && len(o.Payload) == len(m.Payload) &&
			unsafe.SliceData(o.Payload) == unsafe.SliceData(m.Payload) {
			return true
		}
	}
	return false
}

// holder returns the buffer in which p lies, and where.
func (b *Batch) holder(p []byte) (buf *Buffer, at int) {
	first := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	for _, buf := range b.bufs {
		if at := first - uintptr(unsafe.Pointer(unsafe.SliceData(buf.B))); at < uintptr(len(buf.B)) {
			return buf, int(at)
		}
	}
	return nil, 0
}

// masked reports whether p begins with h as the header of a masked frame.
func (h *header) masked(p []byte) bool {
	return p[0] == h.b[0] && p[1] == h.b[1]|maskBit && bytes.Equal(p[2:h.size()], h.b[2:h.size()])
}
