package actors

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// teller is what testing.T and rapid.T have in common.
type teller interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// outboxBench is an outbox of which one sees what becomes of the messages.
type outboxBench struct {
	*outbox
	t        teller
	outcomes map[uint64][]Outcome
	order    []uint64 // the written ones
}

func newOutboxBench(t teller, limits OutboxLimits) *outboxBench {
	b := &outboxBench{t: t, outcomes: map[uint64][]Outcome{}}
	b.outbox = &outbox{limits: &limits, ledger: &ledger{}, epoch: 1, setup: &lane{}}
	var mu sync.Mutex
	b.settled = func(done []Outcome) {
		mu.Lock()
		defer mu.Unlock()
		for _, o := range done {
			b.outcomes[o.ID] = append(b.outcomes[o.ID], o)
			if o.Result == Written {
				b.order = append(b.order, o.ID)
			}
		}
	}
	return b
}

// put adds messages of these sizes and returns the number of the first.
func (b *outboxBench) put(sizes ...int) uint64 {
	b.t.Helper()
	first := b.nextID + 1
	for _, n := range sizes {
		if _, err := b.add(transport.Binary, body(b.nextID+1, n), 0); err != nil {
			b.t.Fatalf("add %d bytes: %v", n, err)
		}
	}
	return first
}

// body is a payload that shows which message it belongs to.
func body(id uint64, n int) []byte { return bytes.Repeat([]byte{byte(id)}, n) }

// frameOf is the frame of a message of put, as a server sends it.
func frameOf(id uint64, n int) []byte {
	return transport.AppendFrame(nil, byte(transport.Binary), body(id, n), false)
}

