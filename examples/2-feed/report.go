package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hawser-go/hawser/actors"
)

// status shows prices and orders as they are now.
func (d *day) status() {
	table, orders := d.feed.prices.table(d.feed.wanted()), d.feed.traders.total()
	if d.screen.json {
		now := map[string]float64{}
		for _, q := range table {
			now[q.Symbol] = q.Last
		}
		d.screen.object(struct {
			Event  string             `json:"event"`
			AtMS   int64              `json:"at_ms"`
			State  string             `json:"state"`
			Prices map[string]float64 `json:"prices"`
			Orders orderCount         `json:"orders"`
		}{"status", d.screen.ms(), d.feed.client.State().String(), now, orders})
		return
	}
	if d.screen.live {
		lines := append([]string{""}, d.priceTable()...)
		d.screen.foot(append(lines, "", "orders   "+orders.String()))
		return
	}
	var parts []string
	for _, q := range table {
		parts = append(parts, fmt.Sprintf("%s %s %s", q.Symbol, shown(q.Last), q.arrow()))
	}
	d.screen.note(note{Event: "prices", Text: strings.Join(parts, "  ")})
	d.screen.note(note{Event: "orders", Text: orders.String()})
}

// String returns the counts in one line.
func (c orderCount) String() string {
	fills, refusals := c.Filled+c.LostFilled, c.Rejected+c.TooFast+c.LostRejected
	s := fmt.Sprintf("%d placed: %d filled, %d rejected", c.Placed, fills, refusals)
	for _, more := range []struct {
		n    int
		what string
	}{{c.NotSent, "not sent"}, {c.LostAbsent, "never arrived"}, {c.Unresolved, "unresolved"}} {
		if more.n > 0 {
			s += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	if open := c.Placed - fills - refusals - c.NotSent - c.LostAbsent - c.Unresolved; open > 0 {
		s += fmt.Sprintf(", %d open", open)
	}
	return s
}

// shown is a price as people write it; one that is not known yet is a dash.
func shown(p float64) string {
	if p == 0 {
		return "-"
	}
	return strconv.FormatFloat(p, 'f', digits(p), 64)
}

func (q quote) arrow() string {
	switch {
	case q.Last > q.before:
		return "▲"
	case q.Last < q.before:
		return "▼"
	}
	return "="
}

// priceTable is the prices, a line for each symbol.
func (d *day) priceTable() []string {
	lines := []string{fmt.Sprintf("%-8s %9s    %9s %8s %6s %7s %9s", "symbol", "last", "first", "change", "ticks", "missed", "position")}
	for _, q := range d.table() {
		change := 0.0
		if q.First > 0 {
			change = 100 * (q.Last/q.First - 1)
		}
		lines = append(lines, fmt.Sprintf("%-8s %9s %s  %9s %+7.3f%% %6d %7d %+9d",
			q.Symbol, shown(q.Last), q.arrow(), shown(q.First), change, q.Ticks, q.Missed, q.Position))
	}
	return lines
}

// table is all that is known of each symbol.
func (d *day) table() []quote {
	missed := map[string]int{}
	for _, g := range d.feed.sequence.all() {
		missed[g.symbol] += g.missing()
	}
	table := d.feed.prices.table(d.feed.wanted())
	for i := range table {
		table[i].Missed = missed[table[i].Symbol]
		table[i].Position = d.feed.traders.position(table[i].Symbol)
	}
	return table
}

// orderTable is what became of the orders, a line for each trader.
func (d *day) orderTable() []string {
	t := d.feed.traders
	total := t.total()
	t.mu.Lock()
	defer t.mu.Unlock()
	row := func(name string, c orderCount) string {
		return fmt.Sprintf("%-8s %7d %7d %9d %9d %9d %5d %11d %13d %14d", name,
			c.Placed, c.Filled, c.Rejected, c.TooFast, c.NotSent, c.Lost, c.LostFilled, c.LostRejected, c.LostAbsent)
	}
	lines := []string{fmt.Sprintf("%-8s %7s %7s %9s %9s %9s %5s %11s %13s %14s",
		"orders", "placed", "filled", "rejected", "too fast", "not sent", "lost", "was filled", "was rejected", "never arrived")}
	var names []string
	for name := range t.count {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		lines = append(lines, row(name, *t.count[name]))
	}
	return append(lines, row("all", total))
}

// riskTable is what became of the messages of risk.go, a line for each class.
func (d *day) riskTable() []string {
	lines := []string{fmt.Sprintf("%-28s %6s %7s %12s %10s %7s %5s", "messages", "posted", "written", "acknowledged", "superseded", "expired", "other")}
	count := d.feed.risk.count()
	for _, row := range []struct{ typ, class string }{{typeStop, "must-deliver, 150ms"}, {typeLimit, "keep-latest"}, {typeCursor, "volatile"}} {
		c := count[row.typ]
		lines = append(lines, fmt.Sprintf("%-6s  %-20s %6d %7d %12d %10d %7d %5d",
			row.typ, row.class, c.Posted, c.Written, c.Acked, c.Superseded, c.Expired, c.Other))
	}
	return lines
}

// sum shows how it ended, and returns whether all is well.
func (d *day) sum(checks []check) bool {
	well := !slices.ContainsFunc(checks, func(c check) bool { return !c.OK })
	if d.screen.json {
		d.screen.object(struct {
			Event    string               `json:"event"`
			AtMS     int64                `json:"at_ms"`
			Symbols  []quote              `json:"symbols"`
			Orders   orderCount           `json:"orders"`
			Messages map[string]riskCount `json:"messages"`
			Stats    actors.Stats         `json:"stats"`
			Checks   []check              `json:"checks"`
			Pass     bool                 `json:"pass"`
		}{"end", d.screen.ms(), d.table(), d.feed.traders.total(), d.feed.risk.count(), d.stats, checks, well})
		return well
	}
	lines := []string{""}
	lines = append(append(lines, d.priceTable()...), "")
	lines = append(append(lines, d.orderTable()...), "")
	lines = append(append(lines, d.riskTable()...), "")
	lines = append(lines, d.stats.Summary())
	for _, c := range checks {
		word := "ok  "
		if !c.OK {
			word = "FAIL"
		}
		lines = append(lines, fmt.Sprintf("%s  %-46s  %s", word, c.Name, c.Detail))
	}
	verdict := fmt.Sprintf("PASS: all %d checks hold", len(checks))
	if !well {
		verdict = "FAIL"
	}
	d.screen.print(append(lines, "", verdict)...)
	return well
}

// begin says what is to come.
func (d *day) begin() {
	venues := []string{d.exchange.primary.url(), d.exchange.backup.url()}
	if d.screen.json {
		d.screen.object(struct {
			Event   string   `json:"event"`
			AtMS    int64    `json:"at_ms"`
			Seconds float64  `json:"seconds"`
			Seed    uint64   `json:"seed"`
			Symbols []string `json:"symbols"`
			Venues  []string `json:"venues"`
		}{"start", d.screen.ms(), d.length.Seconds(), d.seed, d.feed.wanted(), venues})
		return
	}
	d.screen.print(
		fmt.Sprintf("a feed of %d symbols and 3 traders, on a bad day of %v (seed %d)", len(d.feed.wanted()), d.length, d.seed),
		fmt.Sprintf("the exchange: %s and %s", venues[0], venues[1]), "", screenHead)
}
