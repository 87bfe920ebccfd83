package actors

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

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
		b.wrote(c, len(c.unsent()))
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
	b.wrote(c, before)
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
	b.wrote(c, len(sealed))
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
		{"too many, set-up included", OutboxLimits{Messages: 1}, func(b *outboxBench) { _, _ = b.add(transport.Text, nil, true) }, 1, is(ErrOutboxFull)},
		{"a message that could never leave", OutboxLimits{Bytes: 36}, func(*outboxBench) {}, 35, isTooBig},
		{"the largest that can", OutboxLimits{Bytes: 36}, func(*outboxBench) {}, 34, is(nil)},
		{"no bounds", OutboxLimits{Messages: -1, Bytes: -1}, func(b *outboxBench) { b.put(1<<20, 1<<20) }, 1 << 20, is(nil)},
		{"refusing", OutboxLimits{}, func(b *outboxBench) { b.refuse(errLost) }, 1, is(errLost)},
		{"closed", OutboxLimits{}, func(b *outboxBench) { b.close(errLost) }, 1, is(errLost)},
		{"closed after it refused", OutboxLimits{}, func(b *outboxBench) { b.refuse(errLost); b.close(ErrStopped) }, 1, is(errLost)},
		{"closed says why before it is full", OutboxLimits{Messages: 1}, func(b *outboxBench) { b.put(1); b.refuse(errLost) }, 1, is(errLost)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newOutboxBench(t, test.limits)
			test.make(b)
			before := b.nextID
			id, err := b.add(transport.Binary, make([]byte, test.size), false)
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
				over := b.wrote(c, first)
				if !over {
					over = b.wrote(c, taken-first)
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

func TestExpiredMessagesAreDropped(t *testing.T) {
	now := time.Now()
	b := newOutboxBench(t, OutboxLimits{Age: time.Minute})
	b.put(1, 2, 3, 4)
	b.age(now, 0, time.Minute)
	b.age(now, 2, 10*time.Second)
	next := b.expire(now)
	b.ended(Dropped, Expired, 1, 2)
	if want := now.Add(50 * time.Second); !next.Equal(want) {
		t.Errorf("next at %s; want %s", next.Sub(now), want.Sub(now))
	}
	b.expire(next.Add(-1))
	b.ended(Dropped, Expired, 1, 2)
	if next = b.expire(next); !next.IsZero() {
		t.Errorf("next at %s though none waits", next.Sub(now))
	}
	b.ended(Dropped, Expired, 1, 2, 3, 4)
	b.balanced()
}

func TestExpiryCrossesChunks(t *testing.T) {
	now := time.Now()
	b := newOutboxBench(t, OutboxLimits{Age: time.Minute})
	for range 100 {
		b.put(5000)
	}
	b.age(now, 0, time.Hour)
	b.age(now, 60, time.Second)
	b.expire(now)
	b.ended(Dropped, Expired, ids(1, 60)...)
	b.balanced()
	b.writeAll()
	if !slices.Equal(b.order, ids(61, 100)) {
		t.Errorf("then left %v", b.order)
	}
}

// Of what remains of a chunk that had expired messages, each byte is right.
func TestAfterExpiryTheRestLeavesWhole(t *testing.T) {
	now := time.Now()
	b := newOutboxBench(t, OutboxLimits{Age: time.Minute})
	b.put(1, 2, 3)
	b.age(now, 0, time.Hour)
	b.age(now, 1, 0)
	b.expire(now)
	want := append(frameOf(2, 2), frameOf(3, 3)...)
	if got := b.writeAll(); !bytes.Equal(got, want) {
		t.Errorf("left %x; want %x", got, want)
	}
}

func TestWhatTheWriterHasDoesNotExpire(t *testing.T) {
	now := time.Now()
	b := newOutboxBench(t, OutboxLimits{Age: time.Minute})
	b.put(10, 10)
	b.age(now, 0, time.Hour)
	c := b.take()
	b.wrote(c, 3)
	b.expire(now)
	b.ended(Dropped, Expired)
	b.giveBack(c, 0)
	b.ended(Unknown, 0, 1)
	b.expire(now)
	b.ended(Dropped, Expired, 2)
	b.balanced()
}

func TestWithoutAnAgeNothingExpires(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	b.put(1)
	if next := b.expire(time.Now().Add(1000 * time.Hour)); !next.IsZero() {
		t.Errorf("next at %s", next)
	}
	b.ended(Dropped, Expired)
}

func TestHeldDataWaits(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	b.hold(true)
	b.put(1)
	if b.pending() || b.take() != nil {
		t.Error("held data can be taken")
	}
	b.hold(false)
	if !b.pending() {
		t.Error("nothing to write after the hold")
	}
	if got := b.writeAll(); !bytes.Equal(got, frameOf(1, 1)) {
		t.Errorf("left %x", got)
	}
	if b.pending() {
		t.Error("something to write in an empty outbox")
	}
}

func (b *outboxBench) putSetup(n int) uint64 {
	b.t.Helper()
	id, err := b.add(transport.Binary, body(b.nextID+1, n), true)
	if err != nil {
		b.t.Fatalf("set-up message: %v", err)
	}
	return id
}

func TestSetupMessagesGoAheadOfHeldData(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	b.hold(true)
	b.put(10) // 1
	b.putSetup(20)
	b.putSetup(30)
	want := append(frameOf(2, 20), frameOf(3, 30)...)
	if got := b.writeAll(); !bytes.Equal(got, want) {
		t.Errorf("left %x; want the set-up messages alone", got)
	}
	b.hold(false)
	b.putSetup(5) // 4
	b.writeAll()
	if !slices.Equal(b.order, []uint64{2, 3, 4, 1}) {
		t.Errorf("order %v", b.order)
	}
	b.balanced()
}

func TestSetupMessagesOfAnIncarnationEndWithIt(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	b.put(1)
	b.putSetup(1)
	b.putSetup(1)
	b.clearSetup()
	b.ended(Dropped, Superseded, 2, 3)
	if got := b.writeAll(); !bytes.Equal(got, frameOf(1, 1)) {
		t.Errorf("left %x; want the data", got)
	}
	b.balanced()
}

// The session drops the set-up messages when it hears of a failure; the writer of
// that connection learns of it later and may have one of them in its hands.
func TestSetupMessageAtTheWriterIsNotPulledAway(t *testing.T) {
	for _, taken := range []int{0, 3, 12} {
		b := newOutboxBench(t, OutboxLimits{})
		b.put(1)
		b.putSetup(10)
		b.putSetup(10)
		c := b.take()
		b.clearSetup()
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Fatalf("%d bytes taken: %v", taken, r)
				}
			}()
			b.wrote(c, taken)
			b.giveBack(c, 0)
		}()
		if got := b.waiting(); !slices.Equal(got, []uint64{1}) {
			t.Fatalf("%d bytes taken: %v wait; want the data alone", taken, got)
		}
		b.balanced()
	}
}

