package rooms

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
)

// engage says that a room needs a host. Whoever pushed an order → Hall
type engage struct {
	late
	place *place
}

// late is what our messages have in common: when the rooms end, or somebody is killed,
// they may find nobody any more, and that is no matter of the log.
type late struct{}

// IgnoreDeadLetterLogging implements actor.IgnoreDeadLetterLogging.
func (late) IgnoreDeadLetterLogging() {}

// hall is the actor below the module that spawns the hosts and supervises them. It
// runs nothing of the user's: a handler of the module that waits for a new room would
// wait for itself, if the module spawned the host.
type hall struct {
	rooms  *Rooms
	hosts  map[string]*place
	shards []*actor.PID
	ending bool

	idle  []*actor.PID // hosts that have retired
	broom *time.Timer  // of the next sweep; nil if none is due
}

// linger is how long a host stays that has retired.
const linger = time.Second

// sweep says that hosts that have retired are to be stopped. Timer → Hall
type sweep struct{ late }

func (h *hall) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		h.start(ctx)
	case *engage:
		if !h.ending { // else it would never end: the next hall finds the room
			h.engage(ctx, m.place)
		}
	case *retired:
		h.retire(ctx, m.host)
	case *sweep:
		h.sweep(ctx)
	case *actor.Terminated:
		h.ended(ctx, m.Who)
		h.dismiss(ctx, m.Who)
	case *actor.Stopping, *actor.Restarting:
		h.ending = true
		h.rooms.hall.CompareAndSwap(ctx.Self(), nil)
		h.rooms.shards.Store(nil) // there is no other hall before this one has ended
		if h.broom != nil {
			h.broom.Stop()
		}
	default:
		// nobody else has anything to say to it
	}
}

// start takes over the rooms that there are: the hosts of the hall before have ended
// with it.
func (h *hall) start(ctx actor.Context) {
	h.hosts = map[string]*place{}
	for range shards() {
		h.muster(ctx)
	}
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
	pid, err := ctx.SpawnNamed(actors.ChildProps(ctx.ActorSystem(), func() actor.Actor { return &host{place: p} }), h.rooms.nameOf("room"))
	if err != nil {
		ctx.Logger().Error("rooms: spawn", "room", p.name, "error", err)
		return nil
	}
	h.hosts[pid.Id], p.host = p, pid
	return nil
}

// retire notes a host that is not needed any more. It is stopped later: when a server
// ends all rooms become empty and the hall is stopped, and with it each host; to stop them
// twice would make dead letters.
func (h *hall) retire(ctx actor.Context, host *actor.PID) {
	h.idle = append(h.idle, host)
	if h.broom == nil && !h.ending {
		system, self := ctx.ActorSystem(), ctx.Self()
		h.broom = time.AfterFunc(linger, func() { system.Root.Send(self, &sweep{}) })
	}
}

// sweep stops the hosts that have retired.
func (h *hall) sweep(ctx actor.Context) {
	if h.ending {
		return
	}
	for _, host := range h.idle {
		ctx.Stop(host)
	}
	h.idle, h.broom = nil, nil
}

// ended notes the end of a host. If it was killed its room gets another one.
func (h *hall) ended(ctx actor.Context, host *actor.PID) {
	p := h.hosts[host.Id]
	if p == nil {
		return
	}
	delete(h.hosts, host.Id)
	if !h.ending {
		h.idle = slices.DeleteFunc(h.idle, host.Equal)
	}
	if p.vacate(host) && !h.ending {
		h.engage(ctx, p)
	}
}
