package report

import (
	"fmt"
	"slices"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// maxNoise bounds the excuse: a figure that is off by more than a quarter of its limit
// is a miss, however noisy the run was.
const maxNoise = 0.25

// Target is something that Hawser promises.
type Target struct {
	Name      string
	Scenarios []string // that it needs
	Limit     float64
	AtLeast   bool // Limit is a lower bound; else an upper one

	each      bool // what holds for all Scenarios holds for some of them
	candidate string
	plain     bool // a figure, not a ratio
	measure   func([]place) outcome
}

// outcome is what a target was measured to be.
type outcome struct {
	Estimate
	where, against string
	err            error
}

// Targets lists what `hbench check` judges.
func Targets() []Target {
	var all []Target
	for _, p := range promises() {
		all = append(all, p.targets()...)
	}
	return all
}

// TargetsWithin is the targets that can be judged with no other scenarios than these.
func TargetsWithin(scenarios []string) []Target {
	other := func(s string) bool { return !slices.Contains(scenarios, s) }
	var all []Target
	for _, t := range Targets() {
		if t.each {
			t.Scenarios = slices.DeleteFunc(slices.Clone(t.Scenarios), other)
		}
		if len(t.Scenarios) > 0 && !slices.ContainsFunc(t.Scenarios, other) {
			all = append(all, t)
		}
	}
	return all
}

// TargetScenarios is the scenarios that the targets need.
func TargetScenarios() []string {
	var names []string
	for _, t := range Targets() {
		for _, s := range t.Scenarios {
			if !slices.Contains(names, s) {
				names = append(names, s)
			}
		}
	}
	return names
}

// Bound is the limit as text, such as "<= 0.8x"; small ratios are fractions.
func (t Target) Bound() string {
	sign := "<= "
	if t.AtLeast {
		sign = ">= "
	}
	const fraction = 0.2 // from here down they are easier to read
	switch {
	case t.plain:
		return fmt.Sprintf("%s%g", sign, t.Limit)
	case t.Limit < fraction:
		return fmt.Sprintf("%s1/%.0f", sign, 1/t.Limit)
	}
	return fmt.Sprintf("%s%gx", sign, t.Limit)
}

// write is a value of the target as text.
func (t Target) write(v float64) string {
	if t.plain {
		return number(v)
	}
	return times(v)
}

// Verdict is how a target came out.
type Verdict struct {
	Target
	Estimate
	Where   string // the scenario; of several the first, or the worst
	Against string // the library, or the scenario, that it was compared with, if any
	Err     error  // why it could not be measured
}

// Met reports whether the target is met, or missed by no more than the noise.
func (v Verdict) Met() bool { return v.Err == nil && v.within(min(v.Noise, maxNoise*v.Limit)) }

func (v Verdict) within(tolerance float64) bool {
	if v.AtLeast {
		return v.Value >= v.Limit-tolerance
	}
	return v.Value <= v.Limit+tolerance
}

// Word is the verdict as text.
func (v Verdict) Word() string {
	switch {
	case v.Err != nil:
		return "not measured"
	case v.within(0):
		return "met"
	case v.Met():
		return "met within the noise"
	}
	return "MISSED"
}

// Judge holds results against targets.
func Judge(results []result.Result, targets []Target) []Verdict {
	all := boards(results)
	verdicts := make([]Verdict, 0, len(targets))
	for _, t := range targets {
		o := t.judge(all)
		verdicts = append(verdicts, Verdict{Target: t, Estimate: o.Estimate, Where: o.where, Against: o.against, Err: o.err})
	}
	return verdicts
}

func (t Target) judge(all []*board) outcome {
	places := make([]place, 0, len(t.Scenarios))
	for _, s := range t.Scenarios {
		p, err := find(all, s, t.candidate)
		if err != nil {
			return outcome{where: s, err: err}
		}
		places = append(places, p)
	}
	o := t.measure(places)
	if o.err == nil && o.N == 0 {
		o.err = fmt.Errorf("%s has no figures", places[0].ours.name)
	}
	return o
}
