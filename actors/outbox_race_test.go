package actors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// Many senders and one writer whose sockets die: nothing is lost or told twice,
// and what is written keeps each sender's order.
func TestOutboxUnderConcurrentUse(t *testing.T) {
	const senders, each = 6, 3000
	var mu sync.Mutex
	ended := map[uint64]int{}
	var written []uint64
	o := &outbox{limits: &OutboxLimits{Messages: 500, Bytes: 1 << 20, Age: time.Hour}, ledger: &ledger{}, masked: true}
	o.settled = func(done []Outcome) {
		mu.Lock()
		defer mu.Unlock()
		for _, d := range done {
			ended[d.ID]++
			if d.Result == Written {
				written = append(written, d.ID)
			}
		}
	}
	accepted := make([][]uint64, senders)
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for len(accepted[s]) < each {
				if id, err := o.add(transport.Binary, make([]byte, rand.IntN(400)), 0); err == nil {
					accepted[s] = append(accepted[s], id)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { all.Wait(); close(over) }()
	writeUntil(o, over)

	total := 0
	for s := range accepted {
		total += len(accepted[s])
		if !slices.IsSorted(accepted[s]) {
			t.Error("numbers do not grow")
		}
		for _, id := range accepted[s] {
			if ended[id] != 1 {
				t.Fatalf("message %d has %d outcomes", id, ended[id])
			}
		}
	}
	if !slices.IsSorted(written) {
		t.Error("written out of order")
	}
	b := o.ledger.books()
	if !b.Balanced() || b.InFlight != 0 || b.Accepted != uint64(total) || o.count != 0 || o.data.bytes != 0 {
		t.Errorf("%s; %d messages and %d bytes counted", b, o.count, o.data.bytes)
	}
}

// writeUntil is a writer whose sockets take a part of each write and often die.
func writeUntil(o *outbox, over <-chan struct{}) {
	for {
		o.expire(time.Now())
		c := o.take()
		if c == nil {
			select {
			case <-over:
				if !o.pending() {
					return
				}
			default:
			}
			continue
		}
		for alive := true; alive; {
			c.seal(true)
			p := c.unsent()
			if o.writes(c, rand.IntN(len(p)+1)) {
				break
			}
			if alive = rand.IntN(8) > 0; !alive {
				o.giveBack(c, rand.IntN(2)*rand.IntN(500))
			}
		}
	}
}

// The same with messages of all kinds, senders that wait, acks, and connections
// and identities that come and go.
func TestReceiptsUnderConcurrentUse(t *testing.T) {
	for _, policy := range []OverflowPolicy{Block, DropOldest, RejectNewest} {
		const senders, each = 4, 1500
		var mu sync.Mutex
		ended := map[uint64]Outcome{}
		o := &outbox{limits: &OutboxLimits{Messages: 200, Bytes: 100 << 10, Age: time.Hour, Overflow: policy, AckTimeout: time.Millisecond}, ledger: &ledger{}}
		o.settled = func(done []Outcome) {
			mu.Lock()
			defer mu.Unlock()
			for _, d := range done {
				if first, twice := ended[d.ID]; twice {
					t.Errorf("message %d ended as %v and %v", d.ID, first, d)
				}
				ended[d.ID] = d
			}
		}
		receipts := make([][]*Receipt, senders)
		var all sync.WaitGroup
		for s := range senders {
			all.Go(func() {
				for i := range each {
					m := randomOutgoing()
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					r, err := o.post(ctx, &m)
					cancel()
					if err == nil {
						receipts[s] = append(receipts[s], r)
						o.ack(r.ID() - uint64(rand.IntN(100)))
					}
					switch i % 50 {
					case 0:
						o.dropBound()
					case 1:
						o.hold(true)
						o.hold(false)
					}
				}
			})
		}
		over := make(chan struct{})
		go func() { all.Wait(); close(over) }()
		writeUntil(o, over)
		o.close(ErrStopped)
		total := 0
		for _, list := range receipts {
			total += len(list)
			for _, r := range list {
				if got, err := r.Acked(context.Background()); err != nil || got != ended[r.ID()] {
					t.Fatalf("%s: receipt of %d: %v, %v; outcome %v", policy, r.ID(), got, err, ended[r.ID()])
				}
			}
		}
		b := o.ledger.books()
		if !b.Balanced() || b.InFlight != 0 || b.Accepted != uint64(total) || len(ended) != total || o.count != 0 || o.data.bytes != 0 {
			t.Errorf("%s: %s; %d receipts and %d outcomes; %d messages and %d bytes counted", policy, b, total, len(ended), o.count, o.data.bytes)
		}
		if s := o.letters; len(s.deadlines)+len(s.acks)+len(s.latest)+len(s.posters)+s.volatile+s.bound+s.gone > 0 {
			t.Errorf("%s: left %+v", policy, s)
		}
	}
}

func randomOutgoing() Outgoing {
	return Outgoing{
		Kind: transport.Binary, Payload: make([]byte, rand.IntN(2000)), Class: Class(rand.IntN(classes)), Key: fmt.Sprint("k", rand.IntN(20)),
		TTL: time.Duration(rand.IntN(3)) * time.Millisecond, Bound: rand.IntN(2) == 0, Ack: rand.IntN(2) == 0,
	}
}
