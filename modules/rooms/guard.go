package rooms

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/supervisor"
)

// guard calls a function of the user, whose panic ends nothing else. It returns what
// it panicked with. Panics are logged ever more rarely, so that what a peer can cause
// does not fill a disk.
func (r *Rooms) guard(what, room string, f func()) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		err = supervisor.ToError(v)
		if n := r.counts.panics.Add(1); n&(n-1) == 0 {
			r.logger().Error("rooms: a function of Options panicked", "function", what, "room", room, "panics", n, "error", err)
		}
	}()
	f()
	return nil
}

func (r *Rooms) logger() *slog.Logger {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.system == nil {
		return slog.Default()
	}
	return r.system.Logger()
}

// authorize asks whether a connection may join.
func (r *Rooms) authorize(ctx context.Context, room string, c *actors.Conn, m *Member) error {
	if r.options.Authorize == nil {
		return nil
	}
	var refused error
	if err := r.guard("Authorize", room, func() { refused = r.options.Authorize(ctx, room, c, m) }); err != nil {
		return err
	}
	return refused
}

// call tells the host of a room that there is work, or has one sent for. If there is
// no hall yet, the one that comes will find the room.
func (r *Rooms) call(p *place, host *actor.PID) {
	hall := r.hall.Load()
	switch {
	case host != nil:
		r.system.Root.Send(host, &work{})
	case hall != nil:
		r.system.Root.Send(hall, &engage{place: p})
	}
}

// all returns all rooms.
func (r *Rooms) all() []*place {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*place, 0, len(r.rooms))
	for _, p := range r.rooms {
		all = append(all, p)
	}
	return all
}

// nameOf is the name of an actor, used once.
func (r *Rooms) nameOf(kind string) string {
	return kind + strconv.FormatUint(r.names.Add(1), 36)
}
