package actors

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// setupLimit is how many bytes of set-up messages wait at most. They have no
// share in the room of the data: it may be full of what is held until they are
// through.
const setupLimit = 4 << 20

// outbox holds accepted messages, already framed, until a writer takes them. It
// belongs to the stable plane: on a client it outlives every socket, and what a
// dead socket did not take goes to the next one, in order.
//
// It is safe for concurrent use. One writer at a time takes from it.
type outbox struct {
	mu        sync.Mutex
	limits    *OutboxLimits // shared by all connections of a server
	ledger    *ledger
	settled   func([]Outcome) // may be nil; called without the lock
	due       func()          // expire is to be called, earlier than it said; may be nil; called without the lock
	armed     int64           // when expire will be called at the latest, ns; 0: nobody knows of a reason
	hint      atomic.Int32    // how many bytes of replies the current turn may bring
	masked    bool            // a client's frames are masked (RFC 6455 §5.3)
	held      bool            // not ready: only set-up messages may leave
	congested bool            // more than HighWater waited, and not less than LowWater since
	end       error           // why nothing is accepted any more
	setup     *lane           // of the current epoch: auth, resubscribe; nil: there was never one
	data      lane
	count     int // messages without an outcome: those in the lanes, and those that wait for their ack
	nextID    uint64
	epoch     uint64   // of the connection whose set-up messages are taken; 0: there is none
	letters   *letters // what is not plain; nil until there is some
}

// noSetup is the set-up of those who never had one.
var noSetup lane

// first is the lane of the set-up messages, to look at.
func (o *outbox) first() *lane {
	if o.setup == nil {
		return &noSetup
	}
	return o.setup
}

// add accepts a plain message, or says why not. A set-up message names the epoch
// that it belongs to and goes into the lane ahead of the data; others have epoch 0.
func (o *outbox) add(kind transport.Kind, payload []byte, epoch uint64) (uint64, error) {
	return o.put(kind, payload, epoch, o.clock(), false)
}

// reply is add within a turn, behind which Conn.flush follows: a hundred replies to what
// one read has brought need the clock but once.
func (o *outbox) reply(kind transport.Kind, payload []byte) (uint64, error) {
	return o.put(kind, payload, 0, 0, true)
}

// clock is now, if anybody wants to know.
func (o *outbox) clock() int64 {
	if o.limits.Age > 0 {
		return nanos()
	}
	return 0
}

func (o *outbox) put(kind transport.Kind, payload []byte, epoch uint64, at int64, turn bool) (uint64, error) {
	size := o.frameSize(payload)
	o.mu.Lock()
	if c := o.data.tail; c != nil && epoch == 0 && c.fits(size) && o.plain(kind, size) {
		if turn {
			if c.turn == 0 {
				c.turn = o.clock()
			}
			at = c.turn
		}
		c.buf.B = transport.AppendFrame(c.buf.B, byte(kind), payload, o.masked)
		id := o.number(nil)
		c.entries = append(c.entries, entry{id: id, at: at, size: int32(size)})
		o.data.grow(1, size)
		o.congested = o.congested || o.limits.HighWater > 0 && o.data.bytes > o.limits.HighWater
		o.mu.Unlock()
		return id, nil
	}
	if turn {
		at = o.clock()
	}
	done, err := o.accept(kind, payload, epoch, at, nil)
	id := o.nextID
	o.unlock()
	o.tell(done)
	if err != nil {
		return 0, err
	}
	return id, nil
}

// addFrame accepts a plain message whose frame is made already, for a server's
// connection. room is how many bytes more are about to follow.
func (o *outbox) addFrame(frame []byte, room int) (uint64, error) {
	at := o.clock()
	kind, size := transport.Kind(frame[0]&opBits), len(frame)
	o.mu.Lock()
	defer o.unlock()
	if !o.plain(kind, size) {
		return 0, errNotPlain
	}
	c := o.data.tail
	if c == nil || !c.fits(size) {
		c = newChunk(min(max(size+room, int(o.hint.Load())), max(size, chunkSize)))
		o.data.append(c)
	}
	c.buf.B = append(c.buf.B, frame...)
	c.add(entry{id: o.number(nil), at: at, size: int32(size)})
	return o.nextID, nil
}

