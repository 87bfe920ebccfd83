package runner

import (
	"context"
	"time"

	"github.com/hawser-go/hawser/bench/internal/load"
	"github.com/hawser-go/hawser/bench/internal/result"
)

// firstWarm times the usual warm-up precedes the first slice: code pages, pools and the
// server's heap get their size then.
const firstWarm = 8

// slices measures A, B and S: all candidates at once, in turns.
func (r *Runner) slices(ctx context.Context, s Scenario, candidates []Candidate, rep int) ([]result.Result, error) {
	lanes := make([]*lane, 0, len(candidates))
	defer func() {
		for _, l := range lanes {
			l.close()
		}
	}()
	for _, c := range candidates {
		l := startLane(s, c, rep)
		lanes = append(lanes, l)
		l.try(l.connect)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if err := pause(ctx, r.o.Settle); err != nil {
		return nil, err
	}
	for round := -1; round < r.o.Rounds; round++ { // -1 warms up
		r.o.Log.Info("measuring", "scenario", s.Name, "repetition", rep+1, "round", round+1, "of", r.o.Rounds)
		for _, l := range rotate(lanes, round+1+rep) {
			r.turn(ctx, l, round)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	results := make([]result.Result, 0, len(lanes))
	for _, l := range lanes {
		l.try(func() error { return l.countAllocs(ctx) })
		results = append(results, l.result)
	}
	return results, nil
}

// turn is one candidate's turn in a round.
func (r *Runner) turn(ctx context.Context, l *lane, round int) {
	warm, length := r.o.Warm, r.o.Slice
	slow := l.scenario.Tag == 'S'
	if slow {
		length *= 4 // so that the slow module gets a dozen messages
	}
	if round < 0 {
		l.try(func() error { return l.warmUp(warm*firstWarm, slow) })
		return
	}
	if round == 0 {
		l.try(func() error { return l.countAllocs(ctx) })
	}
	l.try(func() error { return l.measure(&l.result.Slices, round, warm, length, false) })
	if slow {
		l.try(func() error { return l.measure(&l.result.Beside, round, warm, length, true) })
	}
}

func (l *lane) warmUp(d time.Duration, side bool) error {
	_, err := l.generator.Run(load.Window{Length: d, Side: side})
	return err
}

func (l *lane) measure(into *[]result.Slice, round int, warm, length time.Duration, side bool) error {
	one, err := l.slice(round, warm, length, side)
	if err == nil {
		*into = append(*into, one)
	}
	return err
}
