package plot

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// The picture's measures, in pixels.
const (
	width     = 760
	margin    = 16
	labelEnd  = 200 // labels end here,
	detailEnd = 318 // details here,
	plotStart = 332 // and bars have the rest
	plotEnd   = width - 24
	row       = 16
	thickness = 10
	title     = 22 // height of a group's title
	gap       = 10 // between groups
)

// style has all colours, so that a page which is dark gets others. The picture brings its
// own background: where it is shown may not be as dark as the reader's preference says.
const style = `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums;fill:#1f2328}
.title{font-size:15px;font-weight:600}.group{font-weight:600}.end{text-anchor:end}.mid{text-anchor:middle}
.faint{fill:#59636e}.small{font-size:11px}.strong{font-weight:600}
.page{fill:#ffffff;stroke:#d1d9e0}.grid{stroke:#d8dee4}.mark{stroke:#cf222e;stroke-dasharray:4 3}.noise{stroke:#1f2328;stroke-width:1.5}
.ours{fill:#0969da}.library{fill:#8c959f}.hand{fill:#d4a72c}.floor{fill:#c8e1ff;stroke:#8c959f}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.faint{fill:#9da7b3}
.page{fill:#0d1117;stroke:#30363d}.grid{stroke:#30363d}.mark{stroke:#ff7b72}.noise{stroke:#e6edf3}
.ours{fill:#4493f8}.library{fill:#7d8590}.hand{fill:#bb8009}.floor{fill:#1c2d41;stroke:#7d8590}
}
</style>
`

// drawing is a chart while it is drawn, from the top to the bottom.
type drawing struct {
	chart Chart
	axis  axis
	body  strings.Builder
	svg   strings.Builder
	y     float64
}

func (d *drawing) draw() {
	c := d.chart
	d.y = 26
	d.text(margin, "title", c.Title)
	if c.Note != "" {
		d.y += 18
		d.text(margin, "faint", c.Note)
	}
	d.legend()
	d.marked()
	d.ticks()
	for _, g := range c.Groups {
		d.group(g)
	}
	d.y += 6
	d.ticks()
	d.close()
}

// legend explains the colours; one colour explains itself.
func (d *drawing) legend() {
	if len(d.chart.Legend) < 2 {
		return
	}
	const swatch, letter, between = 18, 6.2, 22
	d.y += 22
	x := float64(margin)
	for _, k := range d.chart.Legend {
		d.rect(x, d.y-thickness, 12, thickness, k.Kind)
		d.text(x+swatch, "small", k.Text)
		x += swatch + letter*float64(utf8.RuneCountInString(k.Text)) + between
	}
}

// marked names the line through all groups.
func (d *drawing) marked() {
	if d.chart.Mark <= 0 {
		return
	}
	d.y += 20
	d.text(place(d.axis.at(d.chart.Mark)), "small mid strong", d.chart.MarkName)
}

func (d *drawing) ticks() {
	d.y += 16
	for _, v := range d.axis.ticks {
		d.text(place(d.axis.at(v)), "small mid faint", d.chart.Tick(v))
	}
}

func (d *drawing) group(g Group) {
	d.y += gap
	if g.Title != "" {
		d.y += title - 6
		d.text(margin, "group", g.Title)
		d.y += 6
	}
	top, bottom := d.y, d.y+row*float64(len(g.Bars))
	for _, v := range d.axis.ticks {
		d.vertical("grid", v, top, bottom)
	}
	for _, b := range g.Bars {
		d.bar(b)
	}
	if d.chart.Mark > 0 {
		d.vertical("mark", d.chart.Mark, top, bottom)
	}
}

func (d *drawing) bar(b Bar) {
	const baseline = 12
	weight := ""
	if b.Kind == result.Ours {
		weight = "strong"
	}
	top := d.y
	d.y += baseline
	d.text(margin, weight, b.Name)
	d.text(labelEnd, "end "+weight, b.Label)
	d.text(detailEnd, "end faint", b.Detail)
	d.y = top + row
	if b.Value <= 0 && (d.axis.log || b.Value < 0) {
		return
	}
	const least = 1 // of a bar, so that it is seen
	from, to := place(d.axis.origin()), place(d.axis.at(b.Value))
	bar := top + (row-thickness)/2.0
	d.rect(min(from, to), bar, max(abs(to-from), least), thickness, b.Kind)
	if b.Noise > 0 {
		fmt.Fprintf(&d.body, `<line class="noise" x1="%s" x2="%s" y1="%s" y2="%[3]s"/>`+"\n",
			px(place(d.axis.at(b.Value-b.Noise))), px(place(d.axis.at(b.Value+b.Noise))), px(bar+thickness/2.0))
	}
}

func (d *drawing) close() {
	height := d.y + margin
	fmt.Fprintf(&d.svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%s" viewBox="0 0 %[1]d %[2]s" role="img">`+"\n", width, px(height))
	fmt.Fprintf(&d.svg, "<title>%s</title>\n", escape(d.chart.Title))
	if d.chart.Note != "" {
		fmt.Fprintf(&d.svg, "<desc>%s</desc>\n", escape(d.chart.Note))
	}
	d.svg.WriteString(style)
	fmt.Fprintf(&d.svg, `<rect class="page" x="0.5" y="0.5" width="%d" height="%s" rx="6"/>`+"\n", width-1, px(height-1))
	d.svg.WriteString(d.body.String())
	d.svg.WriteString("</svg>\n")
}

func (d *drawing) text(x float64, class, s string) {
	if s == "" {
		return
	}
	if class = strings.TrimSpace(class); class != "" {
		class = ` class="` + class + `"`
	}
	fmt.Fprintf(&d.body, `<text%s x="%s" y="%s">%s</text>`+"\n", class, px(x), px(d.y), escape(s))
}

func (d *drawing) rect(x, y, w, h float64, kind result.Kind) {
	fmt.Fprintf(&d.body, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"/>`+"\n", escape(string(kind)), px(x), px(y), px(w), px(h))
}

func (d *drawing) vertical(class string, v, top, bottom float64) {
	x := px(place(d.axis.at(v)))
	fmt.Fprintf(&d.body, `<line class="%s" x1="%s" x2="%[2]s" y1="%s" y2="%s"/>`+"\n", class, x, px(top), px(bottom))
}

// place is where a place on the axis lies in the picture.
func place(at float64) float64 { return plotStart + at*(plotEnd-plotStart) }

// px has one decimal, so that no platform's rounding shows.
func px(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }

func abs(v float64) float64 { return max(v, -v) }

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
