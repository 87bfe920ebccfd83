package actors

import (
	"sync"

	"github.com/hawser-go/hawser/transport"
)

// chunkSize is what one write takes at most, unless a single message is larger.
const chunkSize = 64 << 10

// entry is one message in a chunk.
type entry struct {
	id   uint64
	at   int64 // when it was accepted, ns since the Unix epoch
	size int32 // bytes of its frame
}

// chunk is a run of whole frames that lie one behind the other in a pooled
// buffer, ready to leave in one write.
type chunk struct {
	buf     *transport.Buffer
	entries []entry
	first   int  // entries before it have their outcome
	off     int  // start of entries[first] in buf
	sent    int  // bytes of buf handed to the socket
	taken   bool // the writer has it: nobody else touches it
	sealed  bool // ready for the wire: masked, and past the middleware
	next    *chunk
}

// lane is a queue of chunks. Only its first one can be taken.
type lane struct{ head, tail *chunk }

func (l *lane) empty() bool { return l.head == nil }

func (l *lane) append(c *chunk) {
	if l.head == nil {
		l.head = c
	} else {
		l.tail.next = c
	}
	l.tail = c
}

// shift takes the first chunk out and frees it.
func (l *lane) shift() {
	c := l.head
	if l.head = c.next; l.head == nil {
		l.tail = nil
	}
	c.free()
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

func newChunk(n int) *chunk {
	c := chunks.Get().(*chunk)
	c.buf = transport.NewBuffer(n)
	return c
}

// free gives the chunk's memory back.
func (c *chunk) free() {
	c.buf.Release()
	entries := c.entries[:0]
	if cap(entries) > 1024 {
		entries = nil
	}
	*c = chunk{entries: entries}
	chunks.Put(c)
}

// fits reports whether a frame of n bytes can be appended.
func (c *chunk) fits(n int) bool {
	return !c.taken && !c.sealed && len(c.buf.B)+n <= min(cap(c.buf.B), chunkSize)
}

// left is the number of messages without an outcome.
func (c *chunk) left() int { return len(c.entries) - c.first }

// unsent are the bytes that the socket has not taken yet.
func (c *chunk) unsent() []byte { return c.buf.B[c.sent:] }

// frame is the frame of the i-th message, which begins at off.
func (c *chunk) frame(i, off int) []byte {
	return c.buf.B[off : off+int(c.entries[i].size)]
}

// seal masks a client's frames, each with a fresh key (RFC 6455 §5.3). It is done
// once; a frame that the socket did not take stays good for the next one.
func (c *chunk) seal(masked bool) {
	if masked && !c.sealed {
		for p := c.buf.B[c.off:]; len(p) > 0; {
			p = p[transport.SealFrame(p):]
		}
	}
	c.sealed = true
}

// drop passes over the oldest message without an outcome.
func (c *chunk) drop() entry {
	e := c.entries[c.first]
	c.off += int(e.size)
	c.first++
	return e
}
