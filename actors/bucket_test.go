package actors

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// tokens is a token bucket as one would draw it: what is in it, in ns, of which each
// thing costs some. Unlike a bucket it has to be told of every moment that passes.
type tokens struct{ credit, each, most int64 }

func (m *tokens) pass(ns int64) { m.credit = min(m.most, m.credit+ns) }

func (m *tokens) take(n int64) int64 {
	n = min(n, max(0, m.credit)/m.each)
	m.credit -= n * m.each
	return n
}

func (m *tokens) draw(n int64) bool {
	if m.credit < m.most && n*m.each > m.credit {
		return false
	}
	m.credit -= n * m.each
	return true
}

func TestABucketIsATokenBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.01, 1e6).Draw(t, "rate")
		burst := rapid.IntRange(1, 1000).Draw(t, "burst")
		q := newQuota(rate, burst)
		model, now := &tokens{each: q.each, most: q.burst, credit: q.burst}, int64(1e18)
		var b bucket
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			passed := rapid.Int64Range(0, 3*q.each).Draw(t, "passed")
			now += passed
			model.pass(passed)
			n := rapid.IntRange(1, 2*burst).Draw(t, "n")
			if rapid.Bool().Draw(t, "all or nothing") {
				if got, want := b.draw(q, now, n), model.draw(int64(n)); got != want {
					t.Fatalf("draw %d: %v, the model says %v with %d", n, got, want, model.credit)
				}
			} else if got, want := b.take(q, now, n), model.take(int64(n)); int64(got) != want {
				t.Fatalf("take %d: %d, the model says %d with %d", n, got, want, model.credit)
			}
			if got, want := b.spent(now), model.credit < model.most; got != want {
				t.Fatalf("spent is %v, the model has %d of %d", got, model.credit, model.most)
			}
			if got, want := int64(b.wait(q, now)), max(0, q.each-model.credit); got != want {
				t.Fatalf("wait is %d, the model waits %d", got, want)
			}
		}
	})
}

func TestAfterItsWaitABucketHasOneAndNotBefore(t *testing.T) {
	for _, rate := range []float64{0.05, 1, 3, 7, 300, 30_000} {
		q, now := newQuota(rate, 3), int64(1e18)
		var b bucket
		if got := b.take(q, now, 10); got != 3 {
			t.Errorf("%v/s: %d at once, want 3", rate, got)
		}
		now += int64(b.wait(q, now))
		if early := b; early.take(q, now-1, 1) != 0 {
			t.Errorf("%v/s: one a nanosecond too early", rate)
		}
		if b.take(q, now, 2) != 1 {
			t.Errorf("%v/s: not exactly one after the wait", rate)
		}
	}
}

func TestABurstIsExact(t *testing.T) {
	for _, rate := range []float64{1, 3, 7, 300, 1000, 30_000, 256 << 10, 3e6} {
		for _, burst := range []int{1, 2, 999, 100_001, 1 << 20} {
			var b bucket
			if got := b.take(newQuota(rate, burst), 1e18, math.MaxInt32); got != burst {
				t.Errorf("%v/s: %d at once; want %d", rate, got, burst)
			}
		}
	}
}

func TestInTheLongRunABucketKeepsItsRate(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 1000, 256 << 10} {
		q := newQuota(rate, 5)
		var b bucket
		got, step := 0, int64(min(4/rate, 0.1)*1e9) // never so long that it overflows
		for now := int64(0); now < 100e9; now += step {
			got += b.take(q, 1e18+now, 100)
		}
		if want := 100 * rate; float64(got) < want*0.99 || float64(got) > want*1.01+6 {
			t.Errorf("%v/s: %d in 100 s", rate, got)
		}
	}
}

func TestQuotasOfAllKinds(t *testing.T) {
	for name, c := range map[string]struct {
		rate    float64
		burst   int
		at1     int // how many at once
		limited bool
	}{
		"nothing said":             {0, 0, 1e6, false},
		"a burst without a rate":   {0, 5, 1e6, false},
		"negative":                 {-1, 5, 1e6, false},
		"not a number":             {math.NaN(), 5, 1e6, false},
		"for ever":                 {math.Inf(1), 5, 1e6, false},
		"one second's worth":       {10, 0, 10, true},
		"a negative burst":         {10, -3, 10, true},
		"less than one a second":   {0.1, 0, 1, true},
		"a part of one":            {2.5, 0, 3, true},
		"hardly ever":              {1e-300, 7, 1, true}, // 7 would take longer than there is time
		"more than a second holds": {10, 100, 100, true},
	} {
		q := newQuota(c.rate, c.burst)
		var b bucket
		if got := b.take(q, time.Now().UnixNano(), 1e6); got != c.at1 || (q.each > 0) != c.limited {
			t.Errorf("%s: %d at once, limited %v; want %d, %v", name, got, q.each > 0, c.at1, c.limited)
		}
	}
}

func TestAMessageLargerThanTheBucketIsMadeUpFor(t *testing.T) {
	q, now := newQuota(10, 20), int64(1e18)
	var b bucket
	for i, s := range []struct {
		after time.Duration
		n     int
		want  bool
	}{
		{0, 50, true},               // full: 50 of 20
		{0, 1, false},               // 30 behind
		{3 * time.Second, 1, false}, // just made up, and nothing in it
		{100 * time.Millisecond, 1, true},
		{time.Second, 11, false}, // 10 in it
		{0, 10, true},
		{2*time.Second - 1, 21, false},
		{1, 21, true}, // full again
	} {
		now += int64(s.after)
		if got := b.draw(q, now, s.n); got != s.want {
			t.Errorf("%d: %d: %v, want %v", i, s.n, got, s.want)
		}
	}
}

func TestAHugeDrawAtATinyRateEmptiesTheBucket(t *testing.T) {
	q := newQuota(0.001, 10)
	var b bucket
	if !b.draw(q, 1e18, math.MaxInt32) {
		t.Error("a full bucket refuses")
	}
	if b.draw(q, 1e18+int64(time.Hour), 1) {
		t.Error("an hour later it is full again")
	}
}
