// Package hist keeps latencies in a histogram of fixed size, so that recording one
// costs a few nanoseconds and no memory.
package hist

import "math/bits"

// A power of two is split into subBuckets steps, so a quantile is off by less than 1/128.
const (
	subBits    = 6
	subBuckets = 1 << subBits
	buckets    = (64 - subBits) * subBuckets
)

// Histogram counts values of nanoseconds in buckets whose width grows with the value.
// The zero value is ready. It is not safe for use by several goroutines.
type Histogram struct {
	counts [buckets]uint32
	n      uint64
	max    int64
}

// Reset forgets all values.
func (h *Histogram) Reset() { *h = Histogram{} }

// Add records one value; a negative one (a clock that stepped back) counts as zero.
func (h *Histogram) Add(v int64) {
	v = max(v, 0)
	h.max = max(h.max, v)
	h.counts[bucket(uint64(v))]++
	h.n++
}

// Merge adds everything that other has recorded.
func (h *Histogram) Merge(other *Histogram) {
	for i, c := range other.counts {
		h.counts[i] += c
	}
	h.n += other.n
	h.max = max(h.max, other.max)
}

// Count is the number of values.
func (h *Histogram) Count() uint64 { return h.n }

// Max is the largest value, exactly.
func (h *Histogram) Max() int64 { return h.max }

// Quantile returns the value below which the share q (0 to 1) of all values lies,
// as the middle of its bucket; zero if nothing was recorded.
func (h *Histogram) Quantile(q float64) int64 {
	if h.n == 0 {
		return 0
	}
	rank := min(uint64(q*float64(h.n)), h.n-1)
	var seen uint64
	for i, c := range h.counts {
		if seen += uint64(c); seen > rank {
			return min(middle(i), h.max)
		}
	}
	return h.max
}

// bucket gives values below 2*subBuckets a bucket each, and the octaves above
// subBuckets buckets each.
func bucket(v uint64) int {
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1 // v>>shift is in [subBuckets, 2*subBuckets)
	return shift*subBuckets + int(v>>shift)
}

// middle is the inverse of bucket.
func middle(i int) int64 {
	if i < 2*subBuckets {
		return int64(i)
	}
	shift := i/subBuckets - 1
	low := int64(i-shift*subBuckets) << shift
	return low + int64(1)<<shift/2
}
