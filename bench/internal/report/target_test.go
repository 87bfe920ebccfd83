package report

import (
	"slices"
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

// kept is a run of all scenarios that have promises, and each is kept with much to spare:
// the best library is at 100 in everything, the floor is better than all.
func kept() []result.Result {
	var all []result.Result
	for _, name := range TargetScenarios() {
		all = append(all,
			ours(name, "hawser"),
			measured(name, "slow", result.Library, result.Slice{Rate: 50, CPU: 200, P50: 200, P99: 200}),
			measured(name, "best", result.Library, result.Slice{Rate: 100, CPU: 100, P50: 100, P99: 100}),
			measured(name, "floor", result.Floor, result.Slice{Rate: 1e9, CPU: 0.01, P50: 0.01, P99: 0.01}),
			ours(name, async),
		)
	}
	return all
}

func ours(scenario, name string) result.Result {
	r := measured(scenario, name, result.Ours, result.Slice{Rate: 1e6, CPU: 1, P50: 1, P99: 1})
	r.Beside, r.Allocs, r.Idle = slices.Clone(r.Slices), new(float64), &result.Idle{RSS: 1, RSSUsed: 1}
	return r
}

// set changes a figure of one candidate.
func set(results []result.Result, scenario, candidate, figure string, v float64) {
	i := slices.IndexFunc(results, func(r result.Result) bool { return r.Scenario == scenario && r.Candidate == candidate })
	r := &results[i]
	for i := range r.Slices {
		switch s := &r.Slices[i]; figure {
		case "rate":
			s.Rate = v
		case "cpu":
			s.CPU = v
		case "p50":
			s.P50 = v
		case "p99":
			s.P99 = v
		case "beside":
			r.Beside[i].P99 = v
		case "rss":
			r.Idle.RSS = v
		case "used":
			r.Idle.RSSUsed = v
		case "allocs":
			r.Allocs = &v
		}
	}
}

// What must be kept, written down a second time: the worst that each figure may be, when
// the best library's is 100 and ours in other scenarios is 1.
var bounds = []struct {
	scenarios, candidate, figure string
	limit                        float64
	atLeast                      bool
	targets                      int
}{
	{"A-100-64 A-100-1k A-1000-64 A-1000-1k", "hawser", "cpu", 80, false, 4},
	{"A-100-64 A-100-1k A-1000-64 A-1000-1k", "hawser", "p50", 100, false, 4},
	{"A-100-64 A-100-1k A-1000-64 A-1000-1k", "hawser", "p99", 100, false, 4},
	{"A-1-64k A-100-64k A-1000-64k", "hawser", "cpu", 90, false, 3},
	{"A-1-64 A-1-1k A-1-64k", "hawser", "p50", 100, false, 3},
	{"B-1-64 B-10-64 B-100-64", "hawser", "rate", 1000, true, 3},
	{"B-1-64 B-10-64 B-100-64", "hawser", "cpu", 100. / 15, false, 3},
	{"B-1-1k B-10-1k B-100-1k", "hawser", "rate", 500, true, 3},
	{"B-1-1k B-10-1k B-100-1k", "hawser", "cpu", 100. / 8, false, 3},
	{"C-10000 C-18000", "hawser", "rss", 2600, false, 2},
	{"C-10000 C-18000", "hawser", "used", 2600, false, 2},
	{"D-1000-w16 D-10000-w16", "hawser", "cpu", 100. / 6, false, 2},
	{"D-1000-w16 D-10000-w16", "hawser", "rate", 400, true, 2},
	{"D-1000-w1 D-10000-w1", "hawser", "cpu", 100, false, 2},
	{"D-1000-w1 D-10000-w1", "hawser", "p50", 100, false, 2},
	{"E-64", "hawser", "cpu", 83, false, 1},
	{"F-100", "hawser", "cpu", 90, false, 1},
	{"FD-1000", "hawser", "cpu", 1.2, false, 1},
	{"G-10000", "hawser", "cpu", 1.5, false, 1},
	{"K-1-k100 K-100-k100", "hawser", "cpu", 100. / 15, false, 2},
	{"K-1-k1 K-100-k1", "hawser", "cpu", 83, false, 2},
	{"W-10", "hawser", "rate", 200, true, 1},
	{"TA-100-1k", "hawser", "cpu", 100, false, 1},
	{"TB-10-64", "hawser", "cpu", 50, false, 1},
	{"B-10-64", "hawser-async", "rate", 800, true, 1},
	{"A-100-64", "hawser-async", "cpu", 100, false, 1},
	{"S", "hawser", "beside", 2, false, 1},
	{"A-1-64 A-1-1k A-1-64k A-100-64 A-100-1k A-100-64k A-1000-64 A-1000-1k A-1000-64k", "hawser", "allocs", 0.01, false, 1},
	{"B-1-64 B-1-1k B-10-64 B-10-1k B-100-64 B-100-1k", "hawser", "allocs", 0.01, false, 1},
	{"D-1000-w1 D-1000-w16 D-10000-w1 D-10000-w16", "hawser", "allocs", 0.01, false, 1},
	{"K-1-k1 K-1-k100 K-100-k1 K-100-k100", "hawser", "allocs", 0.01, false, 1},
}

func TestEachPromiseIsJudgedAtItsLimit(t *testing.T) {
	for _, b := range bounds {
		for scenario := range strings.FieldsSeq(b.scenarios) {
			t.Run(scenario+"/"+b.candidate+"/"+b.figure, func(t *testing.T) {
				inside, outside := b.limit*0.99, b.limit*1.01
				if b.atLeast {
					inside, outside = outside, inside
				}
				results := kept()
				set(results, scenario, b.candidate, b.figure, inside)
				if missed := missed(results); len(missed) != 0 {
					t.Errorf("inside of the limit: %v", missed)
				}
				set(results, scenario, b.candidate, b.figure, outside)
				if missed := missed(results); len(missed) != 1 || missed[0] != scenario+" MISSED" {
					t.Errorf("outside of the limit: %v", missed)
				}
			})
		}
	}
}

func TestThereAreNoOtherPromises(t *testing.T) {
	want := 0
	for _, b := range bounds {
		want += b.targets
	}
	if got := len(Targets()); got != want {
		t.Errorf("%d targets, want %d", got, want)
	}
}

func missed(results []result.Result) []string {
	var all []string
	for _, v := range Judge(results, Targets()) {
		if !v.Met() {
			all = append(all, v.Where+" "+v.Word())
		}
	}
	return all
}

func TestAMissWithinTheNoiseIsMetUpToABound(t *testing.T) {
	upper, lower := Target{Limit: 100}, Target{Limit: 100, AtLeast: true}
	cases := []struct {
		name string
		v    Verdict
		want string
	}{
		{"below", Verdict{Target: upper, Estimate: Estimate{Value: 99, Noise: 5}}, "met"},
		{"above, within the noise", Verdict{Target: upper, Estimate: Estimate{Value: 104, Noise: 5}}, "met within the noise"},
		{"above, beyond the noise", Verdict{Target: upper, Estimate: Estimate{Value: 106, Noise: 5}}, "MISSED"},
		{"below, within the noise", Verdict{Target: lower, Estimate: Estimate{Value: 96, Noise: 5}}, "met within the noise"},
		{"below, beyond the noise", Verdict{Target: lower, Estimate: Estimate{Value: 94, Noise: 5}}, "MISSED"},
		{"noise excuses a quarter", Verdict{Target: upper, Estimate: Estimate{Value: 124, Noise: 500}}, "met within the noise"},
		{"and no more", Verdict{Target: upper, Estimate: Estimate{Value: 126, Noise: 500}}, "MISSED"},
		{"nor of a lower bound", Verdict{Target: lower, Estimate: Estimate{Value: 74, Noise: 500}}, "MISSED"},
	}
	for _, c := range cases {
		if got := c.v.Word(); got != c.want || c.v.Met() == (got == "MISSED") {
			t.Errorf("%s: %s, met is %v; want %s", c.name, got, c.v.Met(), c.want)
		}
	}
}

func TestWhatWasNotMeasuredIsNotMet(t *testing.T) {
	library := measured("A-100-64", "best", result.Library, result.Slice{CPU: 1})
	broken := ours("A-100-64", "hawser")
	broken.Err = "boom"
	cases := []struct {
		name    string
		results []result.Result
		want    string
	}{
		{"nothing", nil, "not measured"},
		{"hawser missing", []result.Result{library}, "ours"},
		{"no library", []result.Result{ours("A-100-64", "hawser")}, "no library"},
		{"hawser failed", []result.Result{library, broken}, "boom"},
		{"hawser has no slices", []result.Result{library, {Scenario: "A-100-64", Candidate: "hawser", Kind: result.Ours}}, "no figures"},
	}
	target := Targets()[:1]
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := Judge(c.results, target)[0]
			if v.Met() || v.Err == nil || !strings.Contains(v.Err.Error(), c.want) || v.Where != "A-100-64" || v.Word() != "not measured" {
				t.Errorf("%s %s: met is %v, err %v, want an error with %q", v.Where, v.Word(), v.Met(), v.Err, c.want)
			}
		})
	}
}

