package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
)

// HandleFailure implements actor.SupervisorStrategy: the failure of the
// connection is decided by the policy, that of a module by its own supervision.
func (a *clientActor) HandleFailure(sys *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, msg any) {
	if a.connection == nil || !child.Equal(a.connection) {
		a.parts.HandleFailure(sys, sup, child, rs, reason, msg)
		return
	}
	cause := supervisor.ToError(reason)
	a.life.failure(cause, a.state == Closing)
	if Unauthorized(cause) {
		a.refused.Store(true)
	}
	a.dropped(cause)
	a.reconnect.HandleFailure(sys, sup, child, rs, reason, msg)
}

// Observe lets the strategy of the modules see what it needs to.
func (a *clientActor) Observe(ctx actor.Context) bool { return a.parts.strategy.Observe(ctx) }

// decided is told by the policy what follows a failure.
func (a *clientActor) decided(event any) {
	switch e := event.(type) {
	case *supervisor.RestartScheduled:
		a.become(Backoff)
		if e.Failed > 0 {
			a.endpoint.Add(1)
		}
		a.lost = a.attemptOf(e.Attempt)
		a.publish(&Event{Kind: EventReconnecting, Attempt: a.lost, Delay: e.Delay, Cause: e.Cause})
	case *supervisor.GaveUp:
		a.end(e.Cause)
		a.publish(&Event{Kind: EventReconnectFailed, Attempt: e.Attempts, Cause: e.Cause})
		a.hooks.submit(&call{kind: hookReconnectFailed, number: e.Attempts, cause: e.Cause})
	case *supervisor.Ended:
		if a.options.HoldOnAuthFailure && Unauthorized(e.Cause) {
			a.goal, a.held = goalHeld, e.Cause
			a.become(Closing)
		} else {
			a.end(e.Cause)
		}
	case *supervisor.Escalated:
		a.end(e.Cause)
	}
	a.side.publish(event)
}

// end notes that the client ends, and why.
func (a *clientActor) end(cause error) {
	a.goal, a.cause = goalDown, cause
	a.become(Closing)
}

// dropped notes that the connection was lost, for whatever reason.
func (a *clientActor) dropped(cause error) {
	if a.up {
		a.up = false
		a.publish(&Event{Kind: EventDisconnected, Cause: cause})
	}
}

// down is called when the connection's actor is gone for good.
func (a *clientActor) down(ctx actor.Context) {
	a.connection = nil
	a.life.over()
	a.out.clearSetup()
	a.wants.lost()
	a.dropped(nil)
	a.farewell(a.cause)
	a.wasReady = false
	a.resetIfAsked()
	switch a.goal {
	case goalUp:
		a.connect(ctx)
		a.tellWaiters(nil)
	case goalHeld:
		a.settle(ctx)
		a.tellWaiters(nil)
	default:
		a.parts.stop(ctx)
	}
}
