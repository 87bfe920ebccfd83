package actors

import (
	"bytes"
	"fmt"
	"slices"
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
	b.outbox = &outbox{limits: limits, ledger: &ledger{}, epoch: 1}
	b.settled = func(done []Outcome) {
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

// balanced fails the test unless the books and the bounds agree with what waits.
func (b *outboxBench) balanced() {
	b.t.Helper()
	count, size := 0, 0
	for _, l := range []*lane{&b.setup, &b.data} {
		for c := l.head; c != nil; c = c.next {
			for _, e := range c.entries[c.first:] {
				count++
				size += int(e.size)
			}
		}
	}
	if b.count != count || b.bytes != size {
		b.t.Errorf("counted %d messages and %d bytes; there are %d and %d", b.count, b.bytes, count, size)
	}
	books := b.ledger.books()
	if !books.Balanced() || books.InFlight != uint64(count) {
		b.t.Errorf("%s, with %d waiting", books, count)
	}
	for id, all := range b.outcomes {
		if len(all) != 1 {
			b.t.Errorf("message %d has the outcomes %v", id, all)
		}
	}
}

// waiting returns the numbers of the messages without an outcome, in order.
func (b *outboxBench) waiting() (ids []uint64) {
	for _, l := range []*lane{&b.setup, &b.data} {
		for c := l.head; c != nil; c = c.next {
			for _, e := range c.entries[c.first:] {
				ids = append(ids, e.id)
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
				c.entries[e].at = now.Add(-by).UnixNano()
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
