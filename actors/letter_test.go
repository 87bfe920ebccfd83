package actors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// posted posts a message of n bytes, which must not have to wait.
func (b *outboxBench) posted(n int, m Outgoing) *Receipt {
	b.t.Helper()
	m.Kind, m.Payload = transport.Binary, body(b.nextID+1, n)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := b.post(ctx, &m)
	if err != nil {
		b.t.Fatalf("post %d bytes: %v", n, err)
	}
	return r
}

// memory is what an outbox holds, used or not.
func (b *outboxBench) memory() (n int) {
	for c := b.data.head; c != nil; c = c.next {
		n += cap(c.buf.B) + 32*cap(c.entries)
	}
	return n + 8*cap(b.letters.deadlines)
}

// What is held while nothing leaves depends on what waits, not on what has been.
func TestMemoryIsThatOfWhatWaits(t *testing.T) {
	latest := func(i, keys int) Outgoing { return Outgoing{Class: KeepLatest, Key: fmt.Sprint(i % keys)} }
	for name, post := range map[string]func(b *outboxBench, i int){
		"one key":            func(b *outboxBench, i int) { b.posted(100, latest(i, 1)) },
		"many keys":          func(b *outboxBench, i int) { b.posted(100, latest(i, 300)) },
		"empty messages":     func(b *outboxBench, i int) { b.posted(0, latest(i, 300)) },
		"keys of other size": func(b *outboxBench, i int) { b.posted(i%7*9000, latest(i, 50)) },
		"between others": func(b *outboxBench, i int) {
			if i%100 == 0 {
				b.put(20)
			}
			b.posted(60_000, latest(i, 1))
		},
		"with a time to live": func(b *outboxBench, i int) {
			if i%100 == 0 {
				b.put(20)
			}
			b.posted(1000, Outgoing{TTL: time.Duration(1+i*7%50) * time.Second})
			time.Sleep(100 * time.Millisecond)
			b.expire(time.Now())
		},
		"of all kinds": func(b *outboxBench, i int) {
			b.posted(1000, Outgoing{Class: KeepLatest, Key: "k", TTL: time.Hour, Bound: true})
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newOutboxBench(t, OutboxLimits{Age: time.Hour})
			b.hold(true)
			for i := range 10_000 {
				post(b, i)
				if _, live := b.size(); b.memory() > 6*live+(400<<10) {
					t.Fatalf("%s: %d bytes for %d after %d messages", name, b.memory(), live, i)
				}
			}
			b.balanced()
			n, _ := b.size()
			if s := b.letters; len(s.deadlines) > n || len(s.acks) > n || len(s.latest) > n {
				t.Errorf("%s: %d deadlines, %d acks and %d keys of %d messages", name, len(s.deadlines), len(s.acks), len(s.latest), n)
			}
			waiting := b.waiting()
			b.hold(false)
			b.writeAll()
			if !slices.Equal(b.order, waiting) {
				t.Errorf("%s: then left %v; want %v", name, b.order, waiting)
			}
			if s := b.letters; len(s.deadlines)+cap(s.deadlines)/100+len(s.acks)+len(s.latest) > 0 {
				t.Errorf("%s: %d deadlines in %d places, %d acks and %d keys of no message", name, len(s.deadlines), cap(s.deadlines), len(s.acks), len(s.latest))
			}
		})
	}
}

// A middleware may hold a chunk that went back to the outbox.
func TestABufferThatSomebodyHoldsIsNotRewritten(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	for i := range 10 {
		b.posted(100, Outgoing{Bound: i%3 > 0})
	}
	c := b.take()
	buf, before := c.buf, bytes.Clone(c.unsent())
	buf.Retain()
	b.giveBack(c, 0)
	b.dropBound()
	b.put(1000)
	if !bytes.Equal(buf.B[:len(before)], before) {
		t.Error("the bytes have changed")
	}
	buf.Release()
	b.balanced()
	b.writeAll()
	if want := []uint64{1, 4, 7, 10, 11}; !slices.Equal(b.order, want) {
		t.Errorf("left %v; want %v", b.order, want)
	}
}

