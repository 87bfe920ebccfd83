package supervisor

import "time"

// The defaults of Intensity.
const (
	defaultMaxRestarts = 10
	defaultPeriod      = time.Minute
)

// Intensity limits how often a child may be restarted: Max times within Period, as
// in OTP. Unlike a count of failures in a row it also sees a child that runs a
// while between its failures.
type Intensity struct {
	// Max is how many restarts are allowed. Default 10; negative: any number. For none
	// at all use Temporary.
	Max int
	// Period is the length of the window. Default 60 s.
	Period time.Duration
}

// Allow reports whether one more restart is allowed now, after the restarts at the
// times in h, oldest first. kept is h without what has left the window and with
// now, if allowed; it never has more than Max entries. h itself is not changed.
func (i Intensity) Allow(h []time.Time, now time.Time) (kept []time.Time, ok bool) {
	if i.Max < 0 {
		return nil, true
	}
	if i.Max == 0 {
		i.Max = defaultMaxRestarts
	}
	if i.Period <= 0 {
		i.Period = defaultPeriod
	}
	for len(h) > 0 && now.Sub(h[0]) > i.Period { // one that is exactly Period old counts, as in OTP
		h = h[1:]
	}
	if len(h) >= i.Max {
		return append([]time.Time(nil), h...), false
	}
	return append(append(make([]time.Time, 0, len(h)+1), h...), now), true
}
