package plot

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-go/hawser/bench/internal/result"
)

var update = flag.Bool("update", false, "write the golden files anew")

func sample() Chart {
	return Chart{
		Title: "What it costs", Note: "CPU per message", Mark: 1, MarkName: "best library",
		Tick:   func(v float64) string { return fmt.Sprintf("%gx", v) },
		Legend: []Key{{result.Ours, "Hawser"}, {result.Library, "libraries"}},
		Groups: []Group{
			{Title: "A-1", Bars: []Bar{
				{Name: "hawser", Kind: result.Ours, Value: 0.62, Noise: 0.05, Label: "0.62x", Detail: "6.5 s"},
				{Name: "gws", Kind: result.Library, Value: 1, Label: "1.00x"},
			}},
			{Bars: []Bar{{Name: `<slow> & "odd"`, Kind: result.Hand, Value: 4.2, Label: "4.20x"}}},
		},
	}
}

func draw(t *testing.T, c Chart) string {
	t.Helper()
	var text strings.Builder
	if err := c.WriteSVG(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestChartsLookAsTheyDid(t *testing.T) {
	logarithmic := sample()
	logarithmic.Log = true
	logarithmic.Groups[0].Bars[0].Value = 0.047
	for name, c := range map[string]Chart{"linear": sample(), "log": logarithmic} {
		t.Run(name, func(t *testing.T) {
			file, got := "testdata/"+name+".svg", draw(t, c)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("it differs from %s (-update writes it):\n%s", file, got)
			}
		})
	}
}

func TestChartsAreWellFormedWhateverTheNames(t *testing.T) {
	text := draw(t, sample())
	decoder := xml.NewDecoder(strings.NewReader(text))
	var seen []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if chars, ok := token.(xml.CharData); ok {
			seen = append(seen, string(chars))
		}
	}
	for _, want := range []string{"What it costs", "CPU per message", "best library", "A-1", "hawser", "0.62x", "6.5 s", `<slow> & "odd"`} {
		if !slices.Contains(seen, want) {
			t.Errorf("no text %q", want)
		}
	}
}

func TestAChartWithoutBarsIsAnError(t *testing.T) {
	c := sample()
	c.Groups = []Group{{Title: "nobody"}}
	if err := c.WriteSVG(io.Discard); err == nil || !strings.Contains(err.Error(), "What it costs") {
		t.Errorf("err = %v, want one that names the chart", err)
	}
}

func TestBarsWithoutAPlaceOnTheAxisHaveLabelsOnly(t *testing.T) {
	c := sample()
	c.Legend, c.Log = nil, true
	c.Groups = []Group{{Bars: []Bar{{Name: "free", Kind: result.Ours, Label: "0.00x"}}}}
	if text := draw(t, c); strings.Contains(text, `<rect class="ours"`) || !strings.Contains(text, ">free<") {
		t.Errorf("want a label and no bar:\n%s", text)
	}
}

func TestAxesHaveRoundEndsAndRoomForAll(t *testing.T) {
	for _, c := range []struct {
		name      string
		values    []float64
		log       bool
		low, high float64
		ticks     []float64
	}{
		{"linear", []float64{0.6, 1, 4.2}, false, 0, 5, []float64{0, 1, 2, 3, 4, 5}},
		{"linear, large", []float64{2500, 29_500}, false, 0, 30_000, []float64{0, 10_000, 20_000, 30_000}},
		{"linear, small", []float64{0.03}, false, 0, 0.03, []float64{0, 0.01, 0.02, 0.03}},
		{"linear, nothing", []float64{0}, false, 0, 1, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{"log", []float64{0.07, 1, 3}, true, 0.05, 5, []float64{0.05, 0.1, 0.2, 0.5, 1, 2, 5}},
		{"log, all alike", []float64{1}, true, 0.5, 2, []float64{0.5, 1, 2}},
		{"log, wide", []float64{0.001, 900}, true, 0.001, 1000, []float64{0.001, 0.01, 0.1, 1, 10, 100, 1000}},
		{"log, with what it cannot show", []float64{0, -1, 0.5, 2}, true, 0.5, 2, []float64{0.5, 1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAxis(c.values, c.log)
			same := slices.EqualFunc(a.ticks, c.ticks, func(x, y float64) bool { return math.Abs(x-y) < 1e-9*max(1, y) })
			if a.low != c.low || a.high != c.high || !same {
				t.Errorf("%v to %v with %v, want %v to %v with %v", a.low, a.high, a.ticks, c.low, c.high, c.ticks)
			}
			if a.at(a.low) != 0 || a.at(a.high) != 1 || a.at(a.high*2) != 1 {
				t.Error("the ends are not at the ends")
			}
		})
	}
}

func TestLogarithmicBarsOfOneFactorAreEquallyLong(t *testing.T) {
	a := newAxis([]float64{0.1, 10}, true)
	left, right := a.origin()-a.at(0.25), a.at(4)-a.origin()
	if math.Abs(left-right) > 1e-9 || left <= 0 {
		t.Errorf("a quarter takes %v, four times takes %v", left, right)
	}
}
