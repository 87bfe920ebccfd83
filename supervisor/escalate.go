package supervisor

import "github.com/asynkron/protoactor-go/actor"

// AllForEscalate is the strategy of an actor that is nothing without its children:
// the failure of any of them is its own. It has no state.
type AllForEscalate struct{}

var _ actor.SupervisorStrategy = AllForEscalate{}

// HandleFailure implements actor.SupervisorStrategy.
func (AllForEscalate) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, _ *actor.PID, _ *actor.RestartStatistics, reason, message any) {
	s.EscalateFailure(reason, message)
}
