package actors

import (
	"math"
	"time"
)

// quota is what a bucket gives out: a number of things a second, and how many at
// once after a pause. The zero value is no limit.
type quota struct {
	each  int64 // ns after which one more is given out; 0: no limit
	burst int64 // ns that the bucket may be ahead
}

// newQuota makes a quota. A rate that is not positive is no limit; a burst that is
// not positive is one second's worth, and it is never less than one.
func newQuota(rate float64, burst int) quota {
	if !(rate > 0) || rate > float64(time.Second) {
		return quota{}
	}
	n := float64(burst)
	if burst <= 0 {
		n = rate
	}
	each := math.Floor(min(float64(time.Second)/rate, float64(longest)))
	return quota{each: int64(each), burst: int64(min(max(1, math.Ceil(n))*each, float64(longest)))}
}

// bucket is a token bucket in one number: the time at which it would be full again
// (generic cell rate algorithm). The zero value is full.
type bucket struct{ full int64 }

// take takes up to n, and returns how many it got. now is in ns.
func (b *bucket) take(q quota, now int64, n int) int {
	if q.each == 0 || n <= 0 {
		return n
	}
	from := max(b.full, now)
	n = int(min(int64(n), max(0, now+q.burst-from)/q.each))
	b.full = from + int64(n)*q.each
	return n
}

// draw takes n or nothing. More than the bucket ever holds is given by a full one,
// which then has to make up for it.
func (b *bucket) draw(q quota, now int64, n int) bool {
	if q.each == 0 {
		return true
	}
	from, cost := max(b.full, now), int64(longest)
	if int64(n) < cost/q.each {
		cost = int64(n) * q.each
	}
	if from > now && from+cost > now+q.burst {
		return false
	}
	b.full = from + cost
	return true
}

// wait returns how long it takes until there is one.
func (b *bucket) wait(q quota, now int64) time.Duration {
	return time.Duration(max(0, b.full+q.each-q.burst-now))
}

// spent reports whether something has been taken that has not come back.
func (b *bucket) spent(now int64) bool { return b.full > now }
