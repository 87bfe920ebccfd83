package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
)

// risk is the fourth module of the client, and whoever feeds it. Its messages are of
// three kinds, and differ in what they are worth when there is no connection:
//
//	cursor  where the user looks      volatile: worth nothing later
//	limit   how much may be at stake  keep-latest: only the newest of a symbol counts
//	stop    sell everything           must-deliver, but not later than stopTTL; the
//	                                  exchange acknowledges it
type risk struct {
	client *actors.Client

	mu     sync.Mutex
	number int
	posted []posting
	waits  map[string]uint64 // stops that are not acknowledged: ref to message
	latest map[string]int    // by symbol, the number of the limit set last
}

// posting is a message that was accepted.
type posting struct {
	typ, ref string
	receipt  *actors.Receipt
}

const (
	riskEvery = 100 * time.Millisecond
	stopEvery = 4 // of these
	stopTTL   = 150 * time.Millisecond
)

func newRisk() *risk { return &risk{waits: map[string]uint64{}, latest: map[string]int{}} }

func (r *risk) module() actors.Module {
	return modules.Define("risk", func(routes *modules.Routes) {
		modules.On(routes, typeStopped, func(_ *modules.Ctx, s memo) error { return r.stopped(s.Ref) })
	})
}

// run posts messages until ctx is done, and then the limits that are to stay.
func (r *risk) run(ctx context.Context, wanted func() []string) {
	for n := 0; rest(ctx, riskEvery); n++ {
		symbols := wanted()
		r.post(typeCursor, "", actors.Outgoing{Class: actors.Volatile})
		r.limit(symbols[n%len(symbols)])
		if n%stopEvery == 0 {
			r.post(typeStop, "", actors.Outgoing{TTL: stopTTL, Ack: true, Bound: true})
		}
	}
	for _, symbol := range wanted() {
		r.limit(symbol)
	}
}

// runAway posts far too much.
func (r *risk) runAway(n int) {
	for range n {
		r.post(typeCursor, "", actors.Outgoing{Class: actors.Volatile})
	}
}

func (r *risk) limit(symbol string) {
	r.post(typeLimit, symbol, actors.Outgoing{Class: actors.KeepLatest, Key: symbol})
}

// post posts a message of a type in the way that o says. What is told of the message
// waits for the lock, and so finds it.
func (r *risk) post(typ, symbol string, o actors.Outgoing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	s := memo{Ref: fmt.Sprintf("%s-%d", typ, r.number), Symbol: symbol, Number: r.number}
	m := message(typ, s)
	o.Kind, o.Payload = m.Kind, m.Payload
	receipt, err := r.client.Post(context.Background(), o) // waits for nothing: the outbox rejects when it is full
	if err != nil {
		return // the outbox is full, or the client has stopped
	}
	r.posted = append(r.posted, posting{typ: typ, ref: s.Ref, receipt: receipt})
	if o.Ack {
		r.waits[s.Ref] = receipt.ID()
	}
	if symbol != "" {
		r.latest[symbol] = r.number
	}
}

// stopped is told that the exchange has a stop.
func (r *risk) stopped(ref string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, known := r.waits[ref]
	delete(r.waits, ref)
	if !known || !r.client.Ack(id) {
		return fmt.Errorf("nobody waits for %s to be acknowledged", ref)
	}
	return nil
}

// riskCount is what became of the messages of a type.
type riskCount struct {
	Posted     int `json:"posted"`
	Written    int `json:"written"`
	Acked      int `json:"acked"`
	Superseded int `json:"superseded"`
	Expired    int `json:"expired"`
	Other      int `json:"other"` // unknown, or dropped with the client
}

// count returns what has become of the messages so far, by type.
func (r *risk) count() map[string]riskCount {
	all := map[string]riskCount{}
	for _, p := range r.postings() {
		c := all[p.typ]
		c.Posted++
		if o, ended := p.outcome(); ended {
			c.add(o)
		}
		all[p.typ] = c
	}
	return all
}

func (c *riskCount) add(o actors.Outcome) {
	switch {
	case o.Result == actors.Written:
		c.Written++
	case o.Result == actors.Acked:
		c.Acked++
	case o.Result == actors.Dropped && o.Reason == actors.Superseded:
		c.Superseded++
	case o.Result == actors.Dropped && o.Reason == actors.Expired:
		c.Expired++
	default:
		c.Other++
	}
}

func (r *risk) postings() []posting {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.posted[:len(r.posted):len(r.posted)]
}

// outcome returns how a message ended, if it has.
func (p posting) outcome() (o actors.Outcome, ended bool) {
	select {
	case <-p.receipt.Done():
		o, err := p.receipt.Acked(context.Background())
		return o, err == nil
	default:
		return o, false
	}
}
