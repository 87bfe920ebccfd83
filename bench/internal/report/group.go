package report

import (
	"fmt"
	"slices"
	"strings"
)

// group is the scenarios of one letter, which share a table and plots in the document.
type group struct {
	name  string   // of the section, and of the pictures' files in lower case
	names []string // its scenarios, up to their first dash
	title string
	text  string // what a message is, and what is shown

	table  []view // columns of the table, for each scenario
	others []view // each has a table of its own that is folded away
	charts []charter
}

// groups is all that the document knows, in its order.
func groups() []group {
	usual := []view{ratioOf("msg/s", rate, compact), ratioOf("p50 us", p50, number), ratioOf("p99 us", p99, number), plain("allocations per message", allocs, number)}
	cost := []view{ratioOf("CPU", cpu, number)}
	costAndRate := []view{ratioOf("CPU", cpu, number), ratioOf("msg/s", rate, compact)}
	return []group{
		{
			name: "A", names: []string{"A"}, title: "ping-pong", table: cost, others: usual, charts: []charter{relativeCPU(fewLibraries)},
			text: "A message is an echo; one is in flight on each of 1, 100 or 1,000 connections. 64 bytes, 1 KiB and 64 KiB.",
		},
		{
			name: "B", names: []string{"B"}, title: "a hundred in flight", table: cost, others: usual, charts: []charter{relativeCPU(fewLibraries)},
			text: "A message is an echo; a hundred are in flight on each of 1, 10 or 100 connections. 64 bytes and 1 KiB.",
		},
		{
			name: "C", names: []string{"C"}, title: "idle connections", charts: []charter{bytesChart},
			table: []view{
				ratioOf("fresh", rss, number), ratioOf("used", rssUsed, number), plain("swept", rssSwept, number),
				plain("heap", heap, number), plain("stack", stack, number), plain("goroutines", routines, number),
			},
			text: "Bytes per connection: growth of the server's resident memory after the handshakes, after one echo on each connection, and " +
				"after a forced collection; then heap and stacks in use, and goroutines.",
		},
		{
			name: "D", names: []string{"D"}, title: "fan-out", table: costAndRate, others: usual[1:], charts: []charter{relativeCPU(allLibraries), deliveriesChart},
			text: "A message is a delivery of 128 bytes to one of 1,000 or 10,000 subscribers; one or sixteen publishes are outstanding. " +
				"Latencies are from the publish to the last delivery.",
		},
		{
			name: "E", names: []string{"E"}, title: "short lives", table: costAndRate, others: usual[1:], charts: []charter{relativeCPU(allLibraries)},
			text: "A message is the life of a connection: connect, upgrade, one echo, close handshake; 64 at a time.",
		},
		{
			name: "F", names: []string{"F", "FD", "FP"}, title: "permessage-deflate", table: costAndRate, others: usual[1:], charts: []charter{relativeCPU(allLibraries)},
			text: "F is A with 1 KiB of JSON, compressed. FD and FP are D with 1 KiB of JSON and sixteen publishes outstanding: FD compressed, FP plain.",
		},
		{
			name: "G", names: []string{"G"}, title: "growth", table: cost, others: usual[1:],
			text: "4,000 echoes a second, spread over 100 or over 10,000 connections.",
		},
		{
			name: "K", names: []string{"K"}, title: "clients", table: costAndRate, others: usual[1:], charts: []charter{relativeCPU(allLibraries)},
			text: "The program under test is the client: 1 or 100 connections, 1 or 100 messages of 64 bytes in flight on each.",
		},
		{
			name: "S", names: []string{"S"}, title: "beside a slow module",
			table: []view{plain("p99 us alone", p99, number), plain("p99 us beside", p99Beside, number), slowView, plain("p50 us alone", p50, number), plain("p50 us beside", p50Beside, number)},
			text:  "Ten ping-pong connections, alone and beside one whose handler takes 50 ms for each message. p99 is that of the worst of the ten.",
		},
		{
			name: "T", names: []string{"TA", "TB"}, title: "TLS", table: cost, others: usual, charts: []charter{relativeCPU(allLibraries)},
			text: "A and B over TLS.",
		},
		{
			name: "W", names: []string{"W"}, title: "typed messages behind middleware", table: costAndRate, others: usual[1:], charts: []charter{relativeCPU(allLibraries)},
			text: "A message is a request in JSON and its acknowledgement, behind three middleware: actors and typed routes of Hawser, and plain " +
				"functions by hand on gorilla/websocket.",
		},
	}
}

// in is those boards that belong to the group.
func (g group) in(all []*board) []*board {
	var mine []*board
	for _, b := range all {
		letter, _, _ := strings.Cut(b.scenario, "-")
		if slices.Contains(g.names, letter) {
			mine = append(mine, b)
		}
	}
	return mine
}

// view is a column of a table.
type view struct {
	name string
	cell func(b *board, e *entry) string
}

// ratioOf shows a figure, and in brackets its ratio to the best library's.
func ratioOf(name string, f figure, format func(float64) string) view {
	return view{name, func(b *board, e *entry) string {
		text, r := f.text(e, format), b.relative(e, f)
		if text == none || r.N == 0 {
			return text
		}
		return fmt.Sprintf("%s (%s)", text, strings.TrimSuffix(times(r.Value), "x"))
	}}
}

func plain(name string, f figure, format func(float64) string) view {
	return view{name, func(_ *board, e *entry) string { return f.text(e, format) }}
}

// slowView is what S is about.
var slowView = view{"beside / alone", func(_ *board, e *entry) string {
	if r := ratio(p99Beside.of(e), p99.of(e)); r.N > 0 {
		return times(r.Value)
	}
	return none
}}

// matrix is a table with a row for each candidate and, for each scenario, a column for
// each view. What went wrong stands below it.
func matrix(mine []*board, views []view) *table {
	head := []string{"candidate", "kind"}
	for _, b := range mine {
		for _, v := range views {
			title := b.scenario
			if len(views) > 1 {
				title += " " + v.name
			}
			head = append(head, title)
		}
	}
	t := newTable(head...)
	for _, who := range everybody(mine) {
		cells := []string{who.name, string(who.kind)}
		for _, b := range mine {
			e := b.find(func(e *entry) bool { return e.name == who.name })
			for _, v := range views {
				cells = append(cells, v.show(b, e))
			}
		}
		t.row("", cells...)
	}
	return t
}

// show is the cell of a candidate that may not have taken part.
func (v view) show(b *board, e *entry) string {
	if e == nil {
		return ""
	}
	return v.cell(b, e)
}

// everybody is one entry of each candidate, by kind and then in the order of the boards.
func everybody(mine []*board) []*entry {
	var all []*entry
	for _, kind := range kindOrder {
		for _, b := range mine {
			for _, e := range b.entries {
				if e.kind == kind && !slices.ContainsFunc(all, func(o *entry) bool { return o.name == e.name }) {
					all = append(all, e)
				}
			}
		}
	}
	return all
}

// remarks are what went wrong in a group.
func remarks(mine []*board) []string {
	var all []string
	for _, b := range mine {
		for _, e := range b.entries {
			if problems := e.problems(); problems != "" {
				all = append(all, fmt.Sprintf("%s, %s: %s", b.scenario, e.name, problems))
			}
		}
		if warning := b.disturbed(); warning != "" {
			all = append(all, b.scenario+": "+warning)
		}
	}
	return all
}
