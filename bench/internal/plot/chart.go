package plot

import (
	"errors"
	"io"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// Chart is bars in groups, on one axis.
type Chart struct {
	Title string
	Note  string // a line below the title: what is shown, in which unit

	// Log asks for a logarithmic axis, on which bars go from 1 to the left or to the
	// right; otherwise they begin at 0. Bars whose values cannot be shown on it (zero or
	// less) have labels only.
	Log bool

	// Mark is where a line goes through all groups, with its name MarkName. 0: there is none.
	Mark     float64
	MarkName string

	Tick   func(float64) string // labels the axis
	Legend []Key                // two or more are shown
	Groups []Group
}

// Key explains the colour of a kind of bars.
type Key struct {
	Kind result.Kind
	Text string
}

// Group is bars below a title of their own.
type Group struct {
	Title string
	Bars  []Bar
}

// Bar is one figure.
type Bar struct {
	Name   string
	Kind   result.Kind // its colour
	Value  float64
	Noise  float64 // drawn as a line from Value-Noise to Value+Noise; 0: none
	Label  string  // the value as text
	Detail string  // a second one, in grey; may be empty
}

// WriteSVG draws the chart. A chart without bars is an error.
func (c Chart) WriteSVG(w io.Writer) error {
	values := c.values()
	if len(values) == 0 {
		return errors.New("plot: " + c.Title + ": the chart has no bars")
	}
	d := &drawing{chart: c, axis: newAxis(values, c.Log)}
	d.draw()
	_, err := io.WriteString(w, d.svg.String())
	return err
}

// values is everything that must fit on the axis.
func (c Chart) values() []float64 {
	var all []float64
	for _, g := range c.Groups {
		for _, b := range g.Bars {
			all = append(all, b.Value)
		}
	}
	if len(all) > 0 && c.Mark > 0 {
		all = append(all, c.Mark)
	}
	return all
}
