package main

import (
	"fmt"
	"sync"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
)

// riskdesk is the fourth module of the exchange: it takes what risk posts, writes it
// down, and acknowledges stops.
type riskdesk struct {
	mu     sync.Mutex
	came   map[string]int // by ref, how often
	limits map[string]int // by symbol, the number of the latest
	wrong  []string
}

func newRiskdesk() *riskdesk { return &riskdesk{came: map[string]int{}, limits: map[string]int{}} }

func (d *riskdesk) module() actors.Module {
	return modules.Define("riskdesk", func(r *modules.Routes) {
		modules.On(r, typeCursor, func(_ *modules.Ctx, s memo) error { d.take(s); return nil })
		modules.On(r, typeLimit, func(_ *modules.Ctx, s memo) error { d.take(s); return nil })
		modules.On(r, typeStop, func(c *modules.Ctx, s memo) error {
			d.take(s)
			return c.Reply(typeStopped, memo{Ref: s.Ref})
		})
	})
}

func (d *riskdesk) take(s memo) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.came[s.Ref]++
	if s.Symbol == "" {
		return
	}
	if s.Number < d.limits[s.Symbol] {
		d.wrong = append(d.wrong, fmt.Sprintf("limit %d of %s came behind %d", s.Number, s.Symbol, d.limits[s.Symbol]))
	}
	d.limits[s.Symbol] = s.Number
}
