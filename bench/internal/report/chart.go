package report

import (
	"fmt"
	"slices"

	"github.com/hawser-go/hawser/bench/internal/plot"
	"github.com/hawser-go/hawser/bench/internal/result"
)

// kindOrder is the order of kinds in tables and legends.
var kindOrder = []result.Kind{result.Ours, result.Library, result.Hand, result.Floor}

var kindText = map[result.Kind]string{
	result.Ours:    "Hawser",
	result.Library: "ready-made libraries",
	result.Hand:    "by hand on a library",
	result.Floor:   "floor: bare epoll, no server one could use",
}

// charter draws the boards of a group: a chart, and what its file is called besides the
// group's name. A chart without bars is left out.
type charter func(g group, mine []*board, what map[string]string) (chart plot.Chart, suffix string)

// How many libraries a chart shows: in a group with many scenarios the best ones only.
const (
	allLibraries = 0
	fewLibraries = 3
)

// relativeCPU is CPU per message in relation to the best library's.
func relativeCPU(libraries int) charter {
	return func(g group, mine []*board, what map[string]string) (plot.Chart, string) {
		c := plot.Chart{
			Title: fmt.Sprintf("%s, %s: CPU per message, relative to the best library", g.name, g.title),
			Note:  "less is better; in grey, CPU seconds per million messages",
			Mark:  1, MarkName: "best library", Tick: tick,
		}
		for _, b := range mine {
			if b.best(cpu) == nil {
				continue
			}
			c.Groups = append(c.Groups, b.bars(what, cpu, libraries, func(e *entry) (plot.Bar, bool) {
				r := b.relative(e, cpu)
				return plot.Bar{Value: r.Value, Noise: r.Noise, Label: times(r.Value), Detail: cpu.text(e, number) + " s"}, r.N > 0
			}))
		}
		if libraries != allLibraries {
			c.Note += fmt.Sprintf("; of the libraries, the best %d", libraries)
		}
		c.Log, c.Legend = wide(c), legend(c)
		return c, ""
	}
}

// bytesChart is the memory of connections that have been used.
func bytesChart(g group, mine []*board, what map[string]string) (plot.Chart, string) {
	c := plot.Chart{
		Title: fmt.Sprintf("%s, %s: resident bytes per connection", g.name, g.title),
		Note:  "less is better; after one echo on each; in grey, relative to the best library",
		Mark:  idleLimit, MarkName: "promised", Tick: compact0,
	}
	for _, b := range mine {
		c.Groups = append(c.Groups, b.bars(what, rssUsed, allLibraries, func(e *entry) (plot.Bar, bool) {
			v := rssUsed.estimate(e)
			return plot.Bar{Value: v.Value, Noise: v.Noise, Label: number(v.Value) + " B", Detail: b.ratio(e, rssUsed)}, v.N > 0
		}))
	}
	c.Legend = legend(c)
	return c, ""
}

// deliveriesChart is how fast a fan-out goes.
func deliveriesChart(g group, mine []*board, what map[string]string) (plot.Chart, string) {
	c := plot.Chart{
		Title: fmt.Sprintf("%s, %s: deliveries per second", g.name, g.title),
		Note:  "more is better; in grey, relative to the best library", Tick: compact0,
	}
	for _, b := range mine {
		c.Groups = append(c.Groups, b.bars(what, rate, allLibraries, func(e *entry) (plot.Bar, bool) {
			v := rate.estimate(e)
			return plot.Bar{Value: v.Value, Noise: v.Noise, Label: compact(v.Value), Detail: b.ratio(e, rate)}, v.N > 0
		}))
	}
	c.Legend = legend(c)
	return c, "-rate"
}

// overview has one bar for each scenario: ours, by CPU per message.
func overview(all []*board) plot.Chart {
	c := plot.Chart{
		Title: "CPU per message of Hawser, relative to the best library of each scenario",
		Note:  "less is better; in grey, the library", Mark: 1, MarkName: "best library", Tick: tick,
	}
	for _, g := range groups() {
		if !g.hasCPU() {
			continue // there it is not the point
		}
		one := plot.Group{Title: g.name + ": " + g.title}
		for _, b := range g.in(all) {
			ours, best := b.ours(""), b.best(cpu)
			if ours == nil || best == nil {
				continue
			}
			if r := b.relative(ours, cpu); r.N > 0 {
				one.Bars = append(one.Bars, plot.Bar{
					Name: b.scenario, Kind: result.Ours, Value: r.Value, Noise: r.Noise, Label: times(r.Value), Detail: short(best.name),
				})
			}
		}
		if len(one.Bars) > 0 {
			c.Groups = append(c.Groups, one)
		}
	}
	c.Log = wide(c)
	return c
}

// bars is the bars of a board, the best by f first: all candidates, or no more libraries
// than that.
func (b *board) bars(what map[string]string, f figure, libraries int, draw func(*entry) (plot.Bar, bool)) plot.Group {
	g := plot.Group{Title: b.scenario}
	if text := what[b.scenario]; text != "" {
		g.Title += ": " + text
	}
	shown := 0
	for _, e := range b.sorted(f) {
		bar, ok := draw(e)
		if !ok {
			continue
		}
		if e.kind == result.Library {
			if shown++; libraries != allLibraries && shown > libraries {
				continue
			}
		}
		bar.Name, bar.Kind = e.name, e.kind
		g.Bars = append(g.Bars, bar)
	}
	return g
}

// wide reports whether the ratios of a chart are too far from 1 for a linear axis.
func wide(c plot.Chart) bool {
	const most = 5
	for _, g := range c.Groups {
		if slices.ContainsFunc(g.Bars, func(b plot.Bar) bool { return b.Value > most || b.Value < 1./most }) {
			return true
		}
	}
	return false
}

// legend explains the kinds that a chart has.
func legend(c plot.Chart) []plot.Key {
	var keys []plot.Key
	for _, kind := range kindOrder {
		if slices.ContainsFunc(c.Groups, func(g plot.Group) bool {
			return slices.ContainsFunc(g.Bars, func(b plot.Bar) bool { return b.Kind == kind })
		}) {
			keys = append(keys, plot.Key{Kind: kind, Text: kindText[kind]})
		}
	}
	return keys
}

// tick labels an axis of ratios, with no more digits than it needs.
func tick(v float64) string { return fmt.Sprintf("%gx", v) }

// compact0 labels an axis of round figures.
func compact0(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%g", v)
}

// short leaves out of a client's name that it is one, so that it fits.
func short(name string) string {
	if len(name) > 4 && name[:4] == "cli-" {
		return name[4:]
	}
	return name
}
