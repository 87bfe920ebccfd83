package supervisor

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// The events of a strategy. Each failure of a child that is not being stopped yields
// exactly one of them, before anything is done about it, in the thread of the
// supervising actor.

// RestartScheduled says that Child will be tried again after Delay.
type RestartScheduled struct {
	Child   *actor.PID
	Attempt int // in a row, from 1
	Failed  int // attempts in a row that failed; 0 after the loss of a stable session
	Delay   time.Duration
	Cause   error
}

// GaveUp says that Child is stopped for good because it was tried too often: Cause
// is the last failure of Attempts.
type GaveUp struct {
	Child    *actor.PID
	Attempts int
	Cause    error
}

// Ended says that Child is stopped for good because its Cause is not one to retry,
// or its restart type says so.
type Ended struct {
	Child *actor.PID
	Cause error
}

// Escalated says that the failure of Child became the failure of its supervisor.
type Escalated struct {
	Child *actor.PID
	Cause error
}

// announce tells an observer and protoactor's event stream of a decision. Both are
// foreign code; a panic in them must not change the decision.
func announce(system *actor.ActorSystem, notify func(event any), child *actor.PID, d Decision) {
	var (
		ev        any
		directive actor.Directive
	)
	switch {
	case d.GaveUp:
		ev, directive = &GaveUp{Child: child, Attempts: d.Failed, Cause: d.Cause}, actor.StopDirective
	case d.Action == Stop:
		ev, directive = &Ended{Child: child, Cause: d.Cause}, actor.StopDirective
	case d.Action == Escalate:
		ev, directive = &Escalated{Child: child, Cause: d.Cause}, actor.EscalateDirective
	default:
		ev = &RestartScheduled{Child: child, Attempt: d.Attempt, Failed: d.Failed, Delay: d.Delay, Cause: d.Cause}
		directive = actor.RestartDirective
	}
	if notify != nil {
		shielded(system, "observer", func() { notify(ev) })
	}
	if directive != actor.EscalateDirective { // as protoactor does: the parent reports that one
		shielded(system, "event stream", func() {
			system.EventStream.Publish(&actor.SupervisorEvent{Child: child, Reason: d.Cause, Directive: directive})
		})
	}
}

// shielded calls foreign code and logs its panic.
func shielded(system *actor.ActorSystem, who string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			system.Logger().Error("supervisor: panic in "+who, "error", caught(r))
		}
	}()
	f()
}