// Expired is expired, whether anybody has called expire or not.
func TestAnExpiredMessageIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOutboxBench(t, OutboxLimits{Age: time.Minute})
		b.put(1)
		b.posted(1, Outgoing{TTL: time.Second})
		b.put(1)
		b.posted(1, Outgoing{TTL: -1})
		time.Sleep(time.Second)
		if got, want := b.writeAll(), append(frameOf(1, 1), frameOf(3, 1)...); !bytes.Equal(got, want) {
			t.Errorf("left %x; want %x", got, want)
		}
		b.put(1)
		time.Sleep(time.Minute)
		if c := b.take(); c != nil {
			t.Errorf("took %v", c.entries)
		}
		b.ended(Dropped, Expired, 2, 4, 5)
		b.balanced()
	})
}

// Whoever keeps the timer is told of each deadline that is earlier than the one
// that it knows of, and of no other.
func TestAnEarlierDeadlineIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOutboxBench(t, OutboxLimits{Age: time.Minute, AckTimeout: 10 * time.Second})
		told := 0
		b.due = func() { told++; b.expire(time.Now()) }
		step := func(what string, want int, f func()) {
			t.Helper()
			told = 0
			f()
			if told != want {
				t.Errorf("%s: told %d times; want %d", what, told, want)
			}
		}
		step("the first message", 1, func() { b.put(1) })
		step("one behind it", 0, func() { b.put(1) })
		step("a TTL longer than the age", 0, func() { b.posted(1, Outgoing{TTL: time.Hour}) })
		step("a shorter one", 1, func() { b.posted(1, Outgoing{TTL: 30 * time.Second}) })
		step("a longer one", 0, func() { b.posted(1, Outgoing{TTL: 31 * time.Second}) })
		step("an ack", 0, func() { b.posted(1, Outgoing{Ack: true}) })
		step("an ack that is waited for", 1, func() { b.writeAll() })
		step("what comes then", 0, func() { b.put(1); b.posted(1, Outgoing{TTL: time.Second * 11}) })
		c := b.take()
		step("what nobody has to look after", 0, func() { b.expire(time.Now()); b.close(ErrStopped) })
		_ = c

		b = newOutboxBench(t, OutboxLimits{})
		b.due = func() { told++; b.expire(time.Now()) }
		b.posted(1, Outgoing{TTL: time.Second})
		c = b.take()
		step("looking while the writer has it", 0, func() {
			if next := b.expire(time.Now()); !next.IsZero() {
				t.Errorf("next at %v", next)
			}
		})
		step("what the writer gives back", 1, func() { b.giveBack(c, 0) })
	})
}

func TestWhoWaitsForRoomIsNotOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOutboxBench(t, OutboxLimits{Bytes: 100, Overflow: Block})
		b.put(45, 45)
		var mu sync.Mutex
		var order []string
		wait := func(name string, n int) {
			go func() {
				m := Outgoing{Kind: transport.Binary, Payload: make([]byte, n), Bound: true}
				r, err := b.post(context.Background(), &m)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name+" "+now(t, r.Acked))
			}()
			synctest.Wait()
		}
		wait("big", 90)
		wait("small", 1)
		if _, err := b.add(transport.Binary, nil, 0); !errors.Is(err, ErrOutboxFull) {
			t.Errorf("a plain message that fits, while others wait: %v", err)
		}
		c := b.take()
		b.writes(c, 47)
		synctest.Wait()
		if len(order) > 0 {
			t.Errorf("%q went ahead", order)
		}
		b.writes(c, 47)
		synctest.Wait()
		wait("late", 90)
		b.dropBound() // also what was posted under the old identity and waits for room
		synctest.Wait()
		if got, want := strings.Join(order, ", "), "big waiting, small waiting, late dropped superseded"; got != want {
			t.Errorf("got %s; want %s", got, want)
		}
		b.writeAll()
		b.balanced()
		if b.letters.posters != nil {
			t.Error("somebody waits on")
		}
	})
}

