package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hawser-go/hawser/modules"
)

// traders are goroutines that order through one and the same API, and each gets the
// answers to its own orders.
type traders struct {
	orders  *modules.API[order, verdict] // the second module of the client
	status  *modules.API[query, verdict] // the third
	symbols []string
	tell    func(event, text string)

	mu    sync.Mutex
	count map[string]*orderCount // by trader
	books map[string]verdict     // by ref: what we believe became of each order that was sent
	sizes map[string]order
	wrong []string // answers that were not for the one who got them
}

// orderCount is what became of a trader's orders.
type orderCount struct {
	Placed   int `json:"placed"`
	Filled   int `json:"filled"`
	Rejected int `json:"rejected"`
	TooFast  int `json:"too_fast"`
	NotSent  int `json:"not_sent"`
	// Lost ones were not answered, because the connection was lost. The exchange was
	// asked for them later.
	Lost         int `json:"lost"`
	LostFilled   int `json:"lost_filled"`
	LostRejected int `json:"lost_rejected"`
	LostAbsent   int `json:"lost_absent"` // they had never arrived
	Unresolved   int `json:"unresolved"`  // nobody answered that question either
}

func newTraders(symbols []string, tell func(event, text string)) *traders {
	return &traders{
		orders: modules.NewAPI[order, verdict](typeOrder, modules.APIOptions{Timeout: 3 * time.Second}),
		// An order is about now: without a connection it fails at once. The question
		// what became of one can wait.
		status:  modules.NewAPI[query, verdict](typeStatus, modules.APIOptions{Timeout: 10 * time.Second, WaitReady: true}),
		symbols: symbols, tell: tell,
		count: map[string]*orderCount{}, books: map[string]verdict{}, sizes: map[string]order{},
	}
}

// trade orders now and then until ctx is done, and returns when it knows what became
// of all of it.
func (t *traders) trade(ctx context.Context, name string, chance *rand.Rand) {
	for n := 1; rest(ctx, 60*time.Millisecond+time.Duration(chance.Int64N(int64(140*time.Millisecond)))); n++ {
		t.place(context.WithoutCancel(ctx), name, t.anOrder(fmt.Sprintf("%s-%d", name, n), chance))
	}
}

// basket orders many things at the same time.
func (t *traders) basket(ctx context.Context, name string, n int, chance *rand.Rand) {
	var all sync.WaitGroup
	for i := range n {
		o := t.anOrder(fmt.Sprintf("%s-%d", name, i+1), chance)
		all.Go(func() { t.place(ctx, name, o) })
	}
	all.Wait()
}

func (t *traders) anOrder(ref string, chance *rand.Rand) order {
	quantity := (chance.IntN(9) + 1) * 100
	if chance.IntN(2) == 0 {
		quantity = -quantity
	}
	return order{Ref: ref, Symbol: t.symbols[chance.IntN(len(t.symbols))], Quantity: quantity}
}

// place sends an order and waits for what becomes of it.
func (t *traders) place(ctx context.Context, name string, o order) {
	t.add(name, func(c *orderCount) { c.Placed++ })
	v, err := t.orders.Call(ctx, o)
	var refusal *modules.PeerError
	switch {
	case err == nil:
		t.settle(name, o, v, func(c *orderCount) { c.Filled++ })
	case errors.As(err, &refusal):
		t.settle(name, o, verdict{Ref: o.Ref, Result: rejected, Reason: refusal.Text}, func(c *orderCount) {
			if refusal.Text == tooFast {
				c.TooFast++
			} else {
				c.Rejected++
			}
		})
	case errors.Is(err, modules.ErrNotReady):
		t.add(name, func(c *orderCount) { c.NotSent++ })
	default: // it was sent: nobody knows whether it arrived
		t.add(name, func(c *orderCount) { c.Lost++ })
		t.inquire(ctx, name, o)
	}
}

// inquire asks what became of an order until there is an answer. If the order still
// waited to be written when its connection was lost, it leaves on the next one, and
// this question behind it.
func (t *traders) inquire(ctx context.Context, name string, o order) {
	v, err := t.status.Call(ctx, query{Ref: o.Ref})
	for errors.Is(err, modules.ErrDisconnected) {
		v, err = t.status.Call(ctx, query{Ref: o.Ref})
	}
	if err != nil {
		t.add(name, func(c *orderCount) { c.Unresolved++ })
		t.tell("unresolved", o.String()+": "+err.Error())
		return
	}
	t.settle(name, o, v, func(c *orderCount) {
		switch v.Result {
		case filled:
			c.LostFilled++
		case absent:
			c.LostAbsent++
		case rejected:
			c.LostRejected++
		}
	})
	t.tell("asked again", o.String()+": "+map[result]string{
		filled: "it was filled", absent: "it never arrived", rejected: "it was rejected",
	}[v.Result])
}

// settle notes what became of an order.
func (t *traders) settle(name string, o order, v verdict, count func(*orderCount)) {
	t.add(name, func(c *orderCount) {
		count(c)
		if v.Ref != o.Ref {
			t.wrong = append(t.wrong, fmt.Sprintf("%s got the answer of %s", o.Ref, v.Ref))
		}
		t.books[o.Ref], t.sizes[o.Ref] = v, o
	})
}

func (t *traders) add(name string, f func(*orderCount)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.count[name]
	if c == nil {
		c = &orderCount{}
		t.count[name] = c
	}
	f(c)
}

// total is what became of all orders so far.
func (t *traders) total() (sum orderCount) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.count {
		sum.Placed += c.Placed
		sum.Filled += c.Filled
		sum.Rejected += c.Rejected
		sum.TooFast += c.TooFast
		sum.NotSent += c.NotSent
		sum.Lost += c.Lost
		sum.LostFilled += c.LostFilled
		sum.LostRejected += c.LostRejected
		sum.LostAbsent += c.LostAbsent
		sum.Unresolved += c.Unresolved
	}
	return sum
}

// position returns how much of a symbol we believe to have.
func (t *traders) position(symbol string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ref, v := range t.books {
		if o := t.sizes[ref]; v.Result == filled && o.Symbol == symbol {
			n += o.Quantity
		}
	}
	return n
}

// String returns the order as traders say it.
func (o order) String() string {
	if o.Quantity < 0 {
		return fmt.Sprintf("%s sell %d %s", o.Ref, -o.Quantity, o.Symbol)
	}
	return fmt.Sprintf("%s buy %d %s", o.Ref, o.Quantity, o.Symbol)
}
