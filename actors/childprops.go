package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
)

// ChildProps is the recipe of an actor that a module spawns below itself. It runs on the
// workers of the framework, whose stacks live long, and not on a goroutine for each
// wake-up; it has the framework's mailbox, which takes 65,536 messages and no memory
// while it is idle, and a guard (see supervisor.Guard). One recipe is good for any
// number of actors. Like any module, the actor may block: others do not wait for it
// longer than a millisecond.
//
// Without a client or a server on that system the actor has protoactor's own mailbox
// and dispatcher.
func ChildProps(system *actor.ActorSystem, produce actor.Producer) *actor.Props {
	rootsMu.Lock()
	r := roots[system]
	rootsMu.Unlock()
	guarded := supervisor.Guard(produce)
	if r == nil {
		return actor.PropsFromProducer(guarded)
	}
	return actor.PropsFromProducer(guarded,
		actor.WithMailbox(func() actor.Mailbox { return newMailbox(r.dispatcher) }),
		actor.WithDispatcher(r.dispatcher),
	)
}
