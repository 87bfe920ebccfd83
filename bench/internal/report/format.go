package report

import (
	"fmt"
	"math"
)

// none stands for a figure that there is not.
const none = "-"

// text is the median of an entry's figure; none without one.
func (f figure) text(e *entry, format func(float64) string) string {
	v := f.estimate(e)
	if v.N == 0 {
		return none
	}
	return format(v.Value)
}

// ratio compares an entry with the best library of the board.
func (b *board) ratio(e *entry, f figure) string {
	if r := b.relative(e, f); r.N > 0 {
		return times(r.Value)
	}
	return none
}

// relative is the ratio of an entry to the best library of the board; zero without one.
func (b *board) relative(e *entry, f figure) Estimate {
	best := b.best(f)
	if best == nil {
		return Estimate{}
	}
	return ratio(f.of(e), f.of(best))
}

// number has three figures, but thousands in full.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1 || a == 0:
		return fmt.Sprintf("%.2f", v)
	case a >= 0.1:
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// compact is a number whose thousands and millions are letters.
func compact(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e6:
		return fmt.Sprintf("%.2fM", v/1e6)
	case a >= 1e4:
		return fmt.Sprintf("%.1fk", v/1e3)
	}
	return number(v)
}

// times is a ratio.
func times(v float64) string {
	if v > 0 && v < 0.1 {
		return fmt.Sprintf("%.3fx", v)
	}
	return fmt.Sprintf("%.2fx", v)
}

// percent is the noise; one slice tells none.
func percent(e Estimate) string {
	if e.Value == 0 || e.N < 2 {
		return none
	}
	return fmt.Sprintf("±%.0f%%", 100*e.Noise/e.Value)
}
