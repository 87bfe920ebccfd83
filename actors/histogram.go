package actors

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// The shape of a histogram: times are counted in units of 1.024 µs; below 16 units
// each unit has a bucket, above them each octave has 16 equal ones.
const (
	histogramUnit  = 10 // as a power of two, in ns
	histogramParts = 4  // buckets of an octave, as a power of two
	histogramSpan  = 28 // octaves above the first 16 units
	histogramSize  = (histogramSpan + 1) << histogramParts
)

// histogram counts durations in log-linear buckets. It has a fixed size, less than
// 4 KiB, and the zero value is empty. All methods are safe for concurrent use; add
// takes no lock.
//
// A quantile is the middle of the bucket in which it lies, and never outside what
// was added. So it is wrong by at most 1/32 of itself; below 16 µs by at most half
// a microsecond. From 73 minutes on all durations share a bucket, and a quantile
// in it is the largest duration. Count, mean, last and largest are exact.
type histogram struct {
	buckets [histogramSize]atomic.Uint64
	sum     atomic.Uint64 // ns
	last    atomic.Int64  // ns
	most    atomic.Int64  // ns
	least   atomic.Int64  // ns, as the distance from the greatest int64: 0 is none
}

// Latency says how long something took, over the whole life of a client. All of it
// is 0 as long as Count is.
type Latency struct {
	// Count is how often it was measured.
	Count uint64
	// Last is the latest, Mean the average, Max the longest duration.
	Last, Mean, Max time.Duration
	// P50, P90 and P99 are quantiles: half, 90 % and 99 % of the durations were not
	// longer. They are accurate to 3.2 %, or half a microsecond below 16 µs.
	P50, P90, P99 time.Duration
}

// add counts a duration. A negative one, of a clock that was set back, counts as 0.
func (h *histogram) add(d time.Duration) {
	ns := max(int64(d), 0)
	h.last.Store(ns)
	h.sum.Add(uint64(ns))
	raise(&h.most, ns)
	raise(&h.least, math.MaxInt64-ns)
	h.buckets[bucketOf(ns)].Add(1) // at last: who sees it here finds it in the others
}

// raise makes v at least n.
func raise(v *atomic.Int64, n int64) {
	for {
		old := v.Load()
		if old >= n || v.CompareAndSwap(old, n) {
			return
		}
	}
}

// bucketOf returns the bucket of a duration.
func bucketOf(ns int64) int {
	const parts = 1 << histogramParts
	u := uint64(ns) >> histogramUnit
	if u < parts {
		return int(u)
	}
	octave := bits.Len64(u) - 1 - histogramParts
	return min((octave+1)*parts+int(u>>octave)&(parts-1), histogramSize-1)
}

// middle returns the duration in the middle of a bucket.
func middle(bucket int) int64 {
	const parts = 1 << histogramParts
	if bucket < parts {
		return int64(bucket)<<histogramUnit + 1<<(histogramUnit-1)
	}
	octave := bucket/parts - 1
	low := int64(parts+bucket%parts) << octave
	return low<<histogramUnit + 1<<(octave+histogramUnit-1)
}

// latency returns what was counted so far.
func (h *histogram) latency() Latency {
	var counts [histogramSize]uint64
	var l Latency
	for i := range counts {
		counts[i] = h.buckets[i].Load()
		l.Count += counts[i]
	}
	if l.Count == 0 {
		return l
	}
	most, least := h.most.Load(), math.MaxInt64-h.least.Load()
	quantile := func(q float64) time.Duration {
		return time.Duration(min(max(quantileOf(&counts, l.Count, q), least), most))
	}
	l.Last, l.Max = time.Duration(h.last.Load()), time.Duration(most)
	l.Mean = time.Duration(h.sum.Load() / l.Count)
	l.P50, l.P90, l.P99 = quantile(0.5), quantile(0.9), quantile(0.99)
	return l
}

// quantileOf returns the middle of the bucket with the smallest duration that is
// not exceeded by the part q of all.
func quantileOf(counts *[histogramSize]uint64, all uint64, q float64) int64 {
	rank := max(uint64(math.Ceil(q*float64(all))), 1)
	for i, n := range counts {
		if n >= rank {
			if i == histogramSize-1 {
				break
			}
			return middle(i)
		}
		rank -= n
	}
	return math.MaxInt64
}
