package report

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// maxNoise bounds the excuse: a figure that is off by more than a quarter of its limit
// is a miss, however noisy the run was.
const maxNoise = 0.25

// Target is something that Hawser promises.
type Target struct {
	Name     string
	Scenario string
	Limit    float64
	AtLeast  bool // Limit is a lower bound; else an upper one

	measure func(b *board, ours *entry) (e Estimate, against string, err error)
}

// Targets lists the promises that `hbench check` keeps.
func Targets() []Target {
	return []Target{
		{Name: "CPU per message, of the best library's", Scenario: "A-100-64", Limit: 1.0, measure: against(cpu)},
		{Name: "rate, of the best library's", Scenario: "B-10-64", Limit: 6, AtLeast: true, measure: against(rate)},
		{Name: "RSS bytes per idle connection", Scenario: "C-10000", Limit: 4096, measure: absolute(rss)},
		{Name: "the same after one echo on each", Scenario: "C-10000", Limit: 4096, measure: absolute(rssUsed)},
		{Name: "p99 beside a slow module, of that alone", Scenario: "S", Limit: 2, measure: slowdown},
	}
}

// TargetScenarios is the scenarios that the targets need.
func TargetScenarios() []string {
	var names []string
	for _, t := range Targets() {
		if !slices.Contains(names, t.Scenario) {
			names = append(names, t.Scenario)
		}
	}
	return names
}

// Verdict is how a target came out.
type Verdict struct {
	Target
	Estimate
	Against string // the library that it was compared with, if any
	Err     error  // why it could not be measured
}

// Met reports whether the target is met, or missed by no more than the noise.
func (v Verdict) Met() bool {
	if v.Err != nil {
		return false
	}
	tolerance := min(v.Noise, maxNoise*v.Limit)
	if v.AtLeast {
		return v.Value >= v.Limit-tolerance
	}
	return v.Value <= v.Limit+tolerance
}

// Judge holds results against the targets.
func Judge(results []result.Result) []Verdict {
	all := boards(results)
	var verdicts []Verdict
	for _, t := range Targets() {
		v := Verdict{Target: t}
		v.Estimate, v.Against, v.Err = t.judge(all)
		verdicts = append(verdicts, v)
	}
	return verdicts
}

func (t Target) judge(all []*board) (e Estimate, against string, err error) {
	i := slices.IndexFunc(all, func(b *board) bool { return b.scenario == t.Scenario })
	if i < 0 {
		return e, "", errors.New("the scenario was not measured")
	}
	ours := all[i].find(func(e *entry) bool { return e.kind == result.Ours })
	if ours == nil {
		return e, "", errors.New("no candidate of kind \"ours\" was measured")
	}
	if problems := ours.problems(); problems != "" {
		return e, "", fmt.Errorf("%s: %s", ours.name, problems)
	}
	if e, against, err = t.measure(all[i], ours); err == nil && e.N == 0 {
		err = fmt.Errorf("%s has no figures", ours.name)
	}
	return e, against, err
}

// against is the ratio to the best library by the same figure.
func against(f figure) func(*board, *entry) (Estimate, string, error) {
	return func(b *board, ours *entry) (Estimate, string, error) {
		best := b.best(f)
		if best == nil {
			return Estimate{}, "", errors.New("no library was measured beside it")
		}
		return ratio(f.of(ours), f.of(best)), best.name, nil
	}
}

func absolute(f figure) func(*board, *entry) (Estimate, string, error) {
	return func(_ *board, ours *entry) (Estimate, string, error) { return f.estimate(ours), "", nil }
}

func slowdown(_ *board, ours *entry) (Estimate, string, error) {
	return ratio(p99Beside.of(ours), p99.of(ours)), "", nil
}

// Verdicts prints them as a table and reports whether all targets are met.
func Verdicts(w io.Writer, verdicts []Verdict) (met bool, err error) {
	met = true
	t := newTable("target", "scenario", "limit", "measured", "noise", "against", "verdict")
	for _, v := range verdicts {
		bound, problem, value, noise, verdict := "<= ", "", number(v.Value), "±"+number(v.Noise), "met"
		if v.AtLeast {
			bound = ">= "
		}
		if v.Err != nil {
			value, noise, problem = "-", "-", v.Err.Error()
		}
		if !v.Met() {
			met, verdict = false, "MISSED"
		}
		t.row(problem, v.Name, v.Scenario, bound+number(v.Limit), value, noise, v.Against, verdict)
	}
	return met, t.print(w, "Targets")
}
