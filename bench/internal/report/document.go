package report

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hawser-go/hawser/bench/internal/plot"
	"github.com/hawser-go/hawser/bench/internal/result"
)

// Document is the tables and plots of a page.
type Document struct {
	Recording result.Recording
	// Scenarios says what each one is, and gives the order; those that it does not have
	// come last.
	Scenarios []Scenario

	// Pictures is the folder for the plots, as seen from the program; Link is the same
	// folder as seen from the page.
	Pictures, Link string
	// Name begins the names of the plots' files.
	Name string
}

// Scenario is the name of a scenario and what it is, in one line.
type Scenario struct{ Name, What string }

// picture is a plot and its file.
type picture struct {
	file  string
	chart plot.Chart
}

// Write draws the plots, and then puts the text into the page. It returns the files of
// the plots. The same recording always gives the same bytes.
func (d Document) Write(page *Page) (files []string, err error) {
	text, pictures := d.compose()
	if err := os.MkdirAll(d.Pictures, 0o755); err != nil {
		return nil, err
	}
	for _, p := range pictures {
		var svg strings.Builder
		if err := p.chart.WriteSVG(&svg); err != nil {
			return files, err
		}
		file := filepath.Join(d.Pictures, p.file)
		if err := os.WriteFile(file, []byte(svg.String()), 0o644); err != nil {
			return files, err
		}
		files = append(files, file)
	}
	return files, page.Write(text)
}

// compose is the text and what it shows.
func (d Document) compose() (string, []picture) {
	c := &composer{document: d}
	all := d.boards()
	c.printf("%s\n", d.conditions(all))
	c.show("overview", overview(all))
	c.promises()
	for _, g := range groups() {
		if mine := g.in(all); len(mine) > 0 {
			c.section(g, mine)
		}
	}
	return c.text.String(), c.pictures
}

// boards is those of the recording, in the document's order.
func (d Document) boards() []*board {
	place := func(b *board) int {
		if i := slices.IndexFunc(d.Scenarios, func(s Scenario) bool { return s.Name == b.scenario }); i >= 0 {
			return i
		}
		return len(d.Scenarios)
	}
	return slices.SortedStableFunc(slices.Values(boards(d.Recording.Results)), func(a, b *board) int { return cmp.Compare(place(a), place(b)) })
}

// what is each scenario by its name.
func (d Document) what() map[string]string {
	what := map[string]string{}
	for _, s := range d.Scenarios {
		what[s.Name] = s.What
	}
	return what
}

// conditions says on which machine, when, and how long.
func (d Document) conditions(all []*board) string {
	machines := make([]string, 0, len(d.Recording.Machines))
	for _, m := range d.Recording.Machines {
		machines = append(machines, m.String())
	}
	if len(machines) == 0 {
		machines = append(machines, "A machine that the records do not name")
	}
	most, reps := 0, 0
	for _, b := range all {
		for _, e := range b.entries {
			most, reps = max(most, len(rate.of(e))), max(reps, len(e.reps))
		}
	}
	return fmt.Sprintf("*%s. Medians of up to %d slices (repetitions: %d).*", strings.Join(machines, "; "), most, reps)
}

// composer is the text while it is written.
type composer struct {
	document Document
	text     strings.Builder
	pictures []picture
}

func (c *composer) printf(format string, args ...any) { fmt.Fprintf(&c.text, format, args...) }

// promises is the table of targets, and how many are met.
func (c *composer) promises() {
	verdicts := Judge(c.document.Recording.Results, Targets())
	t, _ := verdictTable(verdicts)
	met := count(verdicts, Verdict.Met)
	missing := count(verdicts, func(v Verdict) bool { return v.Err != nil })
	c.printf("\n### Promises\n\n%d of %d are kept", met, len(verdicts))
	if missed := len(verdicts) - met - missing; missed > 0 {
		c.printf(", %d missed", missed)
	}
	if missing > 0 {
		c.printf(", %d not measured", missing)
	}
	c.printf(".\n\n%s", t.text())
}

// section is a group: its plots, its table, and folded away what else was measured.
func (c *composer) section(g group, mine []*board) {
	c.printf("\n### %s: %s\n\n%s", g.name, g.title, g.text)
	if g.hasCPU() {
		c.printf(" CPU is processor seconds per million messages.")
	}
	if len(g.charts) > 0 { // the others compare with no library
		c.printf(" In brackets: relative to the best library.")
	}
	c.printf("\n")
	for _, chart := range g.charts {
		one, suffix := chart(g, mine, c.document.what())
		c.show(strings.ToLower(g.name)+suffix, one)
	}
	t := matrix(mine, g.table)
	t.remarks = remarks(mine)
	c.printf("\n%s", t.text())
	if len(g.others) == 0 {
		return
	}
	c.printf("\n<details><summary>%s</summary>\n", strings.Join(viewNames(g.others), ", "))
	for _, v := range g.others {
		c.printf("\n**%s**\n\n%s", v.name, matrix(mine, []view{v}).text())
	}
	c.printf("\n</details>\n")
}

func (g group) hasCPU() bool { return g.table[0].name == "CPU" }

func viewNames(views []view) []string {
	names := make([]string, 0, len(views))
	for _, v := range views {
		names = append(names, v.name)
	}
	return names
}

// show puts a chart into the text, if it has bars.
func (c *composer) show(key string, chart plot.Chart) {
	bars := 0
	for _, g := range chart.Groups {
		bars += len(g.Bars)
	}
	if bars == 0 {
		return
	}
	file := c.document.Name + "-" + key + ".svg"
	c.pictures = append(c.pictures, picture{file, chart})
	c.printf("\n![%s](%s/%s)\n", chart.Title, c.document.Link, file)
}
