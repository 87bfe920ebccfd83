package ratelimit

import (
	"container/list"
	"time"

	"golang.org/x/time/rate"
)

// bucket is what one connection, or all with the same key, may do.
type bucket struct {
	inbound, outbound pair

	// Of one with a key, under the lock of its shelf.
	key   string
	users int           // connections that have it
	place *list.Element // among those without a user; nil if it has one
}

// pair is the bucket of one direction. Either half may be nil: no limit.
type pair struct{ messages, bytes *rate.Limiter }

func newBucket(o *Options) *bucket {
	return &bucket{inbound: newPair(o.Inbound), outbound: newPair(o.Outbound)}
}

func newPair(l Limit) (p pair) {
	if l.Messages > 0 {
		p.messages = rate.NewLimiter(rate.Limit(l.Messages), l.MessageBurst)
	}
	if l.Bytes > 0 {
		p.bytes = rate.NewLimiter(rate.Limit(l.Bytes), l.ByteBurst)
	}
	return p
}

// take takes a message of n bytes out of both halves, or out of none.
func (p pair) take(now time.Time, n int) bool {
	if p.messages == nil {
		return p.bytes == nil || p.bytes.AllowN(now, n)
	}
	if p.bytes == nil {
		return p.messages.AllowN(now, 1)
	}
	r := p.messages.ReserveN(now, 1)
	if r.OK() && r.DelayFrom(now) == 0 && p.bytes.AllowN(now, n) {
		return true
	}
	r.CancelAt(now)
	return false
}

// full reports whether the bucket is as good as a fresh one.
func (b *bucket) full(now time.Time) bool {
	for _, l := range []*rate.Limiter{b.inbound.messages, b.inbound.bytes, b.outbound.messages, b.outbound.bytes} {
		if l != nil && l.TokensAt(now) < float64(l.Burst()) {
			return false
		}
	}
	return true
}
