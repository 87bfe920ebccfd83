package main

import (
	"fmt"
	"sync"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
)

// prices is the first module of the client: it keeps the price table. Its numbers
// are read by others, hence the lock; the module itself gets one message at a time.
type prices struct {
	counters modules.Counters
	up       func(epoch uint64)
	down     func()

	mu    sync.Mutex
	ticks map[string][]tick
	acks  map[string]uint64 // by symbol, the latest connection that has it
}

// tick is a price that came, and the connection that brought it.
type tick struct {
	price
	epoch uint64
}

// quote is what the table shows of a symbol.
type quote struct {
	Symbol   string  `json:"symbol"`
	Ticks    int     `json:"ticks"`
	First    float64 `json:"first"`
	Last     float64 `json:"last"`
	Missed   int     `json:"missed"`
	Position int     `json:"position"`
	before   float64 // the price before the last
}

func newPrices(up func(epoch uint64), down func()) *prices {
	return &prices{up: up, down: down, ticks: map[string][]tick{}, acks: map[string]uint64{}}
}

func (p *prices) module() actors.Module {
	return modules.Define("prices", func(r *modules.Routes) {
		modules.On(r, typeSubscribed, func(c *modules.Ctx, s subscribed) error {
			return p.acknowledged(c.Conn().Epoch(), s.Symbol)
		})
		modules.On(r, typePrice, func(c *modules.Ctx, v price) error {
			p.keep(tick{v, c.Conn().Epoch()})
			return nil
		})
		// The connection waits for these two: no message comes before OnReady has
		// returned, and none behind OnDisconnect.
		r.OnReady(func(c *modules.Ctx) { p.up(c.Conn().Epoch()) })
		r.OnDisconnect(func(*modules.Ctx, error) { p.down() })
	}, modules.WithCounters(&p.counters))
}

// acknowledged notes that the exchange has accepted a subscription. What a function
// of a module returns as an error is counted, and logged or told to WithErrors.
func (p *prices) acknowledged(epoch uint64, symbol string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.acks[symbol] >= epoch {
		return fmt.Errorf("%s was accepted twice on connection %d", symbol, epoch)
	}
	p.acks[symbol] = epoch
	return nil
}

func (p *prices) keep(t tick) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ticks[t.Symbol] = append(p.ticks[t.Symbol], t)
}

// of returns the ticks of a symbol so far.
func (p *prices) of(symbol string) []tick {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.ticks[symbol]
	return t[:len(t):len(t)]
}

// table returns the quotes of these symbols.
func (p *prices) table(symbols []string) (t []quote) {
	for _, symbol := range symbols {
		q := quote{Symbol: symbol}
		if ticks := p.of(symbol); len(ticks) > 0 {
			n := len(ticks)
			q.Ticks, q.First, q.Last = n, ticks[0].Price, ticks[n-1].Price
			q.before = ticks[max(0, n-2)].Price
		}
		t = append(t, q)
	}
	return t
}
