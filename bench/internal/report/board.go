package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// board is all results of one scenario.
type board struct {
	scenario string
	entries  []*entry
}

// entry is one candidate on a board, with its repetitions.
type entry struct {
	name string
	kind result.Kind
	reps []result.Result
}

// boards groups results, in the order in which scenarios and candidates first come up.
func boards(results []result.Result) []*board {
	var all []*board
	for _, r := range results {
		i := slices.IndexFunc(all, func(b *board) bool { return b.scenario == r.Scenario })
		if i < 0 {
			i, all = len(all), append(all, &board{scenario: r.Scenario})
		}
		b := all[i]
		e := b.find(func(e *entry) bool { return e.name == r.Candidate })
		if e == nil {
			e = &entry{name: r.Candidate, kind: r.Kind}
			b.entries = append(b.entries, e)
		}
		e.reps = append(e.reps, r)
	}
	return all
}

func (b *board) find(match func(*entry) bool) *entry {
	if i := slices.IndexFunc(b.entries, match); i >= 0 {
		return b.entries[i]
	}
	return nil
}

// figure is something that an entry has been measured for.
type figure struct {
	higher bool // the better
	of     func(*entry) []sample
}

var (
	rate = figure{higher: true, of: alone(func(s result.Slice) float64 { return s.Rate })}
	p50  = figure{of: alone(func(s result.Slice) float64 { return s.P50 })}
	p99  = figure{of: alone(func(s result.Slice) float64 { return s.P99 })}
	cpu  = figure{of: alone(func(s result.Slice) float64 { return s.CPU })}

	rateBeside = figure{higher: true, of: beside(func(s result.Slice) float64 { return s.Rate })}
	p50Beside  = figure{of: beside(func(s result.Slice) float64 { return s.P50 })}
	p99Beside  = figure{of: beside(func(s result.Slice) float64 { return s.P99 })}

	rss      = figure{of: idle(func(i *result.Idle) float64 { return i.RSS })}
	rssUsed  = figure{of: idle(func(i *result.Idle) float64 { return i.RSSUsed })}
	rssSwept = figure{of: idle(func(i *result.Idle) float64 { return i.RSSSwept })}
	heap     = figure{of: idle(func(i *result.Idle) float64 { return i.Heap })}
	stack    = figure{of: idle(func(i *result.Idle) float64 { return i.Stack })}
	routines = figure{of: idle(func(i *result.Idle) float64 { return i.Routines })}

	allocs = figure{of: perMessage}
)

func (f figure) estimate(e *entry) Estimate { return estimate(f.of(e)) }

// best is the best ready-made library of the board by f; nil if none was measured.
func (b *board) best(f figure) *entry {
	var best *entry
	for _, e := range b.entries {
		if e.kind != result.Library || len(f.of(e)) == 0 {
			continue
		}
		if best == nil || f.better(f.estimate(e).Value, f.estimate(best).Value) {
			best = e
		}
	}
	return best
}

func (f figure) better(a, b float64) bool { return a != b && a > b == f.higher }

// sorted is the entries, the best by f first, those without figures last.
func (b *board) sorted(f figure) []*entry {
	return slices.SortedStableFunc(slices.Values(b.entries), func(x, y *entry) int {
		a, b := f.estimate(x), f.estimate(y)
		switch {
		case a.N == 0 || b.N == 0:
			return cmp.Compare(b.N, a.N)
		case f.higher:
			return cmp.Compare(b.Value, a.Value)
		}
		return cmp.Compare(a.Value, b.Value)
	})
}

// problems says what went wrong; empty if nothing.
func (e *entry) problems() string {
	var all []string
	for _, r := range e.reps {
		if r.Err != "" && !slices.Contains(all, r.Err) {
			all = append(all, r.Err)
		}
	}
	return strings.Join(all, "; ")
}

// disturbed warns if others had a hand in most slices; empty if not.
func (b *board) disturbed() string {
	upset, all := 0, 0
	for _, e := range b.entries {
		for _, s := range append(rate.of(e), rateBeside.of(e)...) {
			all++
			if s.disturbed {
				upset++
			}
		}
	}
	if 2*upset <= all {
		return ""
	}
	return fmt.Sprintf("in %d of %d slices other processes, or the host of this machine, took more than %v cores: do not trust these figures", upset, all, foreign)
}

// ours is the candidate that a promise is about: the one of that name, or the first one
// of kind ours.
func (b *board) ours(name string) *entry {
	return b.find(func(e *entry) bool { return e.kind == result.Ours && (name == "" || e.name == name) })
}

// perMessage is the allocations per message, one sample a repetition; none without statistics.
func perMessage(e *entry) []sample {
	var samples []sample
	for _, r := range e.reps {
		if r.Allocs != nil {
			samples = append(samples, sample{rep: r.Rep, value: *r.Allocs})
		}
	}
	return samples
}

func alone(value func(result.Slice) float64) func(*entry) []sample {
	return func(e *entry) []sample {
		return fromSlices(e, func(r result.Result) []result.Slice { return r.Slices }, value)
	}
}

func beside(value func(result.Slice) float64) func(*entry) []sample {
	return func(e *entry) []sample {
		return fromSlices(e, func(r result.Result) []result.Slice { return r.Beside }, value)
	}
}

// foreign is the cores used by others from which on a slice counts as disturbed.
const foreign = 0.25

func fromSlices(e *entry, slicesOf func(result.Result) []result.Slice, value func(result.Slice) float64) []sample {
	var samples []sample
	for _, r := range e.reps {
		for _, s := range slicesOf(r) {
			samples = append(samples, sample{r.Rep, s.Round, value(s), s.Foreign > foreign})
		}
	}
	return samples
}

func idle(value func(*result.Idle) float64) func(*entry) []sample {
	return func(e *entry) []sample {
		var samples []sample
		for _, r := range e.reps {
			if r.Idle != nil {
				samples = append(samples, sample{rep: r.Rep, value: value(r.Idle)})
			}
		}
		return samples
	}
}
