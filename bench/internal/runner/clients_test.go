package runner

import (
	"runtime"
	"strings"
	"testing"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// kilo is K with little in it.
var kilo = Scenario{Name: "K", Tag: 'K', Shape: Client, Conns: 2, InFlight: 3, Size: 64}

func TestClientsAreMeasuredWithTheServer(t *testing.T) {
	runtime.LockOSThread()
	o := tiny
	o.Rounds, o.Server = 2, Candidate{Name: "floor", Argv: []string{build(t, "srv-floor")}}
	results, err := New(o).Measure(t.Context(), kilo, []Candidate{
		{Name: "cli-gobwas", Kind: result.Library, Tags: clientTags, Argv: []string{build(t, "cli-gobwas")}},
		{Name: "broken", Kind: result.Library, Tags: clientTags, Argv: []string{"/bin/true"}},
		{Name: "no client", Kind: result.Library, Tags: serverTags, Argv: []string{"/bin/false"}},
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 2 || !strings.Contains(results[1].Err, `waiting for the line "start": the client ended`) {
		t.Fatalf("%+v", results)
	}
	r := results[0]
	if r.Err != "" || r.Rep != 1 || len(r.Slices) != 2 || r.Allocs == nil || *r.Allocs < 1 {
		t.Fatalf("%+v", r)
	}
	for round, s := range r.Slices {
		if s.Round != round || s.Rate < 100 || s.P50 <= 0 || s.P50 > s.P99 || s.CPU <= 0 {
			t.Errorf("slice %d: %+v", round, s)
		}
	}
}

func TestClientsNeedAServer(t *testing.T) {
	runtime.LockOSThread()
	for _, c := range []struct {
		server Candidate
		want   string
	}{
		{Candidate{}, `no server of kind "floor"`},
		{Candidate{Name: "floor", Argv: []string{"/bin/true"}}, "floor: the server ended"},
	} {
		o := tiny
		o.Server = c.server
		results, err := New(o).Measure(t.Context(), kilo, []Candidate{{Name: "x", Tags: clientTags, Argv: []string{"/bin/true"}}}, 0)
		if err != nil || len(results) != 1 || !strings.Contains(results[0].Err, c.want) {
			t.Errorf("%+v, %v, want an error with %q", results, err, c.want)
		}
	}
}

func TestFiguresOfAClient(t *testing.T) {
	got, err := parseFigures("100 0.5 12.5 40 7 900")
	if want := (figures{messages: 100, seconds: 0.5, p50: 12.5, p99: 40, mallocs: 7}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "100 0.5 12.5 40 7", "x 0.5 12.5 40 7 900", "0 0.5 0 0 0 0", "100 0 12.5 40 7 900"} {
		if f, err := parseFigures(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, f)
		}
	}
}
