package report

import (
	"math"
	"slices"
)

// sample is one slice's value of some figure.
type sample struct {
	rep, round int
	value      float64
	disturbed  bool // other processes took a good part of the machine meanwhile
}

// Estimate is a median and how far it may be off by chance.
type Estimate struct {
	Value float64

	// Noise is in the unit of Value: the larger one of
	//   - two standard errors of the median, from the spread of the slices, and
	//   - half the range of the medians of the repetitions. Each repetition has fresh
	//     processes, which differ by more than their slices do (memory layout, the cores
	//     that the kernel chose).
	Noise float64
	N     int // slices
}

// estimate is the Estimate of a set of samples; zero of none.
func estimate(samples []sample) Estimate {
	samples = calm(samples)
	byRep := map[int][]float64{}
	all := make([]float64, 0, len(samples))
	for _, s := range samples {
		all = append(all, s.value)
		byRep[s.rep] = append(byRep[s.rep], s.value)
	}
	medians := make([]float64, 0, len(byRep))
	for _, values := range byRep {
		medians = append(medians, median(values))
	}
	return Estimate{Value: median(all), Noise: max(medianError(all), halfRange(medians)), N: len(all)}
}

// ratio estimates a/b from the pairs of neighbouring slices: what disturbed both of a
// round cancels out.
func ratio(a, b []sample) Estimate {
	type place struct{ rep, round int }
	divisor := map[place]sample{}
	for _, s := range b {
		divisor[place{s.rep, s.round}] = s
	}
	var ratios []sample
	for _, s := range a {
		if d := divisor[place{s.rep, s.round}]; d.value > 0 {
			ratios = append(ratios, sample{s.rep, s.round, s.value / d.value, s.disturbed || d.disturbed})
		}
	}
	return estimate(ratios)
}

// calm leaves out what was disturbed, unless too little is left.
func calm(samples []sample) []sample {
	const enough = 3
	var undisturbed []sample
	for _, s := range samples {
		if !s.disturbed {
			undisturbed = append(undisturbed, s)
		}
	}
	if len(undisturbed) < enough {
		return samples
	}
	return undisturbed
}

// medianError is two standard errors of the median of values. The spread is taken from
// the median deviation, which single outliers do not move. Of fewer than five values it
// says nothing, so half their range stands in.
func medianError(values []float64) float64 {
	const (
		enough    = 5
		toSigma   = 1.4826 // a normal distribution's sigma in median deviations
		medianVar = 1.2533 // its median's standard error in those of the mean
	)
	if len(values) < enough {
		return halfRange(values)
	}
	middle := median(values)
	deviations := make([]float64, len(values))
	for i, v := range values {
		deviations[i] = math.Abs(v - middle)
	}
	return 2 * medianVar * toSigma * median(deviations) / math.Sqrt(float64(len(values)))
}

func halfRange(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return (slices.Max(values) - slices.Min(values)) / 2
}

func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
