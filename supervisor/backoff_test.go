package supervisor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const almostOne = 1 - 1e-12

func TestDelayFollowsTheTable(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	none := Backoff{Jitter: -1}
	for name, c := range map[string]struct {
		b        Backoff
		failures int
		down     time.Duration
		r        float64
		want     time.Duration
	}{
		"first failure, no jitter":           {none, 1, 0, 0, 500 * ms},
		"second doubles":                     {none, 2, 0, 0, s},
		"fifth":                              {none, 5, 0, 0, 8 * s},
		"sixth is capped":                    {none, 6, 0, 0, 10 * s},
		"thousandth does not overflow":       {none, 1000, 0, 0, 10 * s},
		"no failure counts as one":           {none, 0, 0, 0, 500 * ms},
		"full jitter, lowest":                {Backoff{}, 4, 0, 0, 0},
		"full jitter, half":                  {Backoff{}, 4, 0, .5, 2 * s},
		"full jitter at the cap":             {Backoff{}, 50, 0, .25, 2500 * ms},
		"jitter over 1 is full":              {Backoff{Jitter: 7}, 4, 0, .5, 2 * s},
		"part jitter, lowest":                {Backoff{Jitter: .2}, 2, 0, 0, 800 * ms},
		"part jitter, half":                  {Backoff{Jitter: .2}, 2, 0, .5, 900 * ms},
		"down almost long":                   {none, 50, 5*time.Minute - 1, 0, 10 * s},
		"down long":                          {none, 50, 5 * time.Minute, 0, 30 * s},
		"down long, own MaxDelay":            {Backoff{Jitter: -1, MaxDelay: 4 * s}, 50, time.Hour, 0, 4 * s},
		"down long, own LongMaxDelay":        {Backoff{Jitter: -1, MaxDelay: 4 * s, LongMaxDelay: 9 * s}, 50, time.Hour, 0, 9 * s},
		"LongMaxDelay never lowers the cap":  {Backoff{Jitter: -1, LongMaxDelay: s}, 50, time.Hour, 0, 10 * s},
		"LongAfter never":                    {Backoff{Jitter: -1, LongAfter: -1}, 50, time.Hour, 0, 10 * s},
		"LongAfter own":                      {Backoff{Jitter: -1, LongAfter: s}, 50, s, 0, 30 * s},
		"no initial delay":                   {Backoff{InitialDelay: -1}, 50, 0, .9, 0},
		"initial delay above the cap":        {Backoff{Jitter: -1, InitialDelay: time.Minute}, 1, 0, 0, 10 * s},
		"no cap":                             {Backoff{Jitter: -1, MaxDelay: -1}, 11, 0, 0, 512 * s},
		"no cap does not overflow":           {Backoff{Jitter: -1, MaxDelay: -1}, 1 << 30, 0, 0, math.MaxInt64 / 2},
		"multiplier 1.5":                     {Backoff{Jitter: -1, Multiplier: 1.5}, 3, 0, 0, 1125 * ms},
		"multiplier below 1 does not shrink": {Backoff{Jitter: -1, Multiplier: .5}, 3, 0, 0, 500 * ms},
		"a random source out of range, high": {Backoff{}, 1, 0, 3, 500 * ms},
		"a random source out of range, low":  {Backoff{}, 1, 0, -3, 0},
		"a random source that is NaN":        {Backoff{}, 1, 0, math.NaN(), 0},
	} {
		if got := c.b.Delay(c.failures, c.down, c.r); (got-c.want).Abs() > time.Microsecond && got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestDelayNeverLeavesItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Backoff{
			InitialDelay: time.Duration(rapid.Int64Range(-1, int64(time.Hour)).Draw(t, "initial")),
			MaxDelay:     time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "max")),
			Multiplier:   rapid.Float64Range(0, 10).Draw(t, "multiplier"),
			Jitter:       rapid.Float64Range(-1, 2).Draw(t, "jitter"),
			LongMaxDelay: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "longMax")),
		}
		down := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "down"))
		n := rapid.IntRange(1, 1<<20).Draw(t, "failures")
		r := rapid.Float64Range(0, almostOne).Draw(t, "r")
		limit := b.MaxDelay
		if down >= 5*time.Minute {
			limit = max(limit, b.LongMaxDelay)
		}
		d := b.Delay(n, down, r)
		if d < 0 || d > limit {
			t.Fatalf("delay %s is not in [0, %s]", d, limit)
		}
		if again := b.Delay(n, down, r); again != d {
			t.Fatalf("same input, %s and %s", d, again)
		}
		if b.InitialDelay > 0 && b.Jitter > 0 && b.Jitter < 1 {
			plain := b
			plain.Jitter = -1
			if full := plain.Delay(n, down, 0); d < time.Duration(float64(full)*(1-b.Jitter))-1 {
				t.Fatalf("delay %s is below the jitter %g of %s", d, b.Jitter, full)
			}
		}
	})
}

// Full jitter is uniform from 0 to the ceiling, at the first attempt and at the cap.
func TestFullJitterIsUniform(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for failures, ceiling := range map[int]time.Duration{1: 500 * time.Millisecond, 3: 2 * time.Second, 40: 10 * time.Second} {
		const n, bins = 100_000, 20
		var count [bins]int
		for range n {
			d := Backoff{}.Delay(failures, 0, random.Float64())
			count[min(int(float64(d)/float64(ceiling)*bins), bins-1)]++
		}
		if lo, hi := slices.Min(count[:]), slices.Max(count[:]); lo < n/bins*9/10 || hi > n/bins*11/10 {
			t.Errorf("after %d failures: twentieths have from %d to %d of %d", failures, lo, hi, n)
		}
	}
}

func TestBackoffIsExhausted(t *testing.T) {
	for _, c := range []struct {
		max, failures int
		want          bool
	}{{0, 1 << 30, false}, {3, 2, false}, {3, 3, true}, {1, 0, false}, {1, 1, true}, {-1, 0, true}} {
		if got := (Backoff{MaxAttempts: c.max}).exhausted(c.failures); got != c.want {
			t.Errorf("MaxAttempts %d after %d failures: %v", c.max, c.failures, got)
		}
	}
}
