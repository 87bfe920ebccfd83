package plot

import (
	"math"
	"slices"
)

// axis maps values to places between 0 and 1.
type axis struct {
	log       bool
	low, high float64
	ticks     []float64
}

// newAxis is an axis with round ends that has room for values.
func newAxis(values []float64, log bool) axis {
	if log {
		return logAxis(values)
	}
	const about = 5 // ticks
	top := max(slices.Max(values), 0)
	if top == 0 {
		top = 1
	}
	step := roundUp(top / about)
	n := int(math.Ceil(top/step - 1e-9))
	a := axis{high: float64(n) * step}
	for i := range n + 1 {
		a.ticks = append(a.ticks, float64(i)*step)
	}
	return a
}

// logAxis has 1 and something on both sides of it.
func logAxis(values []float64) axis {
	const most = 9 // ticks
	a := axis{log: true, low: 0.5, high: 2}
	for _, v := range values {
		if v > 0 {
			a.low, a.high = min(a.low, v), max(a.high, v)
		}
	}
	a.low, a.high = roundDown(a.low), roundUp(a.high)
	for v := a.low; v < a.high*1.01; v = roundUp(v * 1.01) {
		a.ticks = append(a.ticks, v)
	}
	if len(a.ticks) > most {
		a.ticks = slices.DeleteFunc(a.ticks, func(v float64) bool { return math.Abs(math.Log10(v)-math.Round(math.Log10(v))) > 1e-9 })
	}
	return a
}

// at is the place of v; what lies beyond an end is at this end.
func (a axis) at(v float64) float64 {
	v = min(max(v, a.low), a.high)
	if a.log {
		return math.Log(v/a.low) / math.Log(a.high/a.low)
	}
	return (v - a.low) / (a.high - a.low)
}

// origin is where bars begin.
func (a axis) origin() float64 {
	if a.log {
		return a.at(1)
	}
	return a.at(0)
}

// roundUp is the least of 1, 2, 5, 10, 20 and so on, also downwards, that is not below v.
func roundUp(v float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*decade >= v*(1-1e-9) {
			return tidy(m * decade)
		}
	}
	return tidy(10 * decade)
}

// roundDown is the greatest of them that is not above v.
func roundDown(v float64) float64 { return tidy(1 / roundUp(1/v)) }

// tidy takes off what floating point has added to a round figure.
func tidy(v float64) float64 {
	digits := math.Pow(10, 2-math.Floor(math.Log10(v)))
	return math.Round(v*digits) / digits
}
