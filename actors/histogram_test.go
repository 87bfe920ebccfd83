package actors

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"
)

func TestHistogramIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(histogram{}); n > 4<<10 {
		t.Errorf("%d bytes, want at most 4 KiB", n)
	}
}

// Against the exact quantiles of data as latencies are: spread over orders of
// magnitude, with a long tail.
func TestHistogramQuantilesAreWithinThreePercent(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() float64{
		"uniform in the exponent": func() float64 { return math.Exp(math.Log(20e3) + r.Float64()*math.Log(1e8)) },
		"log-normal at 30 ms":     func() float64 { return 30e6 * math.Exp(r.NormFloat64()) },
		"two peaks":               func() float64 { return pick(r.IntN(10) < 8, 50e3, 2e9) * (1 + 0.1*r.Float64()) },
		"uniform to a second":     func() float64 { return 20e3 + 1e9*r.Float64() },
	} {
		for _, n := range []int{1, 2, 3, 10, 100, 10000} {
			var h histogram
			var exact []time.Duration
			sum := time.Duration(0)
			for range n {
				d := time.Duration(draw())
				h.add(d)
				exact = append(exact, d)
				sum += d
			}
			last := exact[n-1]
			slices.Sort(exact)
			l := h.latency()
			if l.Count != uint64(n) || l.Last != last || l.Max != exact[n-1] || l.Mean != sum/time.Duration(n) {
				t.Errorf("%s, %d: %v; want last %v, mean %v, max %v", name, n, l, last, sum/time.Duration(n), exact[n-1])
			}
			for q, got := range map[float64]time.Duration{0.5: l.P50, 0.9: l.P90, 0.99: l.P99} {
				want := exact[max(int(math.Ceil(q*float64(n))), 1)-1]
				if off := math.Abs(float64(got-want)) / float64(want); off > 1.0/32 {
					t.Errorf("%s, %d: quantile %v is %v, want %v: off by %.2f %%", name, n, q, got, want, 100*off)
				}
			}
		}
	}
}

func TestHistogramAtItsEnds(t *testing.T) {
	tests := []struct {
		name string
		add  []time.Duration
		want Latency
	}{
		{"empty", nil, Latency{}},
		{"zero", []time.Duration{0}, Latency{Count: 1}},
		{"negative", []time.Duration{-time.Hour}, Latency{Count: 1}},
		{"one", []time.Duration{1}, Latency{1, 1, 1, 1, 1, 1, 1}},
		{"always the same", slices.Repeat([]time.Duration{123456789}, 7), Latency{7, 123456789, 123456789, 123456789, 123456789, 123456789, 123456789}},
		{"beyond the last bucket", []time.Duration{100 * time.Hour}, Latency{1, 100 * time.Hour, 100 * time.Hour, 100 * time.Hour, 100 * time.Hour, 100 * time.Hour, 100 * time.Hour}},
		{"the longest", []time.Duration{math.MaxInt64}, Latency{1, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var h histogram
			for _, d := range test.add {
				h.add(d)
			}
			if got := h.latency(); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// Each bucket begins where the one before ends, and its middle lies in it.
func TestHistogramBucketsHaveNoGaps(t *testing.T) {
	for i := range histogramSize - 1 {
		if got := bucketOf(middle(i)); got != i {
			t.Fatalf("the middle of bucket %d is in bucket %d", i, got)
		}
	}
	last := 0
	for ns := int64(0); ns < int64(2*time.Hour); ns += 1 + ns/500 {
		i := bucketOf(ns)
		if i < last || i > last+1 {
			t.Fatalf("%v is in bucket %d, behind bucket %d", time.Duration(ns), i, last)
		}
		last = i
	}
	if last != histogramSize-1 {
		t.Errorf("two hours are in bucket %d", last)
	}
}

func TestHistogramLosesNothingUnderLoad(t *testing.T) {
	var h histogram
	var adding, reading sync.WaitGroup
	stop := make(chan struct{})
	reading.Go(func() {
		seen := uint64(0)
		for {
			l := h.latency()
			if l.Count < seen || l.P99 > l.Max || l.P50 > l.P90 || l.P90 > l.P99 || l.Count > 0 && l.P50 < time.Millisecond {
				t.Errorf("after %d: %+v", seen, l)
				return
			}
			seen = l.Count
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	const each = 20000
	for range 4 {
		adding.Go(func() {
			for i := range each {
				h.add(time.Millisecond + time.Duration(i)*time.Microsecond)
			}
		})
	}
	adding.Wait()
	close(stop)
	reading.Wait()
	want := time.Millisecond + (each-1)*time.Microsecond
	if l := h.latency(); l.Count != 4*each || l.Max != want || l.Mean != time.Millisecond+(each-1)*time.Microsecond/2 {
		t.Errorf("%+v, want %d, max %v", l, 4*each, want)
	}
}
