package supervisor

import "time"

const (
	// maxAfter is how long a peer may make us wait.
	maxAfter = time.Hour
	// afterSpread is the part of RetryAfter by which clients are spread behind it:
	// those that were refused together must not come back together.
	afterSpread = 0.1
)

// Policy is what a strategy is told by its user. The zero value retries for ever.
type Policy struct {
	// Backoff says how long to wait between attempts.
	Backoff Backoff
	// Restart says when the child is restarted. Default Permanent.
	Restart RestartType
	// Classify says what a failure means. Default: Classify. A panic in it stops the
	// child.
	Classify func(error) Verdict
}

// History is what a decision needs to know of the past. The zero value is a child
// that has not failed yet.
type History struct {
	// Failures is the number of failures in a row.
	Failures int
	// Attempts is how many of them were attempts that failed: all but the loss of a
	// session that had been stable.
	Attempts int
	// DownSince is when the first failure since the last Ready was seen.
	DownSince time.Time
	// ReadySince is since when the session is ready; zero if it is not.
	ReadySince time.Time
	// LastOnce is the last verdict with Once since the last Ready.
	LastOnce Verdict
}

// Ready returns the history of a session that became ready now. It does not
// forget the failures: only a session that stays ready does that.
func (h History) Ready(now time.Time) History {
	return History{Failures: h.Failures, Attempts: h.Attempts, ReadySince: now}
}

// Decision is what is done about a failure.
type Decision struct {
	// Action is Retry, Stop or Escalate.
	Action Action
	// Delay is how long to wait before the attempt, with Retry.
	Delay time.Duration
	// Attempt is which attempt in a row it is, from 1. With Stop it is the one that
	// is not made.
	Attempt int
	// Failed is how many attempts in a row have failed.
	Failed int
	// Cause is the failure.
	Cause error
	// GaveUp says that Stop is due to Backoff.MaxAttempts and not to the cause.
	GaveUp bool
}

// Decide says what is done about a failure, and what the history is after it. It
// is a pure function: r, a random number in [0, 1), and now come from outside.
func Decide(p Policy, h History, cause error, now time.Time, r float64) (Decision, History) {
	classify := p.Classify
	if classify == nil {
		classify = Classify
	}
	v := classify(cause)
	repeated := v.Once && v == h.LastOnce
	h = h.failed(v, p.Backoff.withDefaults().StableAfter, now)
	d := Decision{Attempt: h.Failures, Failed: h.Attempts, Cause: cause}
	switch {
	case p.Restart == Temporary, p.Restart == Transient && v.Normal, v.Action == Stop, repeated:
		d.Action = Stop
	case v.Action == Escalate:
		d.Action = Escalate
	case p.Backoff.exhausted(h.Attempts):
		d.Action, d.GaveUp = Stop, true
	default:
		d.Delay = delay(v, p.Backoff, h, now, r)
	}
	return d, h
}

// failed counts a failure, anew after a session that was ready for stableAfter.
func (h History) failed(v Verdict, stableAfter time.Duration, now time.Time) History {
	if !h.ReadySince.IsZero() && now.Sub(h.ReadySince) >= stableAfter {
		h.Failures, h.Attempts = 0, 0
	} else {
		h.Attempts++
	}
	h.Failures++
	h.ReadySince = time.Time{}
	if h.DownSince.IsZero() {
		h.DownSince = now
	}
	if v.Once {
		h.LastOnce = v
	}
	return h
}

func delay(v Verdict, b Backoff, h History, now time.Time, r float64) time.Duration {
	switch {
	case v.Action == RetryNow && h.Failures == 1:
		return 0
	case v.Action == RetryAfter && v.After > 0:
		d := min(v.After, maxAfter)
		return d + time.Duration(unit(r)*afterSpread*float64(d))
	}
	return b.Delay(h.Failures, now.Sub(h.DownSince), r)
}
