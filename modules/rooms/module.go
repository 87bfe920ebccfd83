package rooms

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// joinTimeout bounds the join of a new connection, which the others wait for.
const joinTimeout = 5 * time.Second

// nowhere is the path of a module that wants no connections: nobody can guess it.
var nowhere = "/" + rand.Text()

// Module returns the module that has to be one of ServerOptions.Modules, of one server
// and once: the rooms live and end with it. If the server has other modules that want
// the same messages, they get them too (see actors.Routing).
func (r *Rooms) Module() actors.Module {
	r.given.Store(true)
	o := &r.options
	m := actors.Module{Name: o.Name, Path: o.Path, Instances: o.Instances, Async: o.Instances > 1}
	switch listens := o.Relay || o.OnMessage != nil; {
	case !o.listens():
		m.Path = nowhere
		m.New = func() actors.Handler { return &handler{rooms: r} }
	case o.AutoJoin == nil:
		m.New = func() actors.Handler { return &handler{rooms: r} }
	default:
		m.New = func() actors.Handler { return &greeter{handler{rooms: r}} }
		if !listens {
			m.Match = func(transport.Message) bool { return false }
		}
	}
	return m
}

// handler is the module of rooms. The first that starts is the home of the rooms, also
// after its restarts.
type handler struct {
	rooms  *Rooms
	hall   *actor.PID
	ending bool
}

// OnStart opens the rooms.
func (h *handler) OnStart(ctx *actors.Context) { h.open(ctx) }

// OnStop keeps the hall, which ends with the module, from being replaced.
func (h *handler) OnStop() { h.ending = true }

// Receive implements actor.Actor: a hall that was killed is replaced.
func (h *handler) Receive(ctx actor.Context) {
	m, ok := ctx.Message().(*actor.Terminated)
	if ok && h.hall != nil && h.hall.Equal(m.Who) && !h.ending {
		h.open(ctx)
	}
}

func (h *handler) open(ctx actor.Context) {
	r := h.rooms
	if !r.settle(ctx) {
		return
	}
	pid, err := ctx.SpawnNamed(actors.ChildProps(ctx.ActorSystem(), func() actor.Actor { return &hall{rooms: r} }), r.nameOf("hall"))
	if err != nil {
		ctx.Logger().Error("rooms: spawn", "error", err)
		return
	}
	h.hall = pid
}

// OnMessage hands on what a connection sends.
func (h *handler) OnMessage(ctx *actors.Context, m transport.Message) {
	r := h.rooms
	room := r.crowd.marked(ctx.Conn())
	switch o := &r.options; {
	case o.OnMessage != nil:
		name := ""
		if room != nil {
			name = room.name
		}
		_ = r.guard("OnMessage", name, func() { o.OnMessage(ctx, room, m) }) // it is logged
	case !o.Relay || room == nil:
	case o.RelayBack:
		_ = room.Broadcast(m) // Stats counts what is refused
	default:
		_ = room.Broadcast(m, ctx.Conn())
	}
}

// greeter is a handler that brings new connections to their rooms.
type greeter struct{ handler }

// OnConnect joins the connection to the room that AutoJoin names. Its error ends the
// connection.
func (g *greeter) OnConnect(ctx *actors.Context) error {
	r, c := g.rooms, ctx.Conn()
	var name string
	var who Member
	if err := r.guard("AutoJoin", "", func() { name, who = r.options.AutoJoin(c) }); err != nil {
		return &RefusedError{Err: err}
	}
	if name == "" {
		return nil
	}
	within, cancel := context.WithTimeout(context.Background(), joinTimeout)
	defer cancel()
	if err := r.Room(name).Join(within, c, who); err != nil {
		return refusal(err)
	}
	r.crowd.mark(c, name)
	return nil
}

// refusal adds the close frame to an error of Join, unless it has one.
func refusal(err error) error {
	var limit *LimitError
	var frame *transport.CloseError
	switch {
	case errors.As(err, &frame):
		return err
	case errors.As(err, &limit):
		return errors.Join(err, &transport.CloseError{Code: transport.TryAgainLater, Reason: "no room"})
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrClosed):
		return errors.Join(err, &transport.CloseError{Code: transport.TryAgainLater, Reason: "try again later"})
	}
	return err
}
