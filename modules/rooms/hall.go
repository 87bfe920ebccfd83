package rooms

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
)

// engage says that a room needs a host. Whoever pushed an order → Hall
type engage struct{ place *place }

// hall is the actor below the module that spawns the hosts and supervises them. It
// runs nothing of the user's: a handler of the module that waits for a new room would
// wait for itself, if the module spawned the host.
type hall struct {
	rooms  *Rooms
	hosts  map[string]*place
	ending bool
}

// recipe is that of our actors: guarded, and on goroutines that outlive a function of
// the user which ends its own.
func recipe(produce actor.Producer) *actor.Props {
	return actor.PropsFromProducer(supervisor.Guard(produce), actor.WithDispatcher(dispatcher{}))
}

func (h *hall) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		h.start(ctx)
	case *engage:
		if !h.ending { // else it would never end: the next hall finds the room
			h.engage(ctx, m.place)
		}
	case *retired:
		if !h.ending {
			ctx.Stop(m.host)
		}
	case *actor.Terminated:
		h.ended(ctx, m.Who)
	case *actor.Stopping, *actor.Restarting:
		h.ending = true
		h.rooms.hall.CompareAndSwap(ctx.Self(), nil)
	default:
		// nobody else has anything to say to it
	}
}

// start takes over the rooms that there are: the hosts of the hall before have ended
// with it.
func (h *hall) start(ctx actor.Context) {
	h.hosts = map[string]*place{}
	h.rooms.hall.Store(ctx.Self())
	for _, p := range h.rooms.all() {
		if p.vacate(nil) {
			h.engage(ctx, p)
		}
	}
}

// engage sees to it that a room has a host, which knows that there is work.
func (h *hall) engage(ctx actor.Context, p *place) {
	if there := h.spawn(ctx, p); there != nil {
		ctx.Send(there, &work{})
	}
}

// spawn spawns the host of a room if it needs one. It returns the one that is there
// already, or nil.
func (h *hall) spawn(ctx actor.Context, p *place) (there *actor.PID) {
	p.mu.Lock()
	defer p.mu.Unlock() // a host that is quick must not have retired before it is noted
	if p.host != nil || !p.needed() {
		return p.host
	}
	pid, err := ctx.SpawnNamed(recipe(func() actor.Actor { return &host{place: p} }), h.rooms.nameOf("room"))
	if err != nil {
		ctx.Logger().Error("rooms: spawn", "room", p.name, "error", err)
		return nil
	}
	h.hosts[pid.Id], p.host = p, pid
	return nil
}

// ended notes the end of a host. If it was killed its room gets another one.
func (h *hall) ended(ctx actor.Context, host *actor.PID) {
	p := h.hosts[host.Id]
	if p == nil {
		return
	}
	delete(h.hosts, host.Id)
	if p.vacate(host) && !h.ending {
		h.engage(ctx, p)
	}
}

// dispatcher runs actors on goroutines, as protoactor's own does. When a function of
// the user ends its goroutine (runtime.Goexit), another one goes on.
type dispatcher struct{}

// Schedule implements actor.Dispatcher.
func (d dispatcher) Schedule(f func()) {
	go func() {
		returned := false
		defer func() {
			if !returned {
				d.Schedule(f)
			}
		}()
		f()
		returned = true
	}()
}

// Throughput implements actor.Dispatcher.
func (dispatcher) Throughput() int { return 300 }
