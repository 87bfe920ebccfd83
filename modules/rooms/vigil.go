package rooms

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// vigil is told of the ends of the connections that are in rooms, and of the end of
// the module. It is a process and no actor: it has no mailbox to wait in, and nothing
// that could fail or be stopped, so no end is ever missed.
type vigil struct{ rooms *Rooms }

var _ actor.Process = (*vigil)(nil)

// SendUserMessage implements actor.Process.
func (*vigil) SendUserMessage(*actor.PID, any) {}

// SendSystemMessage implements actor.Process. It runs in the thread of the actor that
// ends, and waits for nobody.
func (v *vigil) SendSystemMessage(_ *actor.PID, msg any) {
	m, ok := msg.(*actor.Terminated)
	switch {
	case !ok:
	case v.rooms.isHome(m.Who):
		v.rooms.close()
	default:
		v.rooms.depart(m.Who)
	}
}

// Stop implements actor.Process.
func (*vigil) Stop(*actor.PID) {}

// settle reports whether ctx's actor is the home. One that comes when the one before
// has ended opens the rooms again: somebody has stopped it, and the server lives on.
func (r *Rooms) settle(ctx actor.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.home != nil && !r.closed {
		return r.home.Equal(ctx.Self())
	}
	r.closed = false
	registry := ctx.ActorSystem().ProcessRegistry
	id := ctx.Self().Id + "/" + r.nameOf("vigil")
	pid, ok := registry.Add(&vigil{rooms: r}, id)
	home, there := registry.Get(ctx.Self())
	if !ok || !there {
		return false
	}
	r.home, r.system, r.vigil = ctx.Self(), ctx.ActorSystem(), pid
	home.SendSystemMessage(r.home, &actor.Watch{Watcher: pid})
	if r.options.Events != nil {
		r.events = r.system.EventStream.Subscribe(r.event)
	}
	return true
}

func (r *Rooms) isHome(who *actor.PID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.home != nil && r.home.Equal(who)
}

// close ends all rooms: the module has ended. Connections that are still there, because
// it was the module alone that somebody has stopped, are told to come back.
func (r *Rooms) close() {
	r.mu.Lock()
	r.closed = true
	rooms := r.rooms
	r.rooms = map[string]*place{}
	events := r.events
	r.events = nil
	r.mu.Unlock()
	r.hall.Store(nil)
	r.system.EventStream.Unsubscribe(events)
	r.system.ProcessRegistry.Remove(r.vigil)
	for _, p := range rooms {
		p.close(ErrClosed)
	}
	left := r.crowd.first()
	r.crowd.clear()
	for _, s := range left {
		s.conn.Close(transport.ServiceRestart, "the rooms have ended")
	}
}

// event broadcasts what Options.Events makes of an event.
func (r *Rooms) event(event any) {
	_ = r.guard("Events", "", func() {
		room, m, ok := r.options.Events(event)
		if ok {
			_ = r.Room(room).Broadcast(m) // Stats counts what is refused
		}
	})
}
