package runner

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hawser-go/hawser/bench/internal/load"
	"github.com/hawser-go/hawser/bench/internal/result"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tiny is long enough to see that all parts work, and too short for any figure.
var tiny = Options{
	Rounds: 1, Slice: 30 * time.Millisecond, Warm: 2 * time.Millisecond,
	Settle: 20 * time.Millisecond, Quiet: -1,
}

// gobwas builds srv-gobwas and returns it as two candidates.
func gobwas(t *testing.T) []Candidate {
	t.Helper()
	runtime.LockOSThread()
	binary := filepath.Join(t.TempDir(), "srv-gobwas")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/srv-gobwas")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return []Candidate{
		{Name: "wsutil", Kind: result.Library, Tags: allTags, Argv: []string{binary}},
		{Name: "raw", Kind: result.Hand, Tags: "A", Argv: []string{binary, "raw"}},
	}
}

func TestEveryKindOfScenarioYieldsFigures(t *testing.T) {
	candidates := gobwas(t)
	for _, s := range []Scenario{
		{Name: "A", Tag: 'A', Conns: 3, InFlight: 1, Size: 1024},
		{Name: "B", Tag: 'B', Conns: 2, InFlight: 100, Size: 64},
		{Name: "C", Tag: 'C', Conns: 200, InFlight: 1, Size: 64},
		{Name: "S", Tag: 'S', Conns: 2, InFlight: 1, Size: 64},
	} {
		t.Run(s.Name, func(t *testing.T) {
			results, err := New(tiny).Measure(t.Context(), s, candidates, 1)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[string]int{"A": 2}[s.Name]; len(results) != max(want, 1) {
				t.Errorf("%d results", len(results))
			}
			for _, r := range results {
				check(t, s, r)
			}
		})
	}
}

func check(t *testing.T, s Scenario, r result.Result) {
	t.Helper()
	if r.Err != "" || r.Scenario != s.Name || r.Rep != 1 {
		t.Fatalf("%+v", r)
	}
	if s.Tag == 'C' {
		if i := r.Idle; i == nil || i.Conns != 200 || i.RSS < 1000 || i.RSS > 1e6 || i.RSSUsed < 1000 || i.Routines < 0.9 || i.Routines > 1.1 {
			t.Errorf("idle: %+v", r.Idle)
		}
		return
	}
	all := r.Slices
	if s.Tag == 'S' {
		all = append(all, r.Beside...)
	}
	if want := map[byte]int{'S': 2}[s.Tag]; len(all) != max(want, 1) {
		t.Errorf("%d slices", len(all))
	}
	for _, one := range all {
		if one.Rate < 100 || one.P50 <= 0 || one.P50 > one.P99 || one.P99 > one.Max*1.01 || one.CPU <= 0 {
			t.Errorf("slice: %+v", one)
		}
	}
	if r.Allocs == nil || *r.Allocs < 0 || r.Candidate == "wsutil" && *r.Allocs < 1 {
		t.Errorf("allocations: %v", r.Allocs)
	}
}

func TestACandidateThatFailsDoesNotStopTheOthers(t *testing.T) {
	candidates := gobwas(t)
	candidates[1].Argv = []string{"/bin/true"}
	s := Scenario{Name: "A", Tag: 'A', Conns: 1, InFlight: 1, Size: 64}
	results, err := New(tiny).Measure(t.Context(), s, candidates, 0)
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Err != "" || !strings.Contains(results[1].Err, "ended before") {
		t.Errorf("errors %q and %q", results[0].Err, results[1].Err)
	}
}

func TestARouteThatIsNotSlowIsAnError(t *testing.T) {
	for route, want := range map[string]string{"/echo": "not a slow module", "/slow": ""} {
		t.Run(route, func(t *testing.T) {
			l := startLane(Scenario{Name: "S", Tag: 'S', Conns: 1, InFlight: 1, Size: 64}, gobwas(t)[0], 0)
			defer l.close()
			l.try(func() error { return l.open(1) })
			l.try(func() error {
				return l.generator.Dial(l.server.Addr(), load.DialOptions{Path: route, Conns: 1, Side: true})
			})
			l.try(func() error {
				_, err := l.slice(0, 0, 120*time.Millisecond, true)
				return err
			})
			if got := l.result.Err; !strings.Contains(got, want) || want == "" && got != "" {
				t.Errorf("error %q, want one with %q", got, want)
			}
		})
	}
}

func TestACancelledRunEnds(t *testing.T) {
	candidates := gobwas(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tag := range []byte("AC") {
		s := Scenario{Name: string(tag), Tag: tag, Conns: 1, InFlight: 1, Size: 64}
		if _, err := New(tiny).Measure(ctx, s, candidates, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("%c: %v", tag, err)
		}
	}
}

func TestTooManyDescriptorsAreRefusedBeforehand(t *testing.T) {
	c := Candidate{Name: "x", Tags: "AC", Argv: []string{"/bin/true"}}
	_, err := New(tiny).Measure(t.Context(), Scenario{Name: "A", Tag: 'A', Conns: 1 << 30}, []Candidate{c, c}, 0)
	if err == nil || !strings.Contains(err.Error(), "descriptors") {
		t.Errorf("Measure = %v", err)
	}
}
