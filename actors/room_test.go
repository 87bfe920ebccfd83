package actors

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

func TestWhatTakesAnothersPlaceNeedsNoMoreRoom(t *testing.T) {
	for _, limits := range []OutboxLimits{{Messages: 2}, {Bytes: 24}} {
		b := newOutboxBench(t, limits)
		key := Outgoing{Class: KeepLatest, Key: "k"}
		b.posted(10, key)
		b.put(10)
		b.posted(10, key)
		b.ended(Dropped, Superseded, 1)
		if _, err := b.post(context.Background(), &Outgoing{Kind: transport.Binary, Class: KeepLatest, Key: "other"}); !errors.Is(err, ErrOutboxFull) {
			t.Errorf("%+v: another key: %v", limits, err)
		}
		b.balanced()
	}
}

// What waits for its ack, and what the writer has, cannot be dropped.
func TestDropOldestDropsNothingInVain(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{Messages: 3, Overflow: DropOldest})
	b.posted(1, Outgoing{Ack: true})
	b.writeAll()
	b.put(1)
	b.take()
	b.put(1)
	b.put(1)
	b.ended(Dropped, Overflow, 3)
	b.posted(1, Outgoing{Ack: true})
	b.ended(Dropped, Overflow, 3, 4)
	b.limits.Messages = 2
	if _, err := b.add(transport.Binary, nil, 0); !errors.Is(err, ErrOutboxFull) {
		t.Errorf("got %v", err)
	}
	b.ended(Dropped, Overflow, 3, 4)
	b.balanced()
}

// Whoever waits for room need not wait for what will not be queued anyway.
func TestWhoWaitsForRoomInVainIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(b *outboxBench)
		err     error
		end     Outcome
	}{
		"the outbox refuses":                             {func(b *outboxBench) { b.refuse(errLost) }, errLost, Outcome{}},
		"a Volatile message, and the connection is lost": {func(b *outboxBench) { b.hold(true) }, nil, Outcome{ID: 2, Result: Dropped, Reason: Expired}},
		"a Bound message, and the identity changes":      {func(b *outboxBench) { b.dropBound() }, nil, Outcome{ID: 2, Result: Dropped, Reason: Superseded}},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newOutboxBench(t, OutboxLimits{Messages: 1, Overflow: Block})
			b.put(1)
			over := make(chan struct{})
			go func() {
				defer close(over)
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				r, err := b.post(ctx, &Outgoing{Kind: transport.Binary, Class: Volatile, Bound: true})
				if !errors.Is(err, test.err) {
					t.Errorf("%s: %v; want %v", name, err, test.err)
				}
				if r != nil && now(t, r.Acked) != "dropped "+test.end.Reason.String() {
					t.Errorf("%s: %s; want %v", name, now(t, r.Acked), test.end)
				}
			}()
			synctest.Wait()
			begin := time.Now()
			test.happens(b)
			<-over
			if d := time.Since(begin); d > 0 {
				t.Errorf("%s: told after %v", name, d)
			}
			b.balanced()
		})
	}
}

// The newest of a key is known while an older one leaves.
func TestTheLatestStaysTheLatest(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	key := Outgoing{Class: KeepLatest, Key: "k"}
	b.posted(1, key)
	c := b.take()
	b.posted(2, key)
	b.writes(c, len(c.unsent()))
	b.posted(3, key)
	b.ended(Written, 0, 1)
	b.ended(Dropped, Superseded, 2)
	b.balanced()
}

func TestAChunkGivesBackWhatItDoesNotNeed(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	for range 600 {
		b.posted(100, Outgoing{Bound: true})
	}
	b.put(10, 60_000, 60_000) // too much for one chunk with the others
	b.dropBound()
	if c := b.data.head; cap(c.buf.B) > 16<<10 || cap(c.entries) > 64 {
		t.Errorf("%d bytes and %d entries for %d and %d", cap(c.buf.B), cap(c.entries), c.size(), c.live())
	}
	b.balanced()
}

func TestSmallRestsAreJoined(t *testing.T) {
	b := newOutboxBench(t, OutboxLimits{})
	var want []uint64
	for range 300 {
		want = append(want, b.put(20))
		b.posted(65_520, Outgoing{Class: KeepLatest, Key: "k"})
	}
	n := 0
	for c := b.data.head; c != nil; c = c.next {
		n++
	}
	if n > 3 {
		t.Errorf("%d chunks", n)
	}
	b.balanced()
	b.writeAll()
	if want = append(want, b.nextID); !slices.Equal(b.order, want) {
		t.Errorf("left %v", b.order)
	}
}
