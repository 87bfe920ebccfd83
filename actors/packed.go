package actors

import (
	"sort"

	"github.com/hawser-go/hawser/transport"
)

// packed is a chunk as it goes out compressed. The chunk itself stays as it is, so
// that another connection, which compresses otherwise or not at all, can have what
// this one does not take. What the socket takes of the packed bytes is told to the
// outbox in bytes of the chunk.
type packed struct {
	buf  *transport.Buffer
	ends []int // where the frames of the chunk's messages end in buf
	sent int   // bytes of buf that the socket has taken
	told int   // bytes of the chunk that the outbox knows of
}

// pack compresses the frames of a chunk that has no dead ones, in order.
func pack(c *chunk, wire *transport.Conn, masked bool) *packed {
	p := &packed{buf: transport.NewBuffer(c.size()), ends: make([]int, 0, c.live())}
	off := c.off
	for i := c.first; i < len(c.entries); i++ {
		start := len(p.buf.B)
		p.buf.B = wire.Compress(p.buf.B, c.frame(i, off))
		if masked {
			transport.SealFrame(p.buf.B[start:])
		}
		off += int(c.entries[i].size)
		p.ends = append(p.ends, len(p.buf.B))
	}
	return p
}

func (p *packed) unsent() []byte { return p.buf.B[p.sent:] }

// wrote notes that the socket took n more bytes. It returns how many of c's that
// are: all of the frames that are through, and one byte of one that has begun.
// Frames before told may have left c already.
func (p *packed) wrote(c *chunk, n int) int {
	before := p.told
	p.sent += n
	p.told = p.bytes(c, p.sent)
	return p.told - before
}

// reach is wrote for bytes that may have been taken.
func (p *packed) reach(c *chunk, window int) int {
	return p.bytes(c, min(len(p.buf.B), p.sent+window)) - p.told
}

// bytes is how many bytes of the chunk the first n of buf stand for.
func (p *packed) bytes(c *chunk, n int) (total int) {
	through := sort.Search(len(p.ends), func(i int) bool { return p.ends[i] > n })
	first := len(c.entries) - len(p.ends)
	for _, e := range c.entries[first : first+through] {
		total += int(e.size)
	}
	if through < len(p.ends) && (through == 0 && n > 0 || through > 0 && n > p.ends[through-1]) {
		total++
	}
	return total
}
