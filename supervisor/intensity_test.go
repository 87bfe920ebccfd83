package supervisor

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return epoch.Add(d) }

func TestIntensityAllowsAsOTPDoes(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		i    Intensity
		at   []time.Duration
		want string // y or n for each
	}{
		"exactly Max within Period":      {Intensity{3, 5 * s}, []time.Duration{0, s, 2 * s}, "yyy"},
		"one more is too many":           {Intensity{3, 5 * s}, []time.Duration{0, s, 2 * s, 3 * s}, "yyyn"},
		"all at the same instant":        {Intensity{2, 5 * s}, []time.Duration{0, 0, 0}, "yyn"},
		"one exactly Period old counts":  {Intensity{1, 5 * s}, []time.Duration{0, 5 * s}, "yn"},
		"one older does not":             {Intensity{1, 5 * s}, []time.Duration{0, 5*s + 1}, "yy"},
		"the window slides":              {Intensity{2, 5 * s}, []time.Duration{0, 4 * s, 6 * s, 8 * s, 10 * s}, "yyyny"},
		"slow failures go on for ever":   {Intensity{1, s}, []time.Duration{0, 2 * s, 4 * s, 6 * s, 8 * s}, "yyyyy"},
		"default is 10":                  {Intensity{}, make([]time.Duration, 11), "yyyyyyyyyyn"},
		"default is 60 s":                {Intensity{Max: 1}, []time.Duration{0, 60 * s, 121 * s}, "yny"},
		"negative: any number":           {Intensity{Max: -1}, make([]time.Duration, 12), "yyyyyyyyyyyy"},
		"a clock that steps back counts": {Intensity{1, s}, []time.Duration{10 * s, 0}, "yn"},
	} {
		var h []time.Time
		got := ""
		for _, d := range c.at {
			var ok bool
			if h, ok = c.i.Allow(h, at(d)); ok {
				got += "y"
			} else {
				got += "n"
			}
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestIntensityNeverAllowsMoreThanMaxInAnyPeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := Intensity{Max: rapid.IntRange(1, 6).Draw(t, "max"), Period: time.Duration(rapid.IntRange(1, 50).Draw(t, "period"))}
		var h, allowed []time.Time
		now := epoch
		for range 100 {
			now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "step")))
			before := append([]time.Time(nil), h...)
			kept, ok := i.Allow(h, now)
			for k := range before {
				if !h[k].Equal(before[k]) {
					t.Fatal("the history given was changed")
				}
			}
			if h = kept; len(h) > i.Max {
				t.Fatalf("%d entries kept for Max %d", len(h), i.Max)
			}
			if ok {
				allowed = append(allowed, now)
			}
		}
		for k := range allowed {
			if end := k + i.Max; end < len(allowed) && allowed[end].Sub(allowed[k]) <= i.Period {
				t.Fatalf("%d restarts within %s", i.Max+1, allowed[end].Sub(allowed[k]))
			}
		}
	})
}
