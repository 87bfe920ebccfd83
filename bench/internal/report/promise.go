package report

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// promise is one line of what Hawser promises: for each of its scenarios, or for all
// together.
type promise struct {
	scenarios []string
	together  bool   // one target of all scenarios, else one each
	each      bool   // of one together: see Target
	candidate string // who keeps it; empty: the first candidate of kind ours
	what      string
	limit     float64
	atLeast   bool // limit is a lower bound; else an upper one
	plain     bool // a figure, not a ratio
	measure   func([]place) outcome
}

// The scenarios that promises speak of.
var (
	oneConn       = []string{"A-1-64", "A-1-1k", "A-1-64k"}
	manyConns     = []string{"A-100-64", "A-100-1k", "A-1000-64", "A-1000-1k"}
	largeMessages = []string{"A-1-64k", "A-100-64k", "A-1000-64k"}
	floods64      = []string{"B-1-64", "B-10-64", "B-100-64"}
	floods1k      = []string{"B-1-1k", "B-10-1k", "B-100-1k"}
	idleConns     = []string{"C-10000", "C-18000"}
	singles       = []string{"D-1000-w1", "D-10000-w1"}
	bursts        = []string{"D-1000-w16", "D-10000-w16"}
	clientsOne    = []string{"K-1-k1", "K-100-k1"}
	clientsMany   = []string{"K-1-k100", "K-100-k100"}
)

const (
	idleLimit = 2600 // bytes

	async  = "hawser-async" // its module is declared asynchronous
	ofBest = ", of the best library's"
)

// promises is everything that `hbench check` judges. Limits of CPU are ratios of
// processor seconds for the same number of messages.
func promises() []promise {
	return slices.Concat(echoPromises(), []promise{
		{scenarios: idleConns, what: "RSS bytes per idle connection", limit: idleLimit, plain: true, measure: absolute(rss)},
		{scenarios: idleConns, what: "RSS bytes per connection after one echo on each", limit: idleLimit, plain: true, measure: absolute(rssUsed)},
		{scenarios: bursts, what: "CPU per delivery" + ofBest, limit: 1. / 6, measure: against(cpu)},
		{scenarios: bursts, what: "deliveries per second" + ofBest, limit: 4, atLeast: true, measure: against(rate)},
		{scenarios: singles, what: "CPU per delivery" + ofBest, limit: 1, measure: against(cpu)},
		{scenarios: singles, what: "p50 of the last delivery" + ofBest, limit: 1, measure: against(p50)},
		{scenarios: []string{"E-64"}, what: "CPU per connection" + ofBest, limit: 0.83, measure: against(cpu)},
		{scenarios: []string{"F-100"}, what: "CPU per message" + ofBest, limit: 0.9, measure: against(cpu)},
		{
			scenarios: []string{"FD-1000", "FP-1000"}, together: true,
			what: "CPU per delivery with deflate, of that without", limit: 1.2, measure: between(cpu),
		},
		{
			scenarios: []string{"G-10000", "G-100"}, together: true,
			what: "CPU per message on 10,000 connections, of that on 100", limit: 1.5, measure: between(cpu),
		},
		{scenarios: clientsMany, what: "CPU per message of a client" + ofBest, limit: 1. / 15, measure: against(cpu)},
		{scenarios: clientsOne, what: "CPU per message of a client" + ofBest, limit: 0.83, measure: against(cpu)},
		{scenarios: []string{"S"}, what: "p99 beside a slow module, of that alone", limit: 2, measure: slowdown},
		{scenarios: []string{"TA-100-1k"}, what: "CPU per message" + ofBest, limit: 1, measure: against(cpu)},
		{scenarios: []string{"TB-10-64"}, what: "CPU per message" + ofBest, limit: 0.5, measure: against(cpu)},
		{scenarios: []string{"W-10"}, what: "rate, of the same by hand on a library", limit: 2, atLeast: true, measure: against(rate)},
		thrifty(slices.Concat(oneConn, manyConns, largeMessages[1:])), thrifty(slices.Concat(floods64, floods1k)),
		thrifty(slices.Concat(singles, bursts)), thrifty(slices.Concat(clientsOne, clientsMany)),
	})
}