func TestAPartIsJudgedByWhatItHas(t *testing.T) {
	for _, c := range []struct {
		scenarios string
		want      int
	}{
		{"S", 1},
		{"A-100-64", 5},   // CPU, p50, p99, asynchronous, allocations
		{"E-64 F-100", 2}, // each alone
		{"FD-1000", 0},    // compared with FP-1000
		{"G-100", 0},      // as G-10000 is with it
		{"G-100 G-10000", 1},
		{strings.Join(TargetScenarios(), " "), len(Targets())},
	} {
		targets := TargetsWithin(strings.Fields(c.scenarios))
		if len(targets) != c.want {
			t.Errorf("%s: %d targets, want %d", c.scenarios, len(targets), c.want)
		}
		for _, v := range Judge(kept(), targets) {
			if !v.Met() || !slices.Contains(strings.Fields(c.scenarios), v.Where) {
				t.Errorf("%s: %s at %s: %s (%v)", c.scenarios, v.Name, v.Where, v.Word(), v.Err)
			}
		}
	}
}

func TestBoundsAreShownAsOneReadsThem(t *testing.T) {
	for want, target := range map[string]Target{
		"<= 0.83x": {Limit: 0.83}, "<= 1x": {Limit: 1}, "<= 1/15": {Limit: 1. / 15}, ">= 10x": {Limit: 10, AtLeast: true},
		"<= 2600": {Limit: 2600, plain: true}, "<= 0.01": {Limit: 0.01, plain: true},
	} {
		if got := target.Bound(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
