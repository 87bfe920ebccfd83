package runner

import (
	"context"
	"errors"

	"github.com/hawser-go/hawser/bench/internal/load"
	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/bench/internal/process"
	"github.com/hawser-go/hawser/bench/internal/result"
)

// idle measures C, one candidate after another.
func (r *Runner) idle(ctx context.Context, s Scenario, candidates []Candidate, rep int) ([]result.Result, error) {
	results := make([]result.Result, 0, len(candidates))
	for _, c := range rotate(candidates, rep) {
		r.o.Log.Info("measuring", "scenario", s.Name, "repetition", rep+1, "candidate", c.Name)
		l := startLane(s, c, rep)
		l.try(func() error { return r.idleOne(ctx, l) })
		l.try(func() error { r.profileHeap(ctx, l); return nil })
		l.close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		results = append(results, l.result)
	}
	return results, nil
}

// idleOne fills in what a connection costs. The base has one connection that was used,
// so that what the first one brings about (code pages, pools) does not count.
func (r *Runner) idleOne(ctx context.Context, l *lane) error {
	g, err := load.New(load.Options{Payloads: l.scenario.payloads()})
	if err != nil {
		return err
	}
	l.load = g
	if err := l.open(g, 1); err != nil {
		return err
	}
	if err := g.Verify(); err != nil {
		return err
	}
	base, err := r.memory(ctx, l, true)
	if err != nil {
		return err
	}
	if err := l.open(g, l.scenario.Conns); err != nil {
		return err
	}
	fresh, err := r.memory(ctx, l, false)
	if err != nil {
		return err
	}
	if err := g.Verify(); err != nil {
		return err
	}
	usedOnce, err := r.memory(ctx, l, false)
	if err != nil {
		return err
	}
	swept, err := r.memory(ctx, l, true)
	if err != nil {
		return err
	}
	n := float64(l.scenario.Conns)
	l.result.Idle = &result.Idle{
		Conns: l.scenario.Conns,
		RSS:   float64(fresh.rss-base.rss) / n, RSSUsed: float64(usedOnce.rss-base.rss) / n,
	}
	if base.known {
		l.result.Idle.RSSSwept = float64(swept.rss-base.rss) / n
		l.result.Idle.Heap = (float64(swept.stats.HeapAlloc) - float64(base.stats.HeapAlloc)) / n
		l.result.Idle.Stack = (float64(swept.stats.StackInuse) - float64(base.stats.StackInuse)) / n
		l.result.Idle.Routines = float64(swept.stats.Goroutines-base.stats.Goroutines) / n
	}
	return nil
}

func (l *lane) open(g *load.Generator, conns int) error {
	return g.Dial(l.server.Addr(), load.DialOptions{Path: l.server.Path(peer.EchoPath), Conns: conns})
}

type memory struct {
	rss   int64
	stats peer.Stats
	known bool // the server offers statistics
}

// memory looks after the server has settled; with collect it is made to collect its
// garbage first, if it can.
func (r *Runner) memory(ctx context.Context, l *lane, collect bool) (m memory, err error) {
	if err := pause(ctx, r.o.Settle); err != nil {
		return m, err
	}
	if collect {
		m.stats, err = l.server.Stats(ctx, true)
		m.known = err == nil
		if err != nil && !errors.Is(err, process.ErrNoStats) {
			return m, err
		}
	}
	m.rss, err = l.server.RSS()
	return m, err
}