func TestCloseDropsWhatWaits(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	b.put(1, 2)
	b.putSetup(3)
	b.close(ErrStopped)
	b.ended(Dropped, Closed, 1, 2, 3)
	b.balanced()
	if b.take() != nil {
		t.Error("a closed outbox has something")
	}
}

func TestRefusingOutboxStillEmpties(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	b.put(1, 2)
	b.refuse(ErrStopped)
	b.writeAll()
	b.ended(Written, 0, 1, 2)
}

func TestEmptiedTellsWhenTheLastMessageHasItsOutcome(t *testing.T) {
	isClosed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	ways := map[string]func(*outboxBench){
		"written":    func(b *outboxBench) { b.writeAll() },
		"unknown":    func(b *outboxBench) { c := b.take(); b.giveBack(c, 1<<20) },
		"expired":    func(b *outboxBench) { b.expire(time.Now().Add(time.Hour)) },
		"closed":     func(b *outboxBench) { b.close(ErrStopped) },
		"rejected":   func(b *outboxBench) { rejectAll(b) },
		"superseded": func(b *outboxBench) { b.writeAll(); b.putSetup(1); b.clearSetup() },
	}
	for name, end := range ways {
		b := newOutboxBench(t, OutboxLimits{Age: time.Minute})
		if !isClosed(b.emptied()) {
			t.Errorf("%s: a new outbox is not empty", name)
		}
		b.put(1, 2)
		first, second := b.emptied(), b.emptied()
		if isClosed(first) {
			t.Errorf("%s: empty with two messages", name)
		}
		end(b)
		if !isClosed(first) || !isClosed(second) || !isClosed(b.emptied()) {
			t.Errorf("%s: who waits is not told", name)
		}
	}
}

// rejectAll is a middleware that lets nothing pass.
func rejectAll(b *outboxBench) {
	c := b.take()
	var dropped []Outcome
	for _, e := range c.entries[c.first:] {
		dropped = append(dropped, Outcome{ID: e.id, Result: Dropped, Reason: Rejected})
	}
	if !b.swap(c, transport.NewBuffer(0), nil, dropped) {
		b.t.Errorf("a chunk without messages is not over")
	}
}

func TestSwapPutsOtherFramesInTheirPlace(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	b.put(10, 10, 10)
	c := b.take()
	buf := transport.NewBuffer(100)
	buf.B = append(append(buf.B, frameOf(7, 3)...), frameOf(8, 50)...)
	kept := []entry{{id: 1, size: 5}, {id: 3, size: 52}}
	if b.swap(c, buf, kept, []Outcome{{ID: 2, Result: Dropped, Reason: Rejected}}) {
		t.Fatal("over with two messages left")
	}
	b.ended(Dropped, Rejected, 2)
	b.balanced()
	b.put(1)
	b.wrote(c, 5+1)
	b.ended(Written, 0, 1)
	b.giveBack(c, 0)
	b.ended(Unknown, 0, 3)
	if got := b.writeAll(); !bytes.Equal(got, frameOf(4, 1)) {
		t.Errorf("then left %x", got)
	}
	b.balanced()
}

func TestMessageTooBigNamesTheNumbers(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{Bytes: 100})
	_, err := b.add(transport.Text, make([]byte, 1000), false)
	var tooBig *MessageTooBigError
	if !errors.As(err, &tooBig) || tooBig.Size != 1000 || tooBig.Limit != 100 {
		t.Errorf("got %+v", err)
	}
}

func TestOutboxDefaults(t *testing.T) {
	got := OutboxLimits{}.withDefaults(4<<20, 15*time.Second)
	if want := (OutboxLimits{Messages: 1 << 16, Bytes: 4 << 20, Age: 15 * time.Second}); got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
	off := OutboxLimits{Messages: -1, Bytes: -1, Age: -1}
	if got := off.withDefaults(1, 1); got != off {
		t.Errorf("got %+v; want it unchanged", got)
	}
}
