package supervisor

import "github.com/asynkron/protoactor-go/actor"

// Split gives some children a strategy of their own: a supervises those for which
// pick returns true, b the others. Both observe, if they can. pick runs in the
// thread of the supervising actor.
func Split(pick func(child *actor.PID) bool, a, b actor.SupervisorStrategy) actor.SupervisorStrategy {
	return &split{pick: pick, a: a, b: b}
}

type split struct {
	pick func(*actor.PID) bool
	a, b actor.SupervisorStrategy
}

var (
	_ actor.SupervisorStrategy = (*split)(nil)
	_ Observer                 = (*split)(nil)
)

// HandleFailure implements actor.SupervisorStrategy.
func (s *split) HandleFailure(system *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, message any) {
	chosen := s.b
	if s.pick(child) {
		chosen = s.a
	}
	chosen.HandleFailure(system, sup, child, rs, reason, message)
}

// Observe implements Observer.
func (s *split) Observe(ctx actor.Context) (consumed bool) {
	for _, strategy := range [...]actor.SupervisorStrategy{s.a, s.b} {
		if o, ok := strategy.(Observer); ok && o.Observe(ctx) {
			consumed = true
		}
	}
	return consumed
}