// adopt accepts a plain message whose frame has a buffer of its own, which becomes the
// outbox' if ok.
func (o *outbox) adopt(frame *transport.Buffer) (id uint64, ok bool) {
	at := o.clock()
	kind, size := transport.Kind(frame.B[0]&opBits), len(frame.B)
	o.mu.Lock()
	defer o.unlock()
	if !o.plain(kind, size) {
		return 0, false
	}
	c := chunkOf(frame)
	o.data.append(c)
	c.add(entry{id: o.number(nil), at: at, size: int32(size)})
	return o.nextID, true
}

// errNotPlain says that a message needs more thought.
var errNotPlain = errors.New("actors: not plain")

// opBits are those of the first byte of a frame that hold its opcode (RFC 6455 §5.2).
const opBits = 0x0f

// plain reports whether a message may go the short way, behind another one that
// waits: that one expires first, so nobody is to be told. o is locked.
func (o *outbox) plain(kind transport.Kind, size int) bool {
	return (kind == transport.Text || kind == transport.Binary) && o.end == nil && !o.behind(nil) &&
		o.limits.allow(o.count-o.first().count, o.data.bytes+size)
}

// accept takes a message, the latest then; l is what is special about it, or nil.
// By the policy others may have to go for it, or it goes itself: done says so.
// o is locked.
func (o *outbox) accept(kind transport.Kind, payload []byte, epoch uint64, at int64, l *letter) (done []Outcome, err error) {
	size := o.frameSize(payload)
	to, limit := &o.data, o.limits.Bytes
	if epoch != 0 {
		to, limit = o.setup, setupLimit
	}
	switch {
	case kind != transport.Text && kind != transport.Binary:
		return nil, ErrInvalidKind
	case o.end != nil:
		return nil, o.end
	case epoch != 0 && (epoch != o.epoch || to == nil):
		return nil, ErrStopped // the connection that was set up is gone
	case limit > 0 && size > limit || size > maxFrame:
		return nil, &MessageTooBigError{Size: size, Limit: pick(limit > 0, limit, maxFrame)}
	}
	if reason, unwanted := o.unwanted(l); unwanted {
		return o.pass(l, reason), nil
	}
	switch {
	case epoch != 0:
		if o.setup.bytes+size > setupLimit {
			return nil, ErrOutboxFull
		}
	case o.behind(l):
		return nil, ErrOutboxFull
	case !o.fits(size, l):
		var ok bool
		switch o.limits.Overflow {
		case DropNewest:
			return o.pass(l, Overflow), nil
		case DropOldest:
			done, ok = o.makeRoom(size, l)
		}
		if !ok {
			return nil, ErrOutboxFull
		}
	}
	if old := o.replaced(l); old != nil {
		done = o.discard(done, old, Superseded)
	}
	c := o.tail(to, size)
	c.buf.B = transport.AppendFrame(c.buf.B, byte(kind), payload, o.masked)
	c.add(entry{id: o.number(l), at: at, letter: l, size: int32(size)})
	if l != nil {
		o.letters.enter(l, c, at)
	}
	return done, nil
}

// number gives the next message its number, and counts it; o is locked.
func (o *outbox) number(l *letter) uint64 {
	o.nextID++
	if l != nil {
		l.id = o.nextID
	}
	o.count++
	o.ledger.accepted.Add(1)
	o.ledger.inFlight.Add(1)
	return o.nextID
}

func (o *outbox) frameSize(payload []byte) int {
	return transport.HeaderSize(len(payload), o.masked) + len(payload)
}

// takes reports why a message can never be accepted.
func (o *outbox) takes(m transport.Message) error {
	size := transport.HeaderSize(len(m.Payload), o.masked) + len(m.Payload)
	if o.limits.Bytes > 0 && size > o.limits.Bytes || size > maxFrame {
		return &MessageTooBigError{Size: size, Limit: pick(o.limits.Bytes > 0, o.limits.Bytes, maxFrame)}
	}
	return sendable(m)
}

// tail returns the chunk to which a frame of size bytes is appended.
func (o *outbox) tail(to *lane, size int) *chunk {
	room := max(size, int(o.hint.Load()))
	if last := to.tail; last != nil {
		if last.fits(size) {
			return last
		}
		room = max(room, min(4*cap(last.buf.B), chunkSize))
	}
	c := newChunk(room)
	to.append(c)
	return c
}

