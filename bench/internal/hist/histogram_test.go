package hist

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQuantilesAreWithinOnePercentOfTheSortedValues(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	values := make([]int64, 20_000)
	for i := range values {
		values[i] = int64(math.Exp(r.Float64() * 20)) // 1 ns to 0.5 s, evenly over the octaves
		h.Add(values[i])
	}
	slices.Sort(values)
	for _, q := range []float64{0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1} {
		want := values[min(int(q*float64(len(values))), len(values)-1)]
		if got := h.Quantile(q); math.Abs(float64(got-want)) > 0.01*float64(want)+1 {
			t.Errorf("Quantile(%v) = %d, want %d", q, got, want)
		}
	}
}

func TestMiddleIsTheInverseOfBucket(t *testing.T) {
	for i := range buckets {
		if got := bucket(uint64(middle(i))); got != i {
			t.Fatalf("bucket(middle(%d)) = %d", i, got)
		}
	}
	if got := bucket(math.MaxInt64); got >= buckets {
		t.Errorf("the largest value has bucket %d of %d", got, buckets)
	}
}

func TestExtremesAreExact(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Max() != 0 || h.Count() != 0 {
		t.Error("an empty histogram is not zero")
	}
	h.Add(-5)
	h.Add(123_456_789)
	if h.Quantile(0) != 0 || h.Max() != 123_456_789 || h.Count() != 2 {
		t.Errorf("min %d max %d count %d", h.Quantile(0), h.Max(), h.Count())
	}
	if got := h.Quantile(1); got > h.Max() {
		t.Errorf("Quantile(1) = %d is above the maximum", got)
	}
	h.Reset()
	if h.Count() != 0 || h.Max() != 0 {
		t.Error("Reset left something behind")
	}
}

func TestMergeIsTheSameAsAddingEverything(t *testing.T) {
	var a, b, all Histogram
	for i := range int64(1000) {
		all.Add(i * i)
		if i%3 == 0 {
			a.Add(i * i)
		} else {
			b.Add(i * i)
		}
	}
	a.Merge(&b)
	if a != all {
		t.Error("merged histograms differ from one that got every value")
	}
}

func BenchmarkAdd(b *testing.B) {
	b.ReportAllocs()
	var h Histogram
	v := int64(17)
	for b.Loop() {
		h.Add(v)
		v = (v*31 + 7) & 0xfffff
	}
}
