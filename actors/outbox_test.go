package actors

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/hawser-go/hawser/transport"
)

func TestOutboxKeepsOrder(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	var want []byte
	for i := range 2000 { // many chunks
		n := i * 7 % 300
		id := b.put(n)
		want = append(want, frameOf(id, n)...)
	}
	b.put(chunkSize + 1) // larger than a chunk
	want = append(want, frameOf(2001, chunkSize+1)...)
	b.put(1)
	want = append(want, frameOf(2002, 1)...)
	if got := b.writeAll(); !bytes.Equal(got, want) {
		t.Error("other bytes left than were accepted")
	}
	if !slices.Equal(b.order, ids(1, 2002)) {
		t.Error("written in another order")
	}
	b.balanced()
}

func TestOutboxCollectsSmallMessagesIntoOneWrite(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	for range 1000 {
		b.put(50)
	}
	writes := 0
	for c := b.take(); c != nil; c = b.take() {
		if n := len(c.unsent()); n > chunkSize {
			t.Errorf("a write of %d bytes", n)
		}
		writes++
		b.writes(c, len(c.unsent()))
	}
	if writes > 4 {
		t.Errorf("%d writes for 52000 bytes", writes)
	}
}

func TestAMessageDuringAWriteGoesBehindIt(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	b.put(10)
	c := b.take()
	before := len(c.unsent())
	b.put(10)
	if len(c.unsent()) != before {
		t.Error("the chunk grows while the writer has it")
	}
	b.writes(c, before)
	if got := b.writeAll(); !bytes.Equal(got, frameOf(2, 10)) {
		t.Errorf("then left %x", got)
	}
}

func TestClientsFramesAreMaskedOnce(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	b.masked = true
	b.put(20, 200)
	c := b.take()
	c.seal(true)
	sealed := bytes.Clone(c.unsent())
	b.giveBack(c, 0)
	c = b.take()
	c.seal(true)
	if !bytes.Equal(c.unsent(), sealed) {
		t.Error("a frame that was sealed was sealed again")
	}
	if bytes.Contains(sealed, body(1, 20)) {
		t.Error("the payload is not masked")
	}
	b.writes(c, len(sealed))
	b.ended(Written, 0, 1, 2)
}

func TestOutboxRefuses(t *testing.T) {
	var tooBig *MessageTooBigError
	isTooBig := func(err error) bool { return errors.As(err, &tooBig) }
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	tests := []struct {
		name   string
		limits OutboxLimits
		make   func(*outboxBench)
		size   int
		want   func(error) bool
	}{
		{"too many messages", OutboxLimits{Messages: 3}, func(b *outboxBench) { b.put(1, 1, 1) }, 1, is(ErrOutboxFull)},
		{"too many bytes", OutboxLimits{Bytes: 36}, func(b *outboxBench) { b.put(10, 10) }, 11, is(ErrOutboxFull)},
		{"just enough bytes", OutboxLimits{Bytes: 36}, func(b *outboxBench) { b.put(10, 10) }, 10, is(nil)},
		{"too many, some of them at the writer", OutboxLimits{Messages: 3}, func(b *outboxBench) { b.put(1, 1, 1); b.take() }, 1, is(ErrOutboxFull)},
		{"set-up messages take no room", OutboxLimits{Messages: 1, Bytes: 3}, func(b *outboxBench) { _, _ = b.add(transport.Text, nil, b.epoch) }, 1, is(nil)},
		{"a message that could never leave", OutboxLimits{Bytes: 36}, func(*outboxBench) {}, 35, isTooBig},
		{"the largest that can", OutboxLimits{Bytes: 36}, func(*outboxBench) {}, 34, is(nil)},
		{"no bounds", OutboxLimits{Messages: -1, Bytes: -1}, func(b *outboxBench) { b.put(1<<20, 1<<20) }, 1 << 20, is(nil)},
		{"refusing", OutboxLimits{}, func(b *outboxBench) { b.refuse(errLost) }, 1, is(errLost)},
		{"refusing, with others that wait", OutboxLimits{}, func(b *outboxBench) { b.put(1, 1); b.refuse(errLost) }, 1, is(errLost)},
		{"closed", OutboxLimits{}, func(b *outboxBench) { b.close(errLost) }, 1, is(errLost)},
		{"closed after it refused", OutboxLimits{}, func(b *outboxBench) { b.refuse(errLost); b.close(ErrStopped) }, 1, is(errLost)},
		{"closed says why before it is full", OutboxLimits{Messages: 1}, func(b *outboxBench) { b.put(1); b.refuse(errLost) }, 1, is(errLost)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newOutboxBench(t, test.limits)
			test.make(b)
			before := b.nextID
			id, err := b.add(transport.Binary, make([]byte, test.size), 0)
			if !test.want(err) {
				t.Errorf("got %v", err)
			}
			if err != nil && (id != 0 || b.nextID != before) {
				t.Errorf("a refused message has the number %d", id)
			}
			b.balanced()
		})
	}
}

func TestRoomComesBackWithTheOutcome(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{Messages: 2, Bytes: 24})
	for range 100 {
		b.put(10, 10)
		b.writeAll()
	}
	b.balanced()
}

// Whatever part of a chunk a socket took before it died: what is gone is written,
// what was begun is unknown, the rest goes to the next socket unharmed.
func TestAWriteMayEndAtEveryByte(t *testing.T) {
	sizes := []int{0, 1, 125, 126, 7}
	var ends []int // of the frames
	var all []byte
	for i, n := range sizes {
		all = append(all, frameOf(uint64(i)+1, n)...)
		ends = append(ends, len(all))
	}
	for _, window := range []int{0, 1, 2, 3, 100, 1 << 20} {
		for taken := range len(all) + 1 {
			for _, first := range []int{0, taken / 2, taken} { // in one write or two
				var written, unknown, left []uint64
				start := 0
				for i, end := range ends {
					switch id := uint64(i) + 1; {
					case end <= taken:
						written = append(written, id)
					case start < taken+window:
						unknown = append(unknown, id)
					default:
						left = append(left, id)
					}
					start = end
				}
				b := newOutboxBench(t, OutboxLimits{})
				b.put(sizes...)
				c := b.take()
				over := b.writes(c, first)
				if !over {
					over = b.writes(c, taken-first)
				}
				if over != (taken == len(all)) {
					t.Fatalf("%d bytes: over is %v", taken, over)
				}
				if !over {
					b.giveBack(c, window)
				}
				b.ended(Written, 0, written...)
				b.ended(Unknown, 0, unknown...)
				if got := b.waiting(); !slices.Equal(got, left) {
					t.Errorf("%v wait; want %v", got, left)
				}
				b.balanced()
				var rest []byte
				for _, id := range left {
					rest = append(rest, frameOf(id, sizes[id-1])...)
				}
				if got := b.writeAll(); !bytes.Equal(got, rest) {
					t.Errorf("the next socket gets %x; want %x", got, rest)
				}
				b.balanced()
				if t.Failed() {
					t.Fatalf("%d bytes, the first %d in a write of their own, window %d", taken, first, window)
				}
			}
		}
	}
}
