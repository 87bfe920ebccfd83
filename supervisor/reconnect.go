package supervisor

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// ReconnectOptions are the seams of a Reconnect. The zero value is for production.
type ReconnectOptions struct {
	// Rand returns random numbers in [0, 1). Default: rand.Float64.
	Rand func() float64
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Notify is told each decision: *RestartScheduled, *GaveUp, *Ended or *Escalated,
	// in the thread of the supervising actor. It must not block. Default nil: nobody is
	// told.
	Notify func(event any)
}

// Plan is what a new incarnation must know before it starts.
type Plan struct {
	// Attempt is which attempt in a row this is; 0 for a start that follows no failure.
	Attempt int
	// Delay is how long the incarnation has to wait before it dials.
	Delay time.Duration
	// Cause is the failure of the incarnation before; nil at a first start.
	Cause error
}

// Reconnect is the strategy of an actor with one child whose restart is a
// reconnect. It restarts the child at once and lets the new incarnation wait the
// delay of the Plan, in its own time: so its mailbox answers meanwhile, the timer
// dies with it, and nothing is left that could fire late. An incarnation that
// fails without having waited makes a hot loop.
//
// It outlives the incarnations of both child and supervisor, so the producers of
// both may capture it. All methods may be called from any goroutine.
type Reconnect struct {
	policy  Policy
	options ReconnectOptions

	mu      sync.Mutex
	history History
	plan    Plan
	leaving bool
}

var _ actor.SupervisorStrategy = (*Reconnect)(nil)

// NewReconnect returns a strategy for one child.
func NewReconnect(p Policy, o ReconnectOptions) *Reconnect {
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Reconnect{policy: p, options: o}
}

// HandleFailure implements actor.SupervisorStrategy.
func (r *Reconnect) HandleFailure(system *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, message any) {
	d, ok := r.decide(ToError(reason))
	if !ok {
		s.StopChildren(child)
		return
	}
	announce(system, r.options.Notify, child, d)
	switch d.Action {
	case Stop:
		s.StopChildren(child)
	case Escalate:
		s.EscalateFailure(reason, message)
	default:
		r.mu.Lock()
		leaving := r.leaving // perhaps by the observer
		r.mu.Unlock()
		if leaving {
			s.StopChildren(child)
			return
		}
		s.RestartChildren(child)
	}
}

// Plan returns what the incarnation that starts now has to do.
func (r *Reconnect) Plan() Plan {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.plan
}

// Ready says that the session is ready. The attempts start again at 1 once it has
// been so for Backoff.StableAfter.
func (r *Reconnect) Ready() {
	now := r.options.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = r.history.Ready(now)
}

// Reset makes the next start a first one: without history, without delay, and no
// longer Leaving. For a start that a user asked for.
func (r *Reconnect) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history, r.plan, r.leaving = History{}, Plan{}, false
}

// Leaving says that the child is being stopped on purpose: should it fail on its
// way, nobody is told and it is stopped. It holds until Reset.
func (r *Reconnect) Leaving() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leaving = true
}

// decide decides on a failure and remembers the plan. It is not ok if the child is
// leaving.
func (r *Reconnect) decide(cause error) (d Decision, ok bool) {
	now, random := r.options.Now(), r.options.Rand()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leaving {
		return Decision{}, false
	}
	d, r.history = decideSafely(r.policy, r.history, cause, now, random)
	r.plan = Plan{Attempt: d.Attempt, Delay: d.Delay, Cause: d.Cause}
	return d, true
}

// decideSafely is Decide, with Stop for a classifier that panics.
func decideSafely(p Policy, h History, cause error, now time.Time, r float64) (d Decision, after History) {
	defer func() {
		if v := recover(); v != nil {
			d = Decision{Action: Stop, Attempt: h.Failures + 1, Cause: errors.Join(cause, caught(v))}
			after = h
		}
	}()
	return Decide(p, h, cause, now, r)
}
