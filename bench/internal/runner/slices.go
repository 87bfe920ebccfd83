package runner

import (
	"context"
	"os"
	"time"

	"github.com/hawser-go/hawser/bench/internal/load"
	"github.com/hawser-go/hawser/bench/internal/result"
)

// firstWarm times the usual warm-up precedes the first slice: code pages, pools and the
// server's heap get their size then.
const firstWarm = 8

// slices measures servers: all candidates at once, in turns.
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
	for _, l := range lanes {
		l.try(func() error { return l.load.Verify() })
	}
	ends := newApart(s)
	defer ends.together()
	ends.generator(os.Getpid())
	for _, l := range lanes {
		if l.server != nil {
			ends.subject(l.server.Pid())
		}
	}
	rounds := r.rounds(s)
	for round := -1; round < rounds; round++ { // -1 warms up
		r.progress(s, rep, round, rounds, candidates)
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
	for _, l := range lanes {
		r.profileCPU(ctx, l)
	}
	return results, ctx.Err()
}

// inTurn measures servers of which the descriptors suffice for one at a time.
func (r *Runner) inTurn(ctx context.Context, s Scenario, candidates []Candidate, rep int) ([]result.Result, error) {
	results := make([]result.Result, 0, len(candidates))
	for _, c := range rotate(candidates, rep) {
		if err := r.quiet(ctx); err != nil {
			return nil, err
		}
		more, err := r.slices(ctx, s, []Candidate{c}, rep)
		if err != nil {
			return nil, err
		}
		results = append(results, more...)
	}
	return results, nil
}

func (r *Runner) rounds(s Scenario) int {
	if s.MaxRounds > 0 {
		return min(s.MaxRounds, r.o.Rounds)
	}
	return r.o.Rounds
}

// turn is one candidate's turn in a round.
func (r *Runner) turn(ctx context.Context, l *lane, round int) {
	warm, length := r.o.Warm, r.o.Slice*time.Duration(l.scenario.stretch())
	slow := l.scenario.Shape == Beside
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
	_, err := l.load.Run(load.Window{Length: d, Side: side})
	return err
}

func (l *lane) measure(into *[]result.Slice, round int, warm, length time.Duration, side bool) error {
	one, err := l.slice(round, warm, length, side)
	if err == nil {
		*into = append(*into, one)
	}
	return err
}