// echoPromises is those of A and B.
func echoPromises() []promise {
	return []promise{
		{scenarios: manyConns, what: "CPU per message" + ofBest, limit: 0.8, measure: against(cpu)},
		{scenarios: manyConns, what: "p50" + ofBest, limit: 1, measure: against(p50)},
		{scenarios: manyConns, what: "p99" + ofBest, limit: 1, measure: against(p99)},
		{scenarios: largeMessages, what: "CPU per message" + ofBest, limit: 0.9, measure: against(cpu)},
		{scenarios: oneConn, what: "p50" + ofBest, limit: 1, measure: against(p50)},
		{scenarios: floods64, what: "messages per second" + ofBest, limit: 10, atLeast: true, measure: against(rate)},
		{scenarios: floods64, what: "CPU per message" + ofBest, limit: 1. / 15, measure: against(cpu)},
		{scenarios: floods1k, what: "messages per second" + ofBest, limit: 5, atLeast: true, measure: against(rate)},
		{scenarios: floods1k, what: "CPU per message" + ofBest, limit: 1. / 8, measure: against(cpu)},
		{
			scenarios: []string{"A-100-64"}, candidate: async, what: "CPU per message, asynchronous module" + ofBest,
			limit: 1, measure: against(cpu),
		},
		{
			scenarios: []string{"B-10-64"}, candidate: async, what: "messages per second, asynchronous module" + ofBest,
			limit: 8, atLeast: true, measure: against(rate),
		},
	}
}

// thrifty promises that a message allocates nothing. What is left for chance is what
// drawing up the statistics takes, see the README of this module.
func thrifty(scenarios []string) promise {
	return promise{
		scenarios: scenarios, together: true, each: true, what: "allocations per message, the worst of them",
		limit: 0.01, plain: true, measure: worst(allocs),
	}
}

// targets is one for each scenario, or one for all.
func (p promise) targets() []Target {
	t := Target{
		Name: p.what, Scenarios: p.scenarios, Limit: p.limit, AtLeast: p.atLeast,
		each: p.each, candidate: p.candidate, plain: p.plain, measure: p.measure,
	}
	if p.together {
		return []Target{t}
	}
	var all []Target
	for _, name := range p.scenarios {
		t.Scenarios = []string{name}
		all = append(all, t)
	}
	return all
}

// against is the ratio to the best library by the same figure.
func against(f figure) func([]place) outcome {
	return func(places []place) outcome {
		p := places[0]
		best := p.board.best(f)
		if best == nil {
			return outcome{where: p.board.scenario, err: errors.New("no library was measured beside it")}
		}
		return outcome{Estimate: ratio(f.of(p.ours), f.of(best)), where: p.board.scenario, against: best.name}
	}
}

func absolute(f figure) func([]place) outcome {
	return func(places []place) outcome {
		return outcome{Estimate: f.estimate(places[0].ours), where: places[0].board.scenario}
	}
}

// worst is the highest of all places.
func worst(f figure) func([]place) outcome {
	return func(places []place) outcome {
		o := outcome{where: places[0].board.scenario}
		for _, p := range places {
			if e := f.estimate(p.ours); e.N > 0 && (o.N == 0 || e.Value > o.Value) {
				o = outcome{Estimate: e, where: p.board.scenario}
			}
		}
		return o
	}
}

// between is the ratio of the same candidate's figure in the first place to that in the second.
func between(f figure) func([]place) outcome {
	return func(places []place) outcome {
		a, b := places[0], places[1]
		return outcome{Estimate: ratio(f.of(a.ours), f.of(b.ours)), where: a.board.scenario, against: b.board.scenario}
	}
}

func slowdown(places []place) outcome {
	ours := places[0].ours
	return outcome{Estimate: ratio(p99Beside.of(ours), p99.of(ours)), where: places[0].board.scenario}
}

// place is where a promise is judged.
type place struct {
	board *board
	ours  *entry
}

// find is the place on the board of a scenario, or why there is none.
func find(all []*board, scenario, candidate string) (place, error) {
	i := slices.IndexFunc(all, func(b *board) bool { return b.scenario == scenario })
	if i < 0 {
		return place{}, errNotRun
	}
	ours := all[i].ours(candidate)
	switch {
	case ours == nil && candidate != "":
		return place{}, fmt.Errorf("%s was not measured", candidate)
	case ours == nil:
		return place{}, fmt.Errorf("no candidate of kind %q was measured", result.Ours)
	case ours.problems() != "":
		return place{}, fmt.Errorf("%s: %s", ours.name, ours.problems())
	}
	return place{all[i], ours}, nil
}

// errNotRun says that a run was about something else.
var errNotRun = errors.New("the scenario was not measured")
