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
	slow := measured("S", "hawser", result.Ours, result.Slice{P99: 200})
	slow.Beside = measured("S", "hawser", result.Ours, result.Slice{P99: 390}).Slices
	var text strings.Builder
	err := Tables(&text, []result.Result{
		measured("A-100-64", "hawser", result.Ours, result.Slice{CPU: 0.5, Rate: 610}),
		gws,
		measured("A-100-64", "cheaper", result.Floor, result.Slice{CPU: 0.4}),
		measured("A-100-64", "slow", result.Library, result.Slice{CPU: 40, Rate: 20}),
		{Scenario: "A-100-64", Candidate: "broken", Kind: result.Library, Err: "it fell over"},
		{Scenario: "C-10000", Candidate: "hawser", Kind: result.Ours, Idle: &result.Idle{RSS: 3000, RSSUsed: 4000}},
		slow,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(text.String()), " ")
	for _, want := range []string{
		"### A-100-64", "### C-10000", "### S",
		"| gws | library | 100 | 1.00x | 5.00 | 9.00 | 10.0 | ±0% | 1.00x | 2.00 | 8 |",
		"| slow | library | 20.0 | 0.20x | 0.00 | 0.00 | 40.0 | ±0% | 4.00x | - | 8 |",
		"| hawser | ours | 610 | 6.10x | 0.00 | 0.00 | 0.500 | ±0% | 0.050x | - | 8 |",
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

func TestTablesAreMarkdownWithColumnsBelowEachOther(t *testing.T) {
	table := newTable("name", "kind", "CPU")
	table.row("", "x", "ours", "1.00x")
	table.row("it broke", "longer", "floor", "-")
	const want = "" +
		"| name   | kind  |   CPU |\n" +
		"|--------|-------|------:|\n" +
		"| x      | ours  | 1.00x |\n" +
		"| longer | floor |     - |\n" +
		"\n- longer: it broke\n"
	if got := table.text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFiguresHaveThreeDigits(t *testing.T) {
	for _, c := range []struct {
		v                       float64
		number, compact, factor string
	}{
		{0, "0.00", "0.00", "0.00x"},
		{0.00031, "0.0003", "0.0003", "0.000x"},
		{0.0471, "0.0471", "0.0471", "0.047x"},
		{0.625, "0.625", "0.625", "0.62x"},
		{4.256, "4.26", "4.26", "4.26x"},
		{42.56, "42.6", "42.6", "42.56x"},
		{9876, "9876", "9876", "9876.00x"},
		{123456, "123456", "123.5k", "123456.00x"},
		{4567890, "4567890", "4.57M", "4567890.00x"},
		{-123, "-123", "-123", "-123.00x"},
	} {
		if got := [3]string{number(c.v), compact(c.v), times(c.v)}; got != [3]string{c.number, c.compact, c.factor} {
			t.Errorf("%v is %q, want %q, %q, %q", c.v, got, c.number, c.compact, c.factor)
		}
	}
}