// take returns the next chunk for the writer, or nil. It stays in the outbox
// until finish or giveBack. What has expired is not in it.
func (o *outbox) take() *chunk {
	for {
		c, done := o.next()
		if len(done) == 0 {
			return c
		}
		o.tell(done) // it is user code: nothing has been taken yet
	}
}

// next takes the next chunk, unless something has expired: that is done first.
func (o *outbox) next() (c *chunk, done []Outcome) {
	o.mu.Lock()
	defer o.unlock()
	if o.limits.Age > 0 || o.letters != nil && len(o.letters.deadlines) > 0 {
		if done = o.overdue(time.Now()); len(done) > 0 {
			return nil, done
		}
	}
	from := o.ready()
	if from == nil {
		return nil, nil
	}
	c = from.head
	if c.dead > 0 {
		c.compact()
	}
	c.taken = true
	if c.special {
		for _, e := range c.entries[c.first:] {
			if e.letter != nil {
				o.letters.deadlines.remove(e.letter)
			}
		}
	}
	return c, nil
}

// ready is the lane to take from, or nil: set-up messages go first.
func (o *outbox) ready() *lane {
	switch {
	case !o.first().empty():
		return o.setup
	case o.held || o.data.empty():
		return nil
	}
	return &o.data
}

// pending reports whether a writer would find something.
func (o *outbox) pending() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ready() != nil
}

// turnOver ends a turn: replies to come read the clock.
func (o *outbox) turnOver() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.data.tail; c != nil {
		c.turn = 0
	}
}

// size returns how many messages and bytes wait.
func (o *outbox) size() (messages, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := o.first()
	return first.count + o.data.count, first.bytes + o.data.bytes
}

// wrote says that the socket took n more bytes of c. Messages of which all bytes
// are gone are written. When it was the last one the chunk leaves the outbox and
// must not be used any more; then over is true. The caller tells the outcomes.
func (o *outbox) wrote(c *chunk, n int) (done []Outcome, over bool) {
	o.mu.Lock()
	defer o.unlock()
	c.sent += n
	before, begin, plain := c.first, c.off, 0
	for c.first < len(c.entries) {
		e := &c.entries[c.first]
		end := c.off + int(e.size)
		if end > c.sent {
			break
		}
		c.off = end
		c.first++
		if e.letter != nil {
			done = o.wroteLetter(done, e.letter)
			continue
		}
		plain++
		if o.settled != nil {
			done = append(done, Outcome{ID: e.id, Result: Written})
		}
	}
	c.lane.grow(before-c.first, begin-c.off)
	if plain > 0 {
		o.ledger.settle(Written, 0, uint64(plain))
		o.less(plain)
	}
	if over = c.live() == 0; over {
		c.lane.remove(c)
	}
	return done, over
}

// giveBack is called when the socket died. Of the chunk that the writer had, the
// messages of which window bytes behind the sent ones may have been handed over
// have an unknown outcome; the others wait for the next writer.
func (o *outbox) giveBack(c *chunk, window int) {
	o.mu.Lock()
	var done []Outcome
	touched := c.sent + window
	for c.live() > 0 && c.off < touched {
		e := c.drop()
		done = o.settle(done, e.letter, Outcome{ID: e.id, Result: Unknown})
	}
	c.taken = false
	if c.special {
		done = o.regain(done, c)
	}
	c.lane.tidy(c)
	o.unlock()
	o.tell(done)
}

// swap puts the frames that a middleware made of c in its place. kept are the
// entries that are still there, dropped those that are not.
func (o *outbox) swap(c *chunk, buf *transport.Buffer, kept []entry, dropped []Outcome) (over bool) {
	o.mu.Lock()
	var done []Outcome
	for _, d := range dropped {
		done = o.settle(done, c.entries[c.find(d.ID)].letter, d)
	}
	c.lane.grow(len(kept)-c.live(), len(buf.B)-c.size())
	c.buf.Release()
	c.buf, c.off, c.sent, c.first = buf, 0, 0, 0
	c.entries = append(c.entries[:0], kept...)
	if over = c.live() == 0; over {
		c.lane.remove(c)
	}
	o.unlock()
	o.tell(done)
	return over
}