// A message with a newer one of its key behind it is not sent again when its
// connection is lost.
func TestWhatWasReplacedAtTheWriterIsNotSentAgain(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	key := Outgoing{Class: KeepLatest, Key: "k"}
	b.put(1)
	b.posted(2, key)
	c := b.take()
	b.posted(3, key)
	b.writes(c, 3)
	b.giveBack(c, 0)
	b.ended(Dropped, Superseded, 2)
	if got := b.writeAll(); !bytes.Equal(got, frameOf(3, 3)) {
		t.Errorf("then left %x", got)
	}
}

// The same for one whose identity has changed meanwhile.
func TestWhatWasBoundAtTheWriterIsNotSentAgain(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	b.put(1)
	b.posted(2, Outgoing{Bound: true})
	b.posted(3, Outgoing{})
	c := b.take()
	b.dropBound()
	b.posted(4, Outgoing{Bound: true})
	b.balanced()
	b.giveBack(c, 0)
	b.ended(Dropped, Superseded, 2)
	b.writeAll()
	b.ended(Written, 0, 1, 3, 4)
	b.balanced()
}

// The data may be full of what is held: the set-up gets through.
func TestSetupMessagesHaveRoomOfTheirOwn(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{Messages: 1, Bytes: 100})
	b.hold(true)
	b.put(90)
	big := make([]byte, 1<<20)
	for range 3 {
		if _, err := b.add(transport.Binary, big, b.epoch); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.add(transport.Binary, big, b.epoch); !errors.Is(err, ErrOutboxFull) {
		t.Errorf("beyond 4 MiB: %v", err)
	}
	var tooBig *MessageTooBigError
	if _, err := b.add(transport.Binary, make([]byte, setupLimit), b.epoch); !errors.As(err, &tooBig) || tooBig.Limit != setupLimit {
		t.Errorf("a message larger than that: %v", err)
	}
	b.clearSetup()
	if _, err := b.add(transport.Binary, nil, 1); !errors.Is(err, ErrStopped) {
		t.Errorf("behind the end: %v", err)
	}
	b.openSetup(2)
	b.putSetup(1)
	b.balanced()
}

func TestAPlainMessageCostsNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what is pooled")
	}
	o := &outbox{limits: &OutboxLimits{Age: time.Hour}, ledger: &ledger{}, masked: true, due: func() {}}
	payload := make([]byte, 100)
	if n := testing.AllocsPerRun(1000, func() {
		for range 50 {
			_, _ = o.add(transport.Binary, payload, 0)
		}
		c := o.take()
		o.wrote(c, len(c.unsent()))
	}); n > 0 {
		t.Errorf("%v allocations for 50 messages", n)
	}
}

// The writer may say that all is out when the connection has been lost already:
// nobody will acknowledge that.
func TestAnAckIsNotWaitedForWhenTheConnectionIsLostBeforeTheWrite(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	r := b.posted(1, Outgoing{Ack: true})
	c := b.take()
	b.hold(true)
	expect(t, "before the write", now(t, r.Written), "waiting")
	b.writes(c, 3)
	expect(t, "written", now(t, r.Written), "written")
	expect(t, "acked", now(t, r.Acked), "unknown")
	b.balanced()
}

// The peer's answer may be faster than the writer's notice, and then the
// connection is lost.
func TestAnAckThatComesBeforeTheWriteCounts(t *testing.T) {
	for _, taken := range []int{0, 1, 3, 6} {
		b := newOutboxBench(t, OutboxLimits{})
		r := b.posted(1, Outgoing{Ack: true})
		b.posted(1, Outgoing{Ack: true})
		if b.ack(r.ID()) {
			t.Error("acknowledged although nobody has it")
		}
		c := b.take()
		if !b.ack(r.ID()) || b.ack(r.ID()) {
			t.Error("not acknowledged just once")
		}
		if !b.writes(c, taken) {
			b.hold(true)
			b.giveBack(c, 0)
		}
		expect(t, fmt.Sprint(taken, " bytes, acked"), now(t, r.Acked), "acked")
		expect(t, fmt.Sprint(taken, " bytes, written"), now(t, r.Written), "written")
		b.balanced()
	}
}
