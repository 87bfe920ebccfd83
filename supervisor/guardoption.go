package supervisor

import "github.com/asynkron/protoactor-go/actor"

// GuardOption changes how an actor is guarded.
type GuardOption func(*guardOptions)

type guardOptions struct {
	produce  actor.Producer
	strategy func() actor.SupervisorStrategy
	onPanic  func(SwallowedPanic)
}

// WithStrategy sets the strategy for the actor's children. All actors that the
// producer makes share it, incarnations of one actor as well as different ones, so
// it must have no state or be used for one actor only. nil means the default, an
// OneForOne of its own for each incarnation. An actor that implements
// actor.SupervisorStrategy itself needs no option; actor.WithSupervisor has no
// effect on a guarded actor.
func WithStrategy(s actor.SupervisorStrategy) GuardOption {
	return func(o *guardOptions) {
		if s == nil {
			o.strategy = nil
			return
		}
		o.strategy = func() actor.SupervisorStrategy { return s }
	}
}

// WithNewStrategy makes a strategy for each incarnation. It is called when the
// incarnation is made.
func WithNewStrategy(f func() actor.SupervisorStrategy) GuardOption {
	return func(o *guardOptions) { o.strategy = f }
}

// WithPanicHandler is told of the panics that the guard swallows, in the actor's
// thread. Default: they are logged as errors with the actor system's logger.
func WithPanicHandler(f func(SwallowedPanic)) GuardOption {
	return func(o *guardOptions) { o.onPanic = f }
}
