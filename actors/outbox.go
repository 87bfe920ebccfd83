package actors

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// outbox holds accepted messages, already framed, until a writer takes them. It
// belongs to the stable plane: on a client it outlives every socket, and what a
// dead socket did not take goes to the next one, in order.
//
// It is safe for concurrent use. One writer at a time takes from it.
type outbox struct {
	mu      sync.Mutex
	limits  OutboxLimits
	ledger  *ledger
	settled func([]Outcome) // may be nil; called without the lock
	masked  bool            // a client's frames are masked (RFC 6455 §5.3)
	held    bool            // data waits: only set-up messages may leave
	end     error           // why nothing is accepted any more
	setup   lane            // of the current epoch: auth, resubscribe
	data    lane
	count   int // messages without an outcome
	bytes   int // their bytes
	nextID  uint64
	epoch   uint64        // of the connection that is being set up; 0: none is
	empties chan struct{} // closed when nothing is left; nil while nobody waits
	hint    atomic.Int32  // how many bytes of replies the current turn may bring
}

// add accepts a message, or says why not. A set-up message names the epoch that it
// belongs to and goes into the lane ahead of the data; others have epoch 0.
func (o *outbox) add(kind transport.Kind, payload []byte, epoch uint64) (uint64, error) {
	size := transport.HeaderSize(len(payload), o.masked) + len(payload)
	var at int64
	if o.limits.Age > 0 {
		at = time.Now().UnixNano()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case kind != transport.Text && kind != transport.Binary:
		return 0, ErrInvalidKind
	case o.end != nil:
		return 0, o.end
	case epoch != 0 && epoch != o.epoch:
		return 0, ErrStopped // the connection that was set up is gone
	case o.limits.Bytes > 0 && size > o.limits.Bytes || size > maxFrame:
		return 0, &MessageTooBigError{Size: size, Limit: pick(o.limits.Bytes > 0, o.limits.Bytes, maxFrame)}
	case o.limits.Bytes > 0 && o.bytes+size > o.limits.Bytes, o.limits.Messages > 0 && o.count >= o.limits.Messages:
		return 0, ErrOutboxFull
	}
	to := &o.data
	if epoch != 0 {
		to = &o.setup
	}
	c := o.tail(to, size)
	c.buf.B = transport.AppendFrame(c.buf.B, byte(kind), payload, o.masked)
	o.nextID++
	c.entries = append(c.entries, entry{id: o.nextID, at: at, size: int32(size)})
	o.count++
	o.bytes += size
	o.ledger.accepted.Add(1)
	o.ledger.inFlight.Add(1)
	return o.nextID, nil
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
// until finish or giveBack.
func (o *outbox) take() *chunk {
	o.mu.Lock()
	defer o.mu.Unlock()
	from := o.ready()
	if from == nil {
		return nil
	}
	from.head.taken = true
	return from.head
}

// ready is the lane to take from, or nil: set-up messages go first.
func (o *outbox) ready() *lane {
	switch {
	case !o.setup.empty():
		return &o.setup
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

// size returns how many messages and bytes wait.
func (o *outbox) size() (messages, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.count, o.bytes
}

// wrote says that the socket took n more bytes of c. Messages of which all bytes
// are gone are written. When it was the last one the chunk leaves the outbox and
// must not be used any more; then over is true. The caller tells the outcomes.
func (o *outbox) wrote(c *chunk, n int) (done []Outcome, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.sent += n
	before := c.first
	for c.first < len(c.entries) && c.off+int(c.entries[c.first].size) <= c.sent {
		e := c.drop()
		o.leave(e)
		if o.settled != nil {
			done = append(done, Outcome{ID: e.id, Result: Written})
		}
	}
	if k := c.first - before; k > 0 {
		o.ledger.settle(Written, 0, uint64(k))
	}
	if over = c.left() == 0; over {
		o.remove(c)
	}
	return done, over
}

// giveBack is called when the socket died. Of the chunk that the writer had, the
// messages of which window bytes behind the sent ones may have been handed over
// have an unknown outcome; the others wait for the next writer.
func (o *outbox) giveBack(c *chunk, window int) {
	var done []Outcome
	o.mu.Lock()
	touched := c.sent + window
	for c.left() > 0 && c.off < touched {
		done = o.settle(done, c.drop(), Unknown, 0)
	}
	c.sent, c.taken = c.off, false
	if c.left() == 0 {
		o.remove(c)
	}
	o.mu.Unlock()
	o.tell(done)
}

// swap puts the frames that a middleware made of c in its place. kept are the
// entries that are still there, dropped those that are not.
func (o *outbox) swap(c *chunk, buf *transport.Buffer, kept []entry, dropped []Outcome) bool {
	o.mu.Lock()
	o.bytes += len(buf.B) - (len(c.buf.B) - c.off)
	c.buf.Release()
	c.buf, c.off, c.sent, c.first = buf, 0, 0, 0
	c.entries = append(c.entries[:0], kept...)
	for _, d := range dropped {
		o.less()
		o.ledger.settle(d.Result, d.Reason, 1)
	}
	over := c.left() == 0
	if over {
		o.remove(c)
	}
	o.mu.Unlock()
	o.tell(dropped)
	return over
}

// hold keeps data back, or lets it go.
func (o *outbox) hold(on bool) {
	o.mu.Lock()
	o.held = on
	o.mu.Unlock()
}

// openSetup holds the data back and takes set-up messages of that epoch.
func (o *outbox) openSetup(epoch uint64) {
	o.mu.Lock()
	o.held, o.epoch = true, epoch
	o.mu.Unlock()
}

// clearSetup drops what is left of an incarnation's set-up messages: the next
// one makes its own. No more come until openSetup.
func (o *outbox) clearSetup() {
	o.mu.Lock()
	o.epoch = 0
	rest := o.setup
	o.setup = lane{}
	if c := rest.head; c != nil && c.taken { // the writer has it, and gives it back itself
		rest.head, c.next = c.next, nil
		o.setup.append(c)
	}
	done := o.empty(&rest, Superseded)
	o.mu.Unlock()
	o.tell(done)
}

// expire drops the messages that are too old at now, and returns when the next
// one will be; zero if none waits.
func (o *outbox) expire(now time.Time) (next time.Time) {
	if o.limits.Age <= 0 {
		return time.Time{}
	}
	var done []Outcome
	o.mu.Lock()
	oldest := now.Add(-o.limits.Age).UnixNano()
	for c := o.data.head; c != nil && !c.taken; c = o.data.head {
		for c.left() > 0 && c.entries[c.first].at <= oldest {
			done = o.settle(done, c.drop(), Dropped, Expired)
			c.sent = c.off
		}
		if c.left() > 0 {
			next = time.Unix(0, c.entries[c.first].at).Add(o.limits.Age)
			break
		}
		o.data.shift()
	}
	o.mu.Unlock()
	o.tell(done)
	return next
}

// dropBound drops what waits and is bound to an identity that has changed.
func (o *outbox) dropBound() {}

// refuse makes the outbox accept no more; what it has may still leave.
func (o *outbox) refuse(why error) {
	o.mu.Lock()
	if o.end == nil {
		o.end = why
	}
	o.mu.Unlock()
}

// close makes the outbox accept no more and drops what it has. Nobody may be
// writing from it.
func (o *outbox) close(why error) {
	o.mu.Lock()
	if o.end == nil {
		o.end = why
	}
	done := o.empty(&o.setup, Closed)
	done = append(done, o.empty(&o.data, Closed)...)
	o.mu.Unlock()
	o.tell(done)
}

// empty drops all messages of a lane; o is locked.
func (o *outbox) empty(from *lane, reason Reason) (done []Outcome) {
	for c := from.head; c != nil; c = from.head {
		for c.left() > 0 {
			done = o.settle(done, c.drop(), Dropped, reason)
		}
		from.shift()
	}
	return done
}

// settle gives a message its outcome; o is locked.
func (o *outbox) settle(done []Outcome, e entry, result Result, reason Reason) []Outcome {
	o.leave(e)
	o.ledger.settle(result, reason, 1)
	if o.settled != nil {
		done = append(done, Outcome{ID: e.id, Result: result, Reason: reason})
	}
	return done
}

func (o *outbox) leave(e entry) {
	o.bytes -= int(e.size)
	o.less()
}

// less counts a message that has its outcome; o is locked.
func (o *outbox) less() {
	if o.count--; o.count == 0 && o.empties != nil {
		close(o.empties)
		o.empties = nil
	}
}

// emptied returns a channel that is closed when no message is left.
func (o *outbox) emptied() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.empties == nil {
		o.empties = make(chan struct{})
	}
	c := o.empties
	if o.count == 0 {
		close(c)
		o.empties = nil
	}
	return c
}

// remove takes the chunk that the writer had out of its lane; o is locked.
func (o *outbox) remove(c *chunk) {
	if o.setup.head == c {
		o.setup.shift()
	} else {
		o.data.shift()
	}
}

func (o *outbox) tell(done []Outcome) {
	if len(done) > 0 && o.settled != nil {
		o.settled(done)
	}
}
