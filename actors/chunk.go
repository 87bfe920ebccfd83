package actors

import (
	"slices"
	"sort"
	"sync"

	"github.com/hawser-go/hawser/transport"
)

// chunkSize is what one write takes at most, unless a single message is larger.
const chunkSize = 64 << 10

// entry is one message in a chunk.
type entry struct {
	id     uint64
	at     int64   // when it was accepted, ns since the Unix epoch
	letter *letter // what is special about it; nil for a plain one
	size   int32   // bytes of its frame
	dead   bool    // it ended without being written, and its frame is not to leave
}

// chunk is a run of whole frames that lie one behind the other in a pooled
// buffer, ready to leave in one write. Messages die in the middle of it; it is
// rewritten without them when they are the greater part of it, and before it is
// taken. A chunk that the writer has is not touched by anybody else.
type chunk struct {
	buf     *transport.Buffer
	entries []entry // their numbers grow
	first   int     // entries before it have their outcome; it is not dead unless all are
	off     int     // start of entries[first] in buf
	sent    int     // bytes of buf handed to the socket
	dead    int     // entries from first on that are dead
	wasted  int     // their bytes
	taken   bool    // the writer has it
	past    bool    // past the middleware
	sealed  bool    // masked, where frames are, and past the middleware
	special bool    // some of the entries have letters, or had
	lane    *lane   // in which it is
	turn    int64   // when the turn began to reply of which replies go into it; 0: none does

	next, prev *chunk
}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

func newChunk(n int) *chunk { return chunkOf(transport.NewBuffer(n)) }

func chunkOf(buf *transport.Buffer) *chunk {
	c := chunks.Get().(*chunk)
	c.buf = buf
	return c
}

// free gives the chunk's memory back.
func (c *chunk) free() {
	c.buf.Release()
	entries := c.entries[:0]
	if c.special {
		clear(entries[:cap(entries)]) // a pool keeps no letters alive
	}
	if cap(entries) > 1024 {
		entries = nil
	}
	*c = chunk{entries: entries}
	chunks.Put(c)
}

// fits reports whether a frame of n bytes can be appended.
func (c *chunk) fits(n int) bool {
	return !c.taken && !c.past && len(c.buf.B)+n <= min(cap(c.buf.B), chunkSize)
}

// add appends a message whose frame is in the buffer already.
func (c *chunk) add(e entry) {
	c.entries = append(c.entries, e)
	c.special = c.special || e.letter != nil
	c.lane.grow(1, int(e.size))
}

// live is the number of messages without an outcome, size that of their bytes.
func (c *chunk) live() int { return len(c.entries) - c.first - c.dead }
func (c *chunk) size() int { return len(c.buf.B) - c.off - c.wasted }

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
	c.past, c.sealed = true, true
}

// drop passes over the oldest message without an outcome. Not for a chunk with
// dead ones.
func (c *chunk) drop() entry {
	e := c.entries[c.first]
	c.off += int(e.size)
	c.first++
	c.lane.grow(-1, -int(e.size))
	return e
}

// find returns the place of a message that is in the chunk.
func (c *chunk) find(id uint64) int {
	return c.first + sort.Search(len(c.entries)-c.first, func(i int) bool { return c.entries[c.first+i].id >= id })
}

// kill marks the i-th message, which waits, as dead. See [lane.tidy].
func (c *chunk) kill(i int) (id uint64, l *letter) {
	e := &c.entries[i]
	id, l = e.id, e.letter
	e.dead, e.letter = true, nil
	c.dead++
	c.wasted += int(e.size)
	c.lane.grow(-1, -int(e.size))
	return id, l
}

// wasteful reports whether the chunk holds more memory for what has ended than
// for what has not.
func (c *chunk) wasteful() bool {
	return 2*c.size() < len(c.buf.B) || 2*c.live() < len(c.entries)
}

// compact rewrites the chunk without what has ended. A middleware may still be
// looking at the old buffer.
func (c *chunk) compact() {
	room := c.size()
	if c.next == nil && !c.past { // more will be appended
		room = max(room, min(cap(c.buf.B), chunkSize))
	}
	c.rewrite(room, c)
}

// rewrite makes the living messages of these chunks, of which c is the first, the
// contents of c.
func (c *chunk) rewrite(room int, all ...*chunk) {
	buf := transport.NewBuffer(room)
	entries := c.entries[:0]
	for _, from := range all {
		off := from.off
		for _, e := range from.entries[from.first:] {
			end := off + int(e.size)
			if !e.dead {
				if e.letter != nil {
					e.letter.chunk, c.special = c, true
				}
				buf.B = append(buf.B, from.buf.B[off:end]...)
				entries = append(entries, e) // never beyond what has been read
			}
			off = end
		}
	}
	if n := len(entries); cap(entries) > 64 && n < cap(entries)/4 {
		entries = slices.Clone(entries)
	} else if n < len(c.entries) {
		clear(c.entries[n:])
	}
	c.buf.Release()
	c.buf, c.entries, c.first, c.off, c.sent, c.dead, c.wasted = buf, entries, 0, 0, 0, 0, 0
}
