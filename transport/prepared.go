package transport

import (
	"sync"
	"sync/atomic"
)

// MessageError says why a message cannot be sent as it is.
type MessageError struct{ Detail string }

func (e *MessageError) Error() string { return "transport: message: " + e.Detail }

// Prepared is one message for many connections of a server: its frame is made
// once, and compressed once for each setting that these connections have
// agreed on. It is immutable and may be used by many goroutines at a time.
type Prepared struct {
	plain  []byte // the frame uncompressed
	head   int    // bytes of its header
	packed atomic.Pointer[packedFrame]
}

// packedFrame is the frame for one codec, in a list of them.
type packedFrame struct {
	next  *packedFrame
	once  sync.Once
	frame []byte
	codec codec
}

// Prepare makes a Prepared of a copy of payload. Errors are *MessageError: a text
// must be UTF-8, and kind Text or Binary.
func Prepare(kind Kind, payload []byte) (*Prepared, error) {
	switch {
	case kind != Text && kind != Binary:
		return nil, &MessageError{Detail: "the kind must be Text or Binary"}
	case kind == Text && !ValidUTF8(payload):
		return nil, &MessageError{Detail: badText}
	}
	head := HeaderSize(len(payload), false)
	plain := AppendFrame(make([]byte, 0, head+len(payload)), byte(kind), payload, false)
	return &Prepared{plain: plain, head: head}, nil
}

// Kind returns the message's kind.
func (p *Prepared) Kind() Kind { return Kind(p.plain[0] & opBits) }

// Payload returns the message. It must not be changed.
func (p *Prepared) Payload() []byte { return p.plain[p.head:] }

// Frame returns the frame for c, which must be a server's connection: it is not
// masked. Every connection with the same setting gets the same bytes, which must
// not be changed. A compressed one refers to nothing before it; what c sends
// must go through Conn.Compress, this too.
func (p *Prepared) Frame(c *Conn) []byte {
	z := c.d.deflate
	if z == nil || len(p.Payload()) < z.out.threshold {
		return p.plain
	}
	v := p.variant(z.out.codec)
	v.once.Do(func() { v.frame = p.pack(v.codec) })
	return v.frame
}

// variant finds the place for a codec, or makes it.
func (p *Prepared) variant(k codec) *packedFrame {
	var fresh *packedFrame
	for {
		first := p.packed.Load()
		for v := first; v != nil; v = v.next {
			if v.codec == k {
				return v
			}
		}
		if fresh == nil {
			fresh = &packedFrame{codec: k}
		}
		fresh.next = first
		if p.packed.CompareAndSwap(first, fresh) {
			return fresh
		}
	}
}

// pack compresses the frame, or returns it as it is if that is no shorter.
func (p *Prepared) pack(k codec) []byte {
	c := newCompressor(k)
	defer c.free(k)
	packed, ok := c.pack(p.Payload(), nil)
	if !ok {
		return p.plain
	}
	frame := make([]byte, 0, HeaderSize(len(packed), false)+len(packed))
	return append(appendHeader(frame, p.plain[0]|rsv1Bit, len(packed), 0), packed...)
}
