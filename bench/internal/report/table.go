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
			b.ratio(e, cpu), allocs.text(e, number), fmt.Sprint(c.N))
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
	_, err := io.WriteString(w, "\n### "+title+"\n\n"+t.text())
	return err
}

// text is the table in Markdown, and its remarks.
func (t *table) text() string {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	for i, row := range t.rows {
		writeRow(&text, row, widths, " ")
		if i == 0 {
			rule := make([]string, len(row))
			for j := nameColumns; j < len(rule); j++ {
				rule[j] = ":" // right-aligned
			}
			writeRow(&text, rule, widths, "-")
		}
	}
	if len(t.remarks) > 0 {
		text.WriteString("\n")
	}
	for _, remark := range t.remarks {
		text.WriteString("- " + remark + "\n")
	}
	return text.String()
}

// nameColumns is how many columns from the left are names; the others are figures.
const nameColumns = 2

// writeRow pads names on the right, and figures on the left.
func writeRow(text *strings.Builder, row []string, widths []int, padding string) {
	for i, cell := range row {
		pad := strings.Repeat(padding, widths[i]-utf8.RuneCountInString(cell))
		end := padding
		switch {
		case i < nameColumns:
			cell += pad
		case cell == ":" && padding == "-":
			cell, end = pad+padding, cell
		default:
			cell = pad + cell
		}
		text.WriteString("|" + padding + cell + end)
	}
	text.WriteString("|\n")
}
