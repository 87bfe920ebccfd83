package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// Tables prints one Markdown table for each scenario, the best candidate first. Ratios
// are to the best ready-made library of the run: "2.50x" of a rate is more, "0.40x" of a
// cost is less.
func Tables(w io.Writer, results []result.Result) error {
	for _, b := range boards(results) {
		var t *table
		switch {
		case b.find(func(e *entry) bool { return len(rss.of(e)) > 0 }) != nil:
			t = b.idleTable()
		case b.find(func(e *entry) bool { return len(p99Beside.of(e)) > 0 }) != nil:
			t = b.slowTable()
		default:
			t = b.echoTable()
		}
		if warning := b.disturbed(); warning != "" {
			t.remarks = append(t.remarks, warning)
		}
		if err := t.print(w, b.scenario); err != nil {
			return err
		}
	}
	return nil
}

func (b *board) echoTable() *table {
	t := newTable("candidate", "kind", "msg/s", "rate", "p50 us", "p99 us", "CPU s/1M", "noise", "CPU", "allocs/msg", "slices")
	for _, e := range b.sorted(cpu) {
		c := cpu.estimate(e)
		if c.N == 0 {
			t.failed(e)
			continue
		}
		t.row(e.problems(), e.name, string(e.kind), number(rate.estimate(e).Value), b.ratio(e, rate),
			number(p50.estimate(e).Value), number(p99.estimate(e).Value), number(c.Value), percent(c),
			b.ratio(e, cpu), e.allocs(), fmt.Sprint(c.N))
	}
	return t
}

func (b *board) slowTable() *table {
	t := newTable("candidate", "kind", "msg/s alone", "beside", "p50 us alone", "beside", "p99 us alone", "beside", "p99", "noise", "slices")
	for _, e := range b.sorted(p99Beside) {
		r := ratio(p99Beside.of(e), p99.of(e))
		if r.N == 0 {
			t.failed(e)
			continue
		}
		t.row(e.problems(), e.name, string(e.kind), number(rate.estimate(e).Value), number(rateBeside.estimate(e).Value),
			number(p50.estimate(e).Value), number(p50Beside.estimate(e).Value),
			number(p99.estimate(e).Value), number(p99Beside.estimate(e).Value), times(r.Value), percent(r), fmt.Sprint(r.N))
	}
	return t
}

func (b *board) idleTable() *table {
	t := newTable("candidate", "kind", "RSS B/conn", "noise", "RSS", "after echo", "RSS", "after GC", "heap", "stack", "goroutines")
	for _, e := range b.sorted(rss) {
		r := rss.estimate(e)
		if r.N == 0 {
			t.failed(e)
			continue
		}
		t.row(e.problems(), e.name, string(e.kind), number(r.Value), percent(r), b.ratio(e, rss),
			number(rssUsed.estimate(e).Value), b.ratio(e, rssUsed), number(rssSwept.estimate(e).Value),
			number(heap.estimate(e).Value), number(stack.estimate(e).Value), number(routines.estimate(e).Value))
	}
	return t
}

// ratio compares an entry with the best library, in text.
func (b *board) ratio(e *entry, f figure) string {
	best := b.best(f)
	if best == nil {
		return "-"
	}
	r := ratio(f.of(e), f.of(best))
	if r.N == 0 {
		return "-"
	}
	return times(r.Value)
}

func times(v float64) string { return fmt.Sprintf("%.2fx", v) }

// number has three figures, but thousands in full.
func number(v float64) string {
	switch {
	case v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10 || v <= -10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// percent is the noise; one slice tells none.
func percent(e Estimate) string {
	if e.Value == 0 || e.N < 2 {
		return "-"
	}
	return fmt.Sprintf("±%.0f%%", 100*e.Noise/e.Value)
}

// table is rows of cells; remarks are printed below it.
type table struct {
	rows    [][]string
	remarks []string
}

func newTable(head ...string) *table { return &table{rows: [][]string{head}} }

func (t *table) row(problems string, cells ...string) {
	t.rows = append(t.rows, cells)
	if problems != "" {
		t.remarks = append(t.remarks, cells[0]+": "+problems)
	}
}

// failed is the row of a candidate without figures.
func (t *table) failed(e *entry) {
	cells := []string{e.name, string(e.kind)}
	for len(cells) < len(t.rows[0]) {
		cells = append(cells, "-")
	}
	t.row(e.problems(), cells...)
}

func (t *table) print(w io.Writer, title string) error {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	text.WriteString("\n### " + title + "\n\n")
	for i, row := range t.rows {
		writeRow(&text, row, widths, " ")
		if i == 0 {
			writeRow(&text, make([]string, len(row)), widths, "-")
		}
	}
	if len(t.remarks) > 0 {
		text.WriteString("\n")
	}
	for _, remark := range t.remarks {
		text.WriteString("- " + remark + "\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// writeRow pads the first two columns, which are names, on the right, and figures on the left.
func writeRow(text *strings.Builder, row []string, widths []int, padding string) {
	for i, cell := range row {
		pad := strings.Repeat(padding, widths[i]-utf8.RuneCountInString(cell))
		if i < 2 {
			cell += pad
		} else {
			cell = pad + cell
		}
		text.WriteString("|" + padding + cell + padding)
	}
	text.WriteString("|\n")
}
