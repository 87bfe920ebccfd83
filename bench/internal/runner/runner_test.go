package runner

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hawser-go/hawser/bench/internal/load"
	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/bench/internal/result"
)

// binaries is the folder of the programs that build has made.
var binaries string

func TestMain(m *testing.M) {
	var err error
	if binaries, err = os.MkdirTemp("", "hbench"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(binaries)
		os.Exit(code)
	}))
}

// tiny is long enough to see that all parts work, and too short for any figure.
var tiny = Options{
	Rounds: 1, Slice: 30 * time.Millisecond, Warm: 2 * time.Millisecond,
	Settle: 20 * time.Millisecond, Quiet: -1,
}

// build makes a program of this module, once, and returns the path of its binary.
func build(t *testing.T, program string) string {
	t.Helper()
	binary := filepath.Join(binaries, program)
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/"+program)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// gobwas builds srv-gobwas and returns it as two candidates.
func gobwas(t *testing.T) []Candidate {
	t.Helper()
	runtime.LockOSThread() // for the length of the test; its goroutine ends with it
	binary := build(t, "srv-gobwas")
	return []Candidate{
		{Name: "wsutil", Kind: result.Library, Tags: serverTags, Argv: []string{binary}},
		{Name: "raw", Kind: result.Hand, Tags: "A", Argv: []string{binary, "raw"}},
	}
}

func TestEveryKindOfScenarioYieldsFigures(t *testing.T) {
	candidates := gobwas(t)
	for _, s := range []Scenario{
		{Name: "A", Tag: 'A', Conns: 3, InFlight: 1, Size: 1024},
		{Name: "B", Tag: 'B', Conns: 2, InFlight: 100, Size: 64},
		{Name: "C", Tag: 'C', Shape: Idle, Conns: 200, InFlight: 1, Size: 64},
		{Name: "D", Tag: 'D', Shape: Fanout, Conns: 10, InFlight: 4, Size: 128},
		{Name: "E", Tag: 'E', Shape: Lives, Conns: 4, InFlight: 1, Size: 64},
		{Name: "F", Tag: 'F', Conns: 2, InFlight: 1, Size: 1024, Varied: true, Words: []string{peer.Deflate}},
		{Name: "FD", Tag: 'F', Shape: Fanout, Conns: 5, InFlight: 4, Size: 1024, Varied: true, Words: []string{peer.Deflate}},
		{Name: "G", Tag: 'G', Shape: Paced, Conns: 10, InFlight: 64, Size: 64, Rate: 2000, Stretch: 2},
		{Name: "S", Tag: 'S', Shape: Beside, Conns: 2, InFlight: 1, Size: 64, Stretch: 4},
		{Name: "T", Tag: 'T', Conns: 2, InFlight: 10, Size: 64, Words: []string{peer.TLS}},
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
	if s.Shape == Idle {
		if i := r.Idle; i == nil || i.Conns != 200 || i.RSS < 1000 || i.RSS > 1e6 || i.RSSUsed < 1000 || i.Routines < 0.9 || i.Routines > 1.1 {
			t.Errorf("idle: %+v", r.Idle)
		}
		return
	}
	all := r.Slices
	if s.Shape == Beside {
		all = append(all, r.Beside...)
	}
	if want := map[Shape]int{Beside: 2}[s.Shape]; len(all) != max(want, 1) {
		t.Errorf("%d slices", len(all))
	}
	for _, one := range all {
		if one.Rate < 100 || one.P50 <= 0 || one.P50 > one.P99 || one.P99 > one.Max*1.01 || one.CPU <= 0 {
			t.Errorf("slice: %+v", one)
		}
	}
	if r.Allocs == nil || *r.Allocs < 0 || s.Tag == 'A' && r.Candidate == "wsutil" && *r.Allocs < 1 {
		t.Errorf("allocations: %v", r.Allocs)
	}
}

func TestTypedRoutesAreMeasured(t *testing.T) {
	runtime.LockOSThread()
	s := Scenario{Name: "W", Tag: 'W', Shape: Typed, Conns: 2, InFlight: 10}
	c := Candidate{Name: "gorilla", Tags: "W", Argv: []string{build(t, "srv-gorilla")}}
	results, err := New(tiny).Measure(t.Context(), s, []Candidate{c}, 1)
	if err != nil {
		t.Fatal(err)
	}
	check(t, s, results[0])
}

func TestCandidatesTakeTurnsWhereDescriptorsDoNotSuffice(t *testing.T) {
	candidates := gobwas(t)
	candidates[1].Tags = "E"
	s := Scenario{Name: "E", Tag: 'E', Shape: Lives, Conns: 2, InFlight: 1, Size: 64, MaxRounds: 1}
	results, err := New(tiny).inTurn(t.Context(), s, candidates, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 2 || results[0].Candidate != "raw" || results[1].Candidate != "wsutil" {
		t.Fatalf("%+v", results)
	}
	for _, r := range results {
		check(t, s, r)
	}
	if !enough(Scenario{Conns: 1000}, 11) || enough(Scenario{Conns: int(limit())}, 1) {
		t.Errorf("the limit is %d", limit())
	}
}

func TestProfilesAreWrittenForServersThatHaveThem(t *testing.T) {
	candidates := gobwas(t)[:1]
	o := tiny
	o.Profiles = t.TempDir()
	s := Scenario{Name: "C", Tag: 'C', Shape: Idle, Conns: 5, InFlight: 1, Size: 64}
	for rep := range 2 {
		if _, err := New(o).Measure(t.Context(), s, candidates, rep); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(o.Profiles)
	if err != nil || len(files) != 1 || files[0].Name() != "C.wsutil.heap.pprof" {
		t.Errorf("%v, %v", files, err)
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
			l.try(func() error {
				g, err := load.New(load.Options{Payloads: l.scenario.payloads()})
				if err != nil {
					return err
				}
				l.load = g
				if err := l.open(g, 1); err != nil {
					return err
				}
				return g.Dial(l.server.Addr(), load.DialOptions{Path: route, Conns: 1, Side: true})
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
		s := Scenario{Name: string(tag), Tag: tag, Shape: map[byte]Shape{'C': Idle}[tag], Conns: 1, InFlight: 1, Size: 64}
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
