package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-go/hawser/bench/internal/result"
)

func document() Document {
	return Document{
		Recording: result.Recording{
			Machines: []result.Machine{{Cores: 2, Processor: "Fast", System: "linux/amd64", Kernel: "6.18", Go: "go1.26", Date: "2026-01-02"}},
			Results:  kept(),
		},
		Scenarios: []Scenario{{"D-1000-w1", "one at a time"}, {"D-1000-w16", "bursts"}, {"A-100-64", "ping-pong on a hundred"}},
		Link:      "images", Name: "performance",
	}
}

func TestADocumentHasWhatWasMeasured(t *testing.T) {
	text, _ := document().compose()
	got := strings.Join(strings.Fields(text), " ")
	for _, want := range []string{
		"*2 cores (Fast), linux/amd64 6.18, go1.26, 2026-01-02. Medians of up to 8 slices (repetitions: 1).*",
		"60 of 60 are kept.",
		"### A: ping-pong", "### W: typed messages behind middleware",
		"| candidate | kind | A-100-64 | A-100-1k |",                              // in the order of Scenarios, then as they come
		"| hawser | ours | 1.00 (0.010) | 1.00 (0.010) |",                         // CPU
		"| slow | library | 200 (2.00) | 200 (2.00) |",                            // in relation to the best
		"| candidate | kind | D-1000-w1 CPU | D-1000-w1 msg/s | D-1000-w16 CPU |", // two figures
		"C-10000 fresh", "p99 us beside", "goroutines",
		"<details><summary>msg/s, p50 us, p99 us, allocations per message</summary>",
		"![C, idle connections: resident bytes per connection](images/performance-c.svg)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestADocumentSaysWhatWentWrong(t *testing.T) {
	d := document()
	d.Recording.Machines = nil
	set(d.Recording.Results, "E-64", "hawser", "cpu", 300)
	for i := range d.Recording.Results {
		r := &d.Recording.Results[i]
		switch {
		case r.Scenario == "E-64" && r.Candidate == "slow":
			r.Err = "it fell over"
		case r.Scenario == "S":
			r.Scenario = "unheard of"
		case r.Scenario == "D-1000-w1":
			for j := range r.Slices {
				r.Slices[j].Foreign = 1
			}
		}
	}
	text, _ := d.compose()
	for _, want := range []string{
		"A machine that the records do not name.", "58 of 60 are kept, 1 missed, 1 not measured.", "MISSED",
		"- E-64, slow: it fell over", "- D-1000-w1: in ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "### S:") {
		t.Error("there is a section for what was not measured")
	}
}

func TestWriteDrawsThePicturesThatTheTextShows(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "performance.md")
	if err := os.WriteFile(file, []byte(pageBegin+"\n"+pageEnd+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := document()
	d.Pictures = filepath.Join(folder, "images")
	write := func() (files []string, text string) {
		page, err := OpenPage(file)
		if err != nil {
			t.Fatal(err)
		}
		if files, err = d.Write(page); err != nil {
			t.Fatal(err)
		}
		for _, name := range append([]string{file}, files...) {
			one, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text += string(one)
			if name != file {
				wellFormed(t, name, string(one))
			}
		}
		return files, text
	}
	files, first := write()
	if _, second := write(); second != first {
		t.Error("the second time it is something else")
	}
	var shown, drawn []string
	for _, m := range regexp.MustCompile(`\]\(images/([^)]+)\)`).FindAllStringSubmatch(first, -1) {
		shown = append(shown, m[1])
	}
	for _, f := range files {
		drawn = append(drawn, filepath.Base(f))
	}
	if !slices.Equal(shown, drawn) || !slices.Contains(drawn, "performance-d-rate.svg") {
		t.Errorf("shown are %v, drawn %v", shown, drawn)
	}
}

func wellFormed(t *testing.T, name, svg string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}

func TestChartsCompareWithTheBestLibrary(t *testing.T) {
	all := document().boards()
	for _, g := range groups() {
		if g.name != "D" && g.name != "A" {
			continue
		}
		c, _ := g.charts[0](g, g.in(all), document().what())
		if !c.Log {
			t.Errorf("%s: a hundredth is on a linear axis", g.name)
		}
		first := c.Groups[0]
		if want := map[string]string{"A": "A-100-64: ping-pong on a hundred", "D": "D-1000-w1: one at a time"}[g.name]; first.Title != want {
			t.Errorf("%s: the first group is %q, want %q", g.name, first.Title, want)
		}
		got := make([]string, 0, len(first.Bars))
		for _, b := range first.Bars {
			got = append(got, b.Name+" "+b.Label+" "+b.Detail)
		}
		want := []string{"floor 0.000x 0.0100 s", "hawser 0.010x 1.00 s", "hawser-async 0.010x 1.00 s", "best 1.00x 100 s", "slow 2.00x 200 s"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the bars are %q, want %q", g.name, got, want)
		}
		if len(c.Legend) != 3 {
			t.Errorf("%s: the legend is %v, want ours, libraries and the floor", g.name, c.Legend)
		}
	}
}

func TestChartsWithManyScenariosShowTheBestLibrariesOnly(t *testing.T) {
	results := []result.Result{ours("A-1-64", "hawser")}
	for i, name := range []string{"third", "second", "first", "fifth", "fourth"} {
		results = append(results, measured("A-1-64", name, result.Library, result.Slice{CPU: []float64{3, 2, 1, 5, 4}[i]}))
	}
	b := boards(results)[0]
	for libraries, want := range map[int]int{allLibraries: 6, fewLibraries: 4} {
		c, _ := relativeCPU(libraries)(groups()[0], []*board{b}, nil)
		if got := len(c.Groups[0].Bars); got != want {
			t.Errorf("%d libraries: %d bars, want %d", libraries, got, want)
		}
		if last := c.Groups[0].Bars[3].Name; last != "third" {
			t.Errorf("%d libraries: the fourth bar is %s", libraries, last)
		}
	}
}
