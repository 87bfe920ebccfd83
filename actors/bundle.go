package actors

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/hawser-go/hawser/transport"
)

// ErrCongested is returned by SendBundle for a connection whose peer does not keep up
// (see Conn.Congested).
var ErrCongested = errors.New("actors: the connection is congested")

// Bundle is some messages that go to many connections together. Their frames lie one
// behind the other in one piece of memory, for all connections that have agreed on the
// same compression, so that a connection whose socket has room gets all of them by one
// write and without a copy. It may be used by many goroutines at a time.
type Bundle struct {
	messages []*transport.Prepared
	forms    atomic.Pointer[form]
	making   sync.Mutex
	first    form // of the forms: mostly there is no other
}

var bundles = sync.Pool{New: func() any { return new(Bundle) }}

// NewBundle makes a Bundle of messages, in their order. More than 64 KiB together are of
// no use: a socket takes no more at once.
func NewBundle(messages ...*transport.Prepared) *Bundle {
	b := bundles.Get().(*Bundle)
	b.messages = append(b.messages, messages...)
	return b
}

// Release gives the memory back. Nobody may be using the Bundle, nor use it later. What
// connections have accepted stays theirs.
func (b *Bundle) Release() {
	for f := b.forms.Swap(nil); f != nil; f = f.next {
		f.free()
	}
	clear(b.messages)
	b.messages = b.messages[:0]
	if cap(b.messages) <= keptFrames {
		bundles.Put(b)
	}
}

// keptFrames is for how many messages a pooled Bundle may keep room.
const keptFrames = 256

// form is a bundle as all connections get it that have agreed on the same.
type form struct {
	next    *form
	plain   bool     // for connections without compression
	frames  [][]byte // of each message
	data    []byte   // all of them
	buf     *transport.Buffer
	deflate []byte // one of the frames that are compressed; nil if none is
}

// free gives the memory back.
func (f *form) free() {
	if f.buf != nil {
		f.buf.Release()
	}
	clear(f.frames)
	f.frames, f.data, f.buf, f.deflate = f.frames[:0], nil, nil, nil
}

// form returns the form for a connection of a server.
func (b *Bundle) form(wire *transport.Conn) *form {
	if f := b.find(wire); f != nil {
		return f
	}
	b.making.Lock()
	defer b.making.Unlock()
	if f := b.find(wire); f != nil {
		return f
	}
	f, others := &b.first, b.forms.Load()
	if others != nil {
		f = new(form)
	}
	f.next = others
	f.make(b, wire)
	b.forms.Store(f)
	return f
}

func (b *Bundle) find(wire *transport.Conn) *form {
	plain := !wire.Compresses()
	for f := b.forms.Load(); f != nil; f = f.next {
		if f.plain && plain || !f.plain && !plain && f.fits(b, wire) {
			return f
		}
	}
	return nil
}

// fits reports whether the connection would get the same frames: a Prepared makes each
// of them once.
func (f *form) fits(b *Bundle, wire *transport.Conn) bool {
	for i, p := range b.messages {
		if &p.Frame(wire)[0] != &f.frames[i][0] {
			return false
		}
	}
	return true
}

func (f *form) make(b *Bundle, wire *transport.Conn) {
	f.plain = !wire.Compresses()
	size := 0
	for _, p := range b.messages {
		frame := p.Frame(wire)
		f.frames = append(f.frames, frame)
		size += len(frame)
		if frame[0]&rsv1Bit != 0 && (f.deflate == nil || len(frame) < len(f.deflate)) {
			f.deflate = frame
		}
	}
	if len(f.frames) == 1 {
		f.data = f.frames[0]
		return
	}
	f.buf = transport.NewBuffer(size)
	for _, frame := range f.frames {
		f.buf.B = append(f.buf.B, frame...)
	}
	f.data = f.buf.B
}

// rsv1Bit says in the first byte of a frame that it is compressed (RFC 7692 §6).
const rsv1Bit = 0x40

// SendBundle is SendPrepared for all messages of a bundle, in order. What the socket
// takes is written at once, on this thread; the rest waits in the outbox, as do all of
// them if something waits there already, and where functions of the user see what leaves
// (a middleware). It does not block. It returns how many were accepted, and why the next
// one was not: ErrCongested, or what SendPrepared returns.
func (c *Conn) SendBundle(b *Bundle) (n int, err error) {
	if !c.side.server || c.observed() {
		n, err = c.queueEach(b)
	} else if f := b.form(c.wire); c.writeThrough(f) {
		return len(f.frames), nil
	} else {
		n, err = c.queueForm(b, f)
	}
	if n > 0 {
		c.Flush()
	}
	return n, err
}

// queueEach accepts the messages of a bundle one by one.
func (c *Conn) queueEach(b *Bundle) (n int, err error) {
	for _, p := range b.messages {
		if c.Congested() {
			return n, ErrCongested
		}
		if _, err := c.queuePrepared(p, 0); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// queueForm accepts the messages of a bundle as they are, or, if that needs more
// thought, one by one.
func (c *Conn) queueForm(b *Bundle, f *form) (n int, err error) {
	for n < len(f.frames) {
		took, err := c.out.addFrames(f.frames[n:])
		n += took
		switch {
		case err == nil:
			return n, nil
		case !errors.Is(err, errNotPlain):
			return n, err
		}
		p := b.messages[n]
		_, err = c.out.add(p.Kind(), p.Payload(), 0)
		if err = c.overflowed(err); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// addFrames accepts plain messages whose frames are made already, for a server's
// connection. It returns how many, and why not the next one.
func (o *outbox) addFrames(frames [][]byte) (n int, err error) {
	at := o.clock()
	room := 0
	for _, frame := range frames {
		room += len(frame)
	}
	o.mu.Lock()
	defer o.unlock()
	for _, frame := range frames {
		switch {
		case o.congested:
			return n, ErrCongested
		case !o.plain(transport.Kind(frame[0]&opBits), len(frame)):
			return n, errNotPlain
		}
		c := o.data.tail
		if c == nil || !c.fits(len(frame)) {
			c = newChunk(min(max(room, int(o.hint.Load())), max(len(frame), chunkSize)))
			o.data.append(c)
		}
		c.buf.B = append(c.buf.B, frame...)
		c.add(entry{id: o.number(nil), at: at, size: int32(len(frame))})
		room -= len(frame)
		o.gauge() // it becomes congested, and nobody who waits is told of that
		n++
	}
	return n, nil
}
