package actors

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hawser-go/hawser/transport"
)

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
	c := b.take()
	b.age(now, 0, time.Hour)
	b.writes(c, 3)
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
	id, err := b.add(transport.Binary, body(b.nextID+1, n), b.epoch)
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

// A writer may still have some of them in its hands: those stay until it has given
// them back.
func TestSetupMessageAtTheWriterIsNotPulledAway(t *testing.T) {
	for _, taken := range []int{0, 3, 12, 24} {
		b := newOutboxBench(t, OutboxLimits{})
		b.put(1) // 1
		b.putSetup(10)
		b.putSetup(10)
		c := b.take()
		b.putSetup(10) // 4: behind what the writer has
		b.clearSetup()
		b.ended(Dropped, Superseded, 4)
		if got := b.waiting(); !slices.Equal(got, []uint64{2, 3, 1}) {
			t.Fatalf("%d bytes taken: %v wait; want also what the writer has", taken, got)
		}
		b.balanced()
		if !b.writes(c, taken) {
			b.giveBack(c, 0)
		}
		b.clearSetup()
		if got := b.waiting(); !slices.Equal(got, []uint64{1}) {
			t.Fatalf("%d bytes taken: %v wait; want the data alone", taken, got)
		}
		b.balanced()
		if got := b.writeAll(); !bytes.Equal(got, frameOf(1, 1)) {
			t.Errorf("%d bytes taken: then left %x", taken, got)
		}
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
	b.writes(c, 5+1)
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
	_, err := b.add(transport.Text, make([]byte, 1000), 0)
	var tooBig *MessageTooBigError
	if !errors.As(err, &tooBig) || tooBig.Size != 1004 || tooBig.Limit != 100 {
		t.Errorf("got %+v", err)
	}
}

func TestOutboxDefaults(t *testing.T) {
	got := OutboxLimits{}.withDefaults(4<<20, 15*time.Second, RejectNewest)
	if want := (OutboxLimits{Messages: 1 << 16, Bytes: 4 << 20, Age: 15 * time.Second, Overflow: RejectNewest, HighWater: 2 << 20, LowWater: 1 << 20, AckTimeout: 30 * time.Second}); got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
	off := OutboxLimits{Messages: -1, Bytes: -1, Age: -1, Overflow: Block, AckTimeout: -1}
	if got := off.withDefaults(1, 1, CloseSlow); got != off {
		t.Errorf("got %+v; want it unchanged", got)
	}
}
