package report

import (
	"strings"
	"testing"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// measured is a result with eight equal slices, so that there is no noise.
func measured(scenario, name string, kind result.Kind, s result.Slice) result.Result {
	r := result.Result{Scenario: scenario, Candidate: name, Kind: kind}
	for s.Round = range 8 {
		r.Slices = append(r.Slices, s)
	}
	return r
}

// kept is a run in which every promise is kept, each with a little to spare.
func kept() []result.Result {
	slow := measured("S", "hawser", result.Ours, result.Slice{P99: 200})
	slow.Beside = measured("S", "hawser", result.Ours, result.Slice{P99: 390}).Slices
	return []result.Result{
		measured("A-100-64", "hawser", result.Ours, result.Slice{CPU: 9.9}),
		measured("A-100-64", "costly", result.Library, result.Slice{CPU: 15}),
		measured("A-100-64", "cheap", result.Library, result.Slice{CPU: 10}),
		measured("A-100-64", "cheaper", result.Floor, result.Slice{CPU: 5}),
		measured("B-10-64", "hawser", result.Ours, result.Slice{Rate: 610}),
		measured("B-10-64", "quick", result.Library, result.Slice{Rate: 100}),
		measured("B-10-64", "quicker", result.Hand, result.Slice{Rate: 900}),
		{Scenario: "C-10000", Candidate: "hawser", Kind: result.Ours, Idle: &result.Idle{RSS: 3000, RSSUsed: 4000}},
		slow,
	}
}

func TestKeptPromisesAreMet(t *testing.T) {
	for _, v := range Judge(kept()) {
		if v.Err != nil || !v.Met() {
			t.Errorf("%s %s: %+v, %v", v.Scenario, v.Name, v.Estimate, v.Err)
		}
	}
}

func TestEachBrokenPromiseIsMissedAlone(t *testing.T) {
	cases := []struct {
		name   string
		target int
		spoil  func(results []result.Result)
	}{
		{"CPU above the cheapest library", 0, func(r []result.Result) { r[0] = measured("A-100-64", "hawser", result.Ours, result.Slice{CPU: 10.1}) }},
		{"rate below six times the quickest", 1, func(r []result.Result) { r[4] = measured("B-10-64", "hawser", result.Ours, result.Slice{Rate: 590}) }},
		{"fat idle connections", 2, func(r []result.Result) { r[7].Idle.RSS = 4097 }},
		{"fat used connections", 3, func(r []result.Result) { r[7].Idle.RSSUsed = 4097 }},
		{"bystanders stall", 4, func(r []result.Result) {
			r[8].Beside = measured("S", "hawser", result.Ours, result.Slice{P99: 410}).Slices
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			results := kept()
			c.spoil(results)
			for i, v := range Judge(results) {
				if v.Met() != (i != c.target) {
					t.Errorf("%s %s: met is %v (%+v, %v)", v.Scenario, v.Name, v.Met(), v.Estimate, v.Err)
				}
			}
		})
	}
}

func TestAMissWithinTheNoiseIsMetUpToABound(t *testing.T) {
	upper, lower := Target{Limit: 100}, Target{Limit: 100, AtLeast: true}
	cases := []struct {
		name string
		v    Verdict
		met  bool
	}{
		{"above, within the noise", Verdict{Target: upper, Estimate: Estimate{Value: 104, Noise: 5}}, true},
		{"above, beyond the noise", Verdict{Target: upper, Estimate: Estimate{Value: 106, Noise: 5}}, false},
		{"below, within the noise", Verdict{Target: lower, Estimate: Estimate{Value: 96, Noise: 5}}, true},
		{"below, beyond the noise", Verdict{Target: lower, Estimate: Estimate{Value: 94, Noise: 5}}, false},
		{"noise excuses a quarter at most", Verdict{Target: upper, Estimate: Estimate{Value: 130, Noise: 500}}, false},
	}
	for _, c := range cases {
		if got := c.v.Met(); got != c.met {
			t.Errorf("%s: met is %v", c.name, got)
		}
	}
}

func TestWhatWasNotMeasuredIsNotMet(t *testing.T) {
	cases := []struct {
		name    string
		results []result.Result
		want    string
	}{
		{"nothing", nil, "not measured"},
		{"hawser missing", kept()[1:2], "ours"},
		{"no library", kept()[:1], "no library"},
		{"hawser failed", append(kept()[1:2], result.Result{Scenario: "A-100-64", Candidate: "hawser", Kind: result.Ours, Err: "boom"}), "boom"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := Judge(c.results)[0]
			if v.Met() || v.Err == nil || !strings.Contains(v.Err.Error(), c.want) {
				t.Errorf("met is %v, err %v, want an error with %q", v.Met(), v.Err, c.want)
			}
		})
	}
}

func TestVerdictsAreShown(t *testing.T) {
	var text strings.Builder
	met, err := Verdicts(&text, Judge(kept()))
	if err != nil || !met {
		t.Errorf("met is %v, err %v", met, err)
	}
	met, err = Verdicts(&text, Judge(nil))
	if err != nil || met {
		t.Errorf("nothing measured: met is %v, err %v", met, err)
	}
	for _, want := range []string{"   cheap |", "6.10", ">= 6.00", "MISSED"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
