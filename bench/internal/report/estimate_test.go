package report

import (
	"math"
	"testing"
)

func samples(rep int, values ...float64) []sample {
	var all []sample
	for round, v := range values {
		all = append(all, sample{rep: rep, round: round, value: v})
	}
	return all
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{5, 1, 3}, 3}, {[]float64{4, 1, 3, 100}, 3.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestNoiseIsTwoStandardErrorsOfTheMedian(t *testing.T) {
	got := estimate(samples(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)) // median 5, median deviation 2
	if want := 2 * 1.2533 * 1.4826 * 2 / 3; math.Abs(got.Noise-want) > 1e-9 || got.Value != 5 || got.N != 9 {
		t.Errorf("estimate = %+v, want 5 with noise %v", got, want)
	}
}

func TestAnOutlierBlowsUpNeitherMedianNorNoise(t *testing.T) {
	if got := estimate(samples(0, 10, 11, 10, 11, 10, 11, 10, 11, 1e9)); got.Value > 11 || got.Noise > 2 {
		t.Errorf("estimate = %+v", got)
	}
}

func TestNoiseIsAtLeastHalfTheRangeOfTheRepetitions(t *testing.T) {
	all := append(samples(0, 10, 10, 10, 10, 10), samples(1, 14, 14, 14, 14, 14)...)
	if got := estimate(all); got.Noise < 2 {
		t.Errorf("two repetitions with medians 10 and 14: noise %v, want 2 or more", got.Noise)
	}
}

func TestFewSamplesHaveTheirRangeAsNoise(t *testing.T) {
	if got := estimate(samples(0, 10, 16, 12)); got.Noise != 3 || got.Value != 12 {
		t.Errorf("estimate = %+v, want 12 with noise 3", got)
	}
	if got := estimate(nil); got != (Estimate{}) {
		t.Errorf("estimate of nothing = %+v", got)
	}
}

func TestRatioPairsSlicesOfTheSameRound(t *testing.T) {
	// The machine slows down fourfold in the course of the run; b always costs twice a.
	a, b := samples(0, 1, 2, 3, 4), samples(0, 2, 4, 6, 8)
	if got := ratio(a, b); got.Value != 0.5 || got.Noise != 0 || got.N != 4 {
		t.Errorf("ratio = %+v, want 0.5 without noise", got)
	}
	other := samples(1, 2, 4, 6, 8)
	if ab, ba := ratio(a, other), ratio(other, a); ab.N != 0 || ba.N != 0 {
		t.Errorf("slices of different repetitions were paired: %+v, %+v", ab, ba)
	}
	if got := ratio(a, samples(0, 0, 0)); got.N != 0 {
		t.Errorf("a division by zero counted: %+v", got)
	}
}

func TestDisturbedSlicesCountOnlyWhenThereAreNoOthers(t *testing.T) {
	all := samples(0, 1, 1, 1, 50, 60)
	all[3].disturbed, all[4].disturbed = true, true
	if got := estimate(all); got.N != 3 || got.Value != 1 {
		t.Errorf("estimate = %+v, want the three calm ones", got)
	}
	all[2].disturbed = true
	if got := estimate(all); got.N != 5 {
		t.Errorf("estimate = %+v, want all five", got)
	}
	if got := ratio(samples(0, 2, 2, 2, 2, 2), all); got.N != 5 || got.Value != 2 {
		t.Errorf("ratio = %+v, want all five pairs", got)
	}
}
