package actors

import "github.com/hawser-go/hawser/transport"

// packed is a chunk as it goes out compressed. The chunk itself stays as it is, so
// that another connection, which compresses otherwise or not at all, can have what
// this one does not take. What the socket takes of the packed bytes is told to the
// outbox in bytes of the chunk.
type packed struct {
	buf     *transport.Buffer
	sent    int // bytes of buf that the socket has taken
	through border
	told    int // bytes of the chunk that the outbox knows of
}

// border is where in a packed chunk one frame ends and the next one begins.
type border struct {
	at    int // in buf
	entry int // of the chunk that begins there
	bytes int // of the chunk before it
}

// pack compresses the frames of a chunk that has no dead ones, in order.
func pack(c *chunk, wire *transport.Conn, masked bool) *packed {
	p := &packed{buf: transport.NewBuffer(c.size()), through: border{entry: c.first}}
	off := c.off
	for i := c.first; i < len(c.entries); i++ {
		start := len(p.buf.B)
		p.buf.B = wire.Compress(p.buf.B, c.frame(i, off))
		if masked {
			transport.SealFrame(p.buf.B[start:])
		}
		off += int(c.entries[i].size)
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
	p.through, p.told = p.bytes(c, p.sent)
	return p.told - before
}

// reach is wrote for bytes that may have been taken.
func (p *packed) reach(c *chunk, window int) int {
	_, told := p.bytes(c, min(len(p.buf.B), p.sent+window))
	return told - p.told
}

// bytes is how many bytes of the chunk the first n of buf stand for, and the last
// border among them.
func (p *packed) bytes(c *chunk, n int) (through border, total int) {
	through = p.through
	for through.at < n {
		_, _, size := transport.FramePayload(p.buf.B[through.at:])
		if through.at+size > n {
			return through, through.bytes + 1 // it has begun
		}
		through.at += size
		through.bytes += int(c.entries[through.entry].size)
		through.entry++
	}
	return through, through.bytes
}
