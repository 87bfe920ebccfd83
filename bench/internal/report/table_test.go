package report

import (
	"strings"
	"testing"

	"github.com/hawser-go/hawser/bench/internal/result"
)

func TestTablesCompareWithTheBestLibrary(t *testing.T) {
	two := 2.0
	gws := measured("A-100-64", "gws", result.Library, result.Slice{CPU: 10, Rate: 100, P50: 5, P99: 9})
	gws.Allocs = &two
	var text strings.Builder
	err := Tables(&text, append(kept(),
		gws,
		measured("A-100-64", "slow", result.Library, result.Slice{CPU: 40, Rate: 20}),
		result.Result{Scenario: "A-100-64", Candidate: "broken", Kind: result.Library, Err: "it fell over"},
	))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(text.String()), " ")
	for _, want := range []string{
		"### A-100-64", "### B-10-64", "### C-10000", "### S",
		"| gws | library | 100 | 1.00x | 5.00 | 9.00 | 10.0 | ±0% | 1.00x | 2.00 | 8 |",
		"| slow | library | 20.0 | 0.20x | 0.00 | 0.00 | 40.0 | ±0% | 4.00x | - | 8 |",
		"| broken | library | - |", "- broken: it fell over",
		"| hawser | ours | 3000 | - | - | 4000 |",
		"200 | 390 | 1.95x |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if strings.Index(got, "| cheaper ") > strings.Index(got, "| gws ") {
		t.Error("the cheapest is not first")
	}
}

func TestTablesOfADisturbedRunSaySo(t *testing.T) {
	var calm, upset strings.Builder
	_ = Tables(&calm, []result.Result{measured("A-1-64", "gws", result.Library, result.Slice{CPU: 1, Foreign: 0.2})})
	_ = Tables(&upset, []result.Result{measured("A-1-64", "gws", result.Library, result.Slice{CPU: 1, Foreign: 0.3})})
	if strings.Contains(calm.String(), "do not trust") || !strings.Contains(upset.String(), "in 8 of 8 slices") {
		t.Errorf("calm:\n%s\nupset:\n%s", calm.String(), upset.String())
	}
}