// ended fails the test unless these messages, and no others, ended like this.
func (b *outboxBench) ended(result Result, reason Reason, want ...uint64) {
	b.t.Helper()
	var got []uint64
	for id, all := range b.outcomes {
		for _, o := range all {
			if o.Result == result && (result != Dropped || o.Reason == reason) {
				got = append(got, id)
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		b.t.Errorf("%s (%s): %v; want %v", result, reason, got, want)
	}
}

// balanced fails the test unless the books and the bounds agree with what waits,
// and nothing is kept of what does not wait any more.
func (b *outboxBench) balanced() {
	b.t.Helper()
	gone := b.tidy()
	waiting, live, memory := 0, 0, 0
	for _, l := range []*lane{b.first(), &b.data} {
		count, size := 0, 0
		for c := l.head; c != nil; c = c.next {
			b.whole(l, c)
			for _, e := range c.entries[c.first:] {
				if !e.dead {
					count++
					size += int(e.size)
				}
			}
			memory += cap(c.buf.B)
		}
		if l.count != count || l.bytes != size {
			b.t.Errorf("counted %d messages and %d bytes; there are %d and %d", l.count, l.bytes, count, size)
		}
		waiting += count
		live += size
	}
	if memory > 8*live+4*(80<<10) {
		b.t.Errorf("%d bytes of memory for %d bytes", memory, live)
	}
	if n, size := b.size(); b.count != waiting+gone || n != waiting || size != live {
		b.t.Errorf("counted %d, of which %d wait with %d bytes; %d do, with %d, and %d for their ack", b.count, n, size, waiting, live, gone)
	}
	books := b.ledger.books()
	if !books.Balanced() || books.InFlight != uint64(waiting+gone) {
		b.t.Errorf("%s, with %d waiting and %d written", books, waiting, gone)
	}
	for id, all := range b.outcomes {
		if len(all) != 1 {
			b.t.Errorf("message %d has the outcomes %v", id, all)
		}
	}
}

// tidy fails the test unless what is known of letters is about those that have no
// outcome. It returns how many wait for their ack.
func (b *outboxBench) tidy() (gone int) {
	b.t.Helper()
	s := b.letters
	if s == nil {
		return 0
	}
	var volatile, bound, timed, acks int
	latest := map[string]*letter{}
	for c := b.data.head; c != nil; c = c.next {
		for _, e := range c.entries[c.first:] {
			l := e.letter
			if l == nil {
				continue
			}
			volatile += oneIf(l.class == Volatile)
			bound += oneIf(l.bound)
			acks += oneIf(l.ack)
			timed += oneIf(l.due > 0 && !c.taken)
			if l.class == KeepLatest {
				latest[l.key] = l
			}
		}
	}
	for id, l := range s.acks {
		gone += oneIf(l.gone)
		if l.id != id || !l.ack {
			b.t.Errorf("message %d is noted as %d", l.id, id)
		}
	}
	for key, l := range s.latest {
		if latest[key] != l {
			b.t.Errorf("%q: noted %v", key, l.id)
		}
	}
	if b.limits.AckTimeout > 0 {
		timed += gone
	}
	if s.volatile != volatile || s.bound != bound || s.gone != gone || len(s.acks) != acks+gone || len(s.deadlines) != timed || len(s.latest) > len(latest) {
		b.t.Errorf("%+v; there are %d volatile, %d bound, %d acks, %d written, %d deadlines, %d keys", s, volatile, bound, acks, gone, timed, len(latest))
	}
	for i, l := range s.deadlines {
		if l.place != i+1 || i > 0 && l.due < s.deadlines[(i-1)/2].due {
			b.t.Errorf("deadline %d is out of place", i)
		}
	}
	return gone
}

func oneIf(is bool) int {
	if is {
		return 1
	}
	return 0
}

// whole fails the test unless a chunk is what chunks are.
func (b *outboxBench) whole(l *lane, c *chunk) {
	b.t.Helper()
	live, size := 0, 0
	var last uint64
	for _, e := range c.entries[c.first:] {
		if e.id <= last {
			b.t.Errorf("message %d behind %d", e.id, last)
		}
		last = e.id
		if e.dead && (c.taken || e.letter != nil) || e.letter != nil && e.letter.chunk != c {
			b.t.Errorf("message %d: dead %v, taken %v, letter %+v", e.id, e.dead, c.taken, e.letter)
		}
		if !e.dead {
			live++
			size += int(e.size)
		}
	}
	switch {
	case live == 0 || c.live() != live || c.size() != size || c.entries[c.first].dead:
		b.t.Errorf("a chunk counts %d and %d; it has %d and %d", c.live(), c.size(), live, size)
	case c.lane != l || c.next == nil && l.tail != c || c.prev == nil && l.head != c || c.next != nil && c.next.prev != c:
		b.t.Errorf("a chunk is not in its place")
	case !c.taken && c.wasteful():
		b.t.Errorf("%d of %d bytes and %d of %d entries are in use", c.size(), len(c.buf.B), c.live(), len(c.entries))
	case c.taken && c.prev != nil, !c.taken && c.sent != c.off:
		b.t.Errorf("taken %v: in front %v, %d bytes sent of %d", c.taken, c.prev == nil, c.sent, c.off)
	}
}

// waiting returns the numbers of the messages without an outcome, in order.
func (b *outboxBench) waiting() (ids []uint64) {
	for _, l := range []*lane{b.first(), &b.data} {
		for c := l.head; c != nil; c = c.next {
			for _, e := range c.entries[c.first:] {
				if !e.dead {
					ids = append(ids, e.id)
				}
			}
		}
	}
	return ids
}

// writeAll writes everything that may leave, and returns it.
func (b *outboxBench) writeAll() (wire []byte) {
	b.t.Helper()
	for c := b.take(); c != nil; c = b.take() {
		p := c.unsent()
		wire = append(wire, p...)
		if !b.writes(c, len(p)) {
			b.t.Fatalf("a chunk is not over although all of it was written")
		}
	}
	return wire
}

// age makes the messages that wait, from the n-th on, that old at now.
func (b *outboxBench) age(now time.Time, from int, by time.Duration) {
	i := 0
	for c := b.data.head; c != nil; c = c.next {
		for e := c.first; e < len(c.entries); e++ {
			if i >= from {
				c.entries[e].at = instant(now.Add(-by))
			}
			i++
		}
	}
}

func ids(from, to uint64) (all []uint64) {
	for id := from; id <= to; id++ {
		all = append(all, id)
	}
	return all
}

func (e entry) String() string { return fmt.Sprintf("%d(%d bytes)", e.id, e.size) }

// writes is wrote and telling, as a writer does it.
func (o *outbox) writes(c *chunk, n int) bool {
	done, over := o.wrote(c, n)
	o.tell(done)
	return over
}
