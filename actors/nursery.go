package actors

import (
	"strconv"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
)

// nursery spawns the actors that exist once for each connection and are never
// restarted. They share their recipes, because one Props for each would cost as
// much memory as the actor's own state. Spawning is synchronous, so the instance
// is handed to the recipe right before it is asked for it.
type nursery struct {
	mu        sync.Mutex
	escalates *actor.Props // failures below go up
	next      actor.Actor
	box       *mailbox
}

func newNursery(d *dispatcher) *nursery {
	n := &nursery{}
	recipe := func(strategy actor.SupervisorStrategy) *actor.Props {
		return actor.PropsFromProducer(
			supervisor.Guard(n.produce, supervisor.WithStrategy(strategy)),
			actor.WithMailbox(func() actor.Mailbox { return n.box }),
			actor.WithDispatcher(d),
		)
	}
	n.escalates = recipe(escalate)
	return n
}

// spawn starts a as a child of ctx, under a name that is never used again. It has
// handled its Started when spawn returns.
func (n *nursery) spawn(ctx actor.Context, kind string, number uint64, a actor.Actor, box *mailbox) error {
	box.once = true
	box.running = true // by us, and not by a worker
	if err := n.bear(ctx, kind, number, a, box); err != nil {
		return err
	}
	box.run()
	return nil
}

func (n *nursery) bear(ctx actor.Context, kind string, number uint64, a actor.Actor, box *mailbox) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next, n.box = a, box
	defer func() { n.next, n.box = nil, nil }()
	_, err := ctx.SpawnNamed(n.escalates, name(kind, number))
	return err
}

// name is the last part of the name of an actor that is counted.
func name(kind string, number uint64) string { return kind + strconv.FormatUint(number, 36) }

// produce is called by protoactor within spawn, and never again: the mailbox makes a
// stop of each restart.
func (n *nursery) produce() actor.Actor { return n.next }
