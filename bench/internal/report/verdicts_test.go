package report

import (
	"os"
	"strings"
	"testing"

	"github.com/hawser-go/hawser/bench/internal/result"
)

func TestVerdictsAreShown(t *testing.T) {
	results := kept()
	set(results, "B-10-64", "hawser", "rate", 610)
	set(results, "C-10000", "hawser", "rss", 2650)
	results = append(results, result.Result{Scenario: "C-10000", Candidate: "hawser", Kind: result.Ours, Rep: 1, Idle: &result.Idle{RSS: 2500, RSSUsed: 1}})
	set(results, "K-1-k1", "hawser", "cpu", 10)
	for i, r := range results {
		if r.Scenario == "E-64" && r.Kind == result.Ours {
			results[i].Err = "it fell over"
		}
	}
	var text strings.Builder
	met, err := Verdicts(&text, Judge(results, Targets()))
	if err != nil || met {
		t.Errorf("met is %v, err %v", met, err)
	}
	got := strings.Join(strings.Fields(text.String()), " ")
	for _, want := range []string{
		"| B-10-64 | messages per second, of the best library's | >= 10x | 6.10x | ±0.00 | best | MISSED |",
		"| C-10000 | RSS bytes per idle connection | <= 2600 | 2575 | ±75.0 | | met |",
		"| K-1-k1 | CPU per message of a client, of the best library's | <= 0.83x | 0.10x | ±0.00 | best | met |",
		"| E-64 | CPU per connection, of the best library's | <= 0.83x | - | - | | not measured |",
		"- E-64: CPU per connection, of the best library's: hawser: it fell over",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

func TestAllIsMetOnlyIfAllIs(t *testing.T) {
	var text strings.Builder
	if met, err := Verdicts(&text, Judge(kept(), Targets())); err != nil || !met {
		t.Errorf("all are kept: met is %v, err %v", met, err)
	}
	if met, err := Verdicts(&text, Judge(nil, Targets())); err != nil || met {
		t.Errorf("nothing was measured: met is %v, err %v", met, err)
	}
}

// The README of this module lists the promises as they are judged, and no others.
func TestTheReadmeListsThePromises(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Promises\n")
	if !found {
		t.Fatal("there is no section Promises")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := strings.Count(section, "\n| ") - 1 // but the head
	if want := len(promises()); rows != want {
		t.Errorf("%d promises are listed, want %d", rows, want)
	}
	for _, p := range promises() {
		row := "| " + strings.Join(p.scenarios, ", ") + " | " + p.what + " | " + p.targets()[0].Bound() + " |"
		if !strings.Contains(section, row+"\n") {
			t.Errorf("it lacks\n%s", row)
		}
	}
}
