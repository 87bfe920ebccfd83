package main

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// beat is how often the market looks whether a price moves; one in moves does.
const (
	beat  = 20 * time.Millisecond
	moves = 4
)

// market makes the prices, and gives them to whoever has asked.
type market struct {
	sessions *sessions

	mu       sync.Mutex
	listings []*listing
}

// listing is one symbol. Its prices walk at random, but the same way for the same
// seed.
type listing struct {
	symbol string
	chance *rand.Rand
	tape   []float64 // all prices so far: the one with sequence number n stands at n-1
	asked  map[*actors.Conn]struct{}
}

func newMarket(s *sessions, seed uint64) *market {
	m := &market{sessions: s}
	for i, l := range []struct {
		symbol string
		price  float64
	}{{"EURUSD", 1.0840}, {"GBPUSD", 1.2650}, {"USDJPY", 151.20}, {"AUDUSD", 0.6560}, {"USDCHF", 0.9050}, {"BTCUSD", 67200}} {
		m.listings = append(m.listings, &listing{
			symbol: l.symbol, tape: []float64{l.price}, asked: map[*actors.Conn]struct{}{},
			chance: rand.New(rand.NewPCG(seed, uint64(i))), //nolint:gosec // prices, not keys
		})
	}
	return m
}

func (m *market) module() actors.Module {
	return modules.Define("market", func(r *modules.Routes) {
		modules.On(r, typeSubscribe, func(c *modules.Ctx, s subscribe) error {
			if !m.sessions.knows(c.Conn()) {
				c.Conn().Close(transport.PolicyViolation, "log in first")
				return nil
			}
			return m.subscribe(c, s.Symbol)
		})
		r.OnDisconnect(func(c *modules.Ctx, _ error) { m.forget(c.Conn()) })
	})
}

// subscribe answers with the latest price, which the client may have already. From
// then on it gets every price: nothing comes in between, because of the lock.
func (m *market) subscribe(c *modules.Ctx, symbol string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.listings {
		if l.symbol != symbol {
			continue
		}
		l.asked[c.Conn()] = struct{}{}
		if err := c.Send(typeSubscribed, subscribed{Symbol: symbol}); err != nil {
			return err
		}
		return c.Send(typePrice, l.latest())
	}
	c.Conn().Close(transport.PolicyViolation, "there is no such symbol")
	return nil
}

func (m *market) forget(conn *actors.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.listings {
		delete(l.asked, conn)
	}
}

// run moves the prices until ctx is done.
func (m *market) run(ctx context.Context) {
	t := time.NewTicker(beat)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			m.move()
		case <-ctx.Done():
			return
		}
	}
}

func (m *market) move() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.listings {
		if l.chance.IntN(moves) > 0 {
			continue
		}
		l.walk()
		tick := message(typePrice, l.latest())
		for conn := range l.asked {
			_, _ = conn.Send(tick.Kind, tick.Payload) // one that has ended is forgotten soon
		}
	}
}

// walk makes the next price.
func (l *listing) walk() {
	last := l.tape[len(l.tape)-1]
	unit := math.Pow10(digits(last))
	step := float64(l.chance.IntN(13) - 6)
	l.tape = append(l.tape, (math.Round(last*unit)+step)/unit)
}

func (l *listing) latest() price {
	return price{Symbol: l.symbol, Seq: uint64(len(l.tape)), Price: l.tape[len(l.tape)-1]}
}

// price returns what a symbol costs now; 0 if there is none of that name.
func (m *market) price(symbol string) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.listings {
		if l.symbol == symbol {
			return l.latest().Price
		}
	}
	return 0
}

// tape returns all prices of a symbol that there have been.
func (m *market) tape(symbol string) []float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.listings {
		if l.symbol == symbol {
			return l.tape[:len(l.tape):len(l.tape)]
		}
	}
	return nil
}
