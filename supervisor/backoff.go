package supervisor

import (
	"math"
	"time"
)

// The defaults of Backoff.
const (
	defaultInitialDelay = 500 * time.Millisecond
	defaultMaxDelay     = 10 * time.Second
	defaultMultiplier   = 2
	defaultStableAfter  = 30 * time.Second
	defaultLongAfter    = 5 * time.Minute
	defaultLongMaxDelay = 30 * time.Second
)

// Backoff says how long to wait before the next attempt. The zero value is the
// default for clients: full jitter from the first attempt on, so that ten thousand
// clients that lost the same server come back spread out, and never giving up.
type Backoff struct {
	// InitialDelay is the ceiling of the delay after the first failure. Default
	// 0.5 s; negative: no delay at any level.
	InitialDelay time.Duration
	// MaxDelay is the cap: no delay is longer, jitter included, but for a Retry-After,
	// which is honoured up to an hour. Default 10 s;
	// negative: no cap.
	MaxDelay time.Duration
	// Multiplier is by how much the ceiling grows with each failure. Default 2;
	// below 1: it does not grow.
	Multiplier float64
	// Jitter is the part of the delay that is random. Default 0 is full jitter:
	// anything from 0 to the ceiling. Between 0 and 1: from (1-Jitter)·ceiling to the
	// ceiling. 1 or more: full. Negative: none, which lets clients come back in step.
	Jitter float64
	// MaxAttempts is how many attempts in a row may fail before giving up; the last
	// one is the MaxAttempts-th. The loss of a stable session is no attempt. Default
	// 0: never give up. Negative: not even one attempt.
	MaxAttempts int
	// StableAfter is how long a session must have been ready before its end counts
	// as a first failure again. A server that accepts and then closes is therefore
	// retried ever more slowly. Default 30 s; negative: any session that was ready.
	StableAfter time.Duration
	// LongAfter is how long one must have been down before LongMaxDelay is the cap.
	// Default 5 min; negative: never.
	LongAfter time.Duration
	// LongMaxDelay is the cap of a long outage; it never lowers MaxDelay. Default 30 s
	// if MaxDelay has its default too, else MaxDelay.
	LongMaxDelay time.Duration
}

// Delay returns how long to wait after the given number of failures in a row (at
// least 1), having been down for the given time. r is a random number in [0, 1);
// the result is the same for the same arguments.
func (b Backoff) Delay(failures int, down time.Duration, r float64) time.Duration {
	b = b.withDefaults()
	if b.InitialDelay < 0 {
		return 0
	}
	maximum := b.MaxDelay
	if b.LongAfter >= 0 && down >= b.LongAfter {
		maximum = max(maximum, b.LongMaxDelay)
	}
	// In floating point, because the product outgrows int64 after some 35 doublings.
	ceiling := float64(b.InitialDelay) * math.Pow(max(b.Multiplier, 1), float64(max(failures, 1)-1))
	ceiling = min(ceiling, float64(maximum))
	return time.Duration(ceiling * (1 - b.Jitter*(1-unit(r))))
}

// withDefaults fills in the defaults. It is not to be applied twice: the result has
// other words for "none".
func (b Backoff) withDefaults() Backoff {
	if b.LongMaxDelay == 0 {
		b.LongMaxDelay = b.MaxDelay
		if b.MaxDelay == 0 {
			b.LongMaxDelay = defaultLongMaxDelay
		}
	}
	if b.InitialDelay == 0 {
		b.InitialDelay = defaultInitialDelay
	}
	switch {
	case b.MaxDelay == 0:
		b.MaxDelay = defaultMaxDelay
	case b.MaxDelay < 0:
		b.MaxDelay = math.MaxInt64 / 2 // 146 years, with room for the sums of others
	}
	if b.Multiplier == 0 || math.IsNaN(b.Multiplier) {
		b.Multiplier = defaultMultiplier
	}
	switch {
	case b.Jitter < 0:
		b.Jitter = 0
	case b.Jitter == 0, b.Jitter > 1, math.IsNaN(b.Jitter):
		b.Jitter = 1
	}
	if b.StableAfter == 0 {
		b.StableAfter = defaultStableAfter
	}
	if b.LongAfter == 0 {
		b.LongAfter = defaultLongAfter
	}
	return b
}

// exhausted reports whether no attempt is left after that many failed ones.
func (b Backoff) exhausted(failed int) bool {
	return b.MaxAttempts != 0 && failed >= b.MaxAttempts
}

// unit forces a random number into [0, 1], whatever an injected source returns.
func unit(r float64) float64 {
	if !(r > 0) { // NaN as well
		return 0
	}
	return min(r, 1)
}
