package supervisor

import "time"

// RestartType says when a child is restarted, as in OTP.
type RestartType uint8

const (
	// Permanent children are always restarted.
	Permanent RestartType = iota
	// Transient children are restarted unless their end was a normal one.
	Transient
	// Temporary children are never restarted.
	Temporary
)

var restartTypeNames = [...]string{"permanent", "transient", "temporary"}

// String returns the type in one word.
func (t RestartType) String() string {
	if int(t) < len(restartTypeNames) {
		return restartTypeNames[t]
	}
	return "unknown restart type"
}

// Action is what a failure leads to.
type Action uint8

const (
	// Retry restarts after the delay that the Backoff gives.
	Retry Action = iota
	// RetryNow restarts at once. A second failure in a row waits as with Retry, so
	// that no verdict makes a hot loop.
	RetryNow
	// RetryAfter restarts after the time that the other side asked for. With none it
	// is Retry.
	RetryAfter
	// Stop ends the child for good.
	Stop
	// Escalate leaves the decision to the supervisor's own supervisor.
	Escalate
)

var actionNames = [...]string{"retry", "retry now", "retry after", "stop", "escalate"}

// String returns the action in words.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return "unknown action"
}

// Verdict is what a failure means, before history and limits are looked at.
type Verdict struct {
	Action Action
	// After is how long to wait with RetryAfter. It is honoured up to an hour.
	After time.Duration
	// Once allows one more attempt only: if the same verdict comes again before the
	// session has been ready, it is Stop. For refusals that fresh credentials may cure.
	Once bool
	// Normal marks an end that is not a failure: Transient children stop.
	Normal bool
}
