package main

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/modules/rooms"
	"github.com/hawser-go/hawser/transport"
)

// modulesFor makes the modules that serve has been asked for. leaving ends what takes
// its time.
func modulesFor(leaving context.Context, o *serveOptions, tell herald) ([]actors.Module, error) {
	t := newTopic(o.latest)
	all := []actors.Module{t.subscribe("/sub"), t.publish("/pub")}
	if o.has("echo") {
		all = append(all, echo.New("/echo", runtime.GOMAXPROCS(0)))
	}
	if o.has("rooms") {
		r, err := rooms.New(roomOptions(o))
		if err != nil {
			return nil, err
		}
		all = append(all, r.Module())
	}
	if o.has("slow") {
		all = append(all, slowEcho(leaving, "/slow"))
	}
	if o.has("panic") {
		all = append(all, fragileEcho("/panic"))
	}
	for _, m := range all {
		if w, ok := tell.witness(m.Path); ok {
			all = append(all, w)
		}
	}
	return all, nil
}

// roomOptions let a connection join the room of its path, where what one sends goes to
// the others.
func roomOptions(o *serveOptions) rooms.Options {
	r := rooms.Options{Path: "/rooms/{name}", AutoJoin: rooms.ByPath, Relay: true, Presence: presence}
	if o.server.Outbox.Overflow == actors.CloseSlow && !o.latest {
		r.Slow = rooms.CloseSlow
	}
	return r
}

// presenceEvent tells the members of a room who came and went, or, with State, who is
// there. They are named after their connections.
type presenceEvent struct {
	Event  string   `json:"event"` // "presence"
	Room   string   `json:"room"`
	State  bool     `json:"state"`
	Joined []string `json:"joined"`
	Left   []string `json:"left"`
}

func presence(room string, d rooms.Diff) (transport.Message, bool) {
	e := presenceEvent{Event: "presence", Room: room, State: d.State, Joined: ids(d.Joined), Left: ids(d.Left)}
	b, err := json.Marshal(e)
	return transport.Message{Kind: transport.Text, Payload: b}, err == nil
}

func ids(members []rooms.Member) []string {
	list := make([]string, len(members)) // in JSON an empty one is no null
	for i, m := range members {
		list[i] = m.ID
	}
	return list
}

const (
	// slowTime is how long /slow takes for a message.
	slowTime = 50 * time.Millisecond
	// slowInstances is how many connections of /slow do not wait for each other.
	slowInstances = 32
)

// slowEcho blocks, so it must not run on the threads that read: it is Async. It hurries
// once leaving is done.
func slowEcho(leaving context.Context, path string) actors.Module {
	handle := actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) {
		rest(leaving, slowTime)
		_, _ = ctx.Echo(m) // the connection may have ended meanwhile
	})
	return actors.Module{
		Name: "slow", Path: path, Async: true, Instances: slowInstances,
		New: func() actors.Handler { return handle },
	}
}

// errBoom is how /panic fails.
var errBoom = errors.New("boom")

// fragileEcho fails at "boom", and is restarted then.
func fragileEcho(path string) actors.Module {
	handle := actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) {
		if string(m.Payload) == errBoom.Error() {
			panic(errBoom)
		}
		_, _ = ctx.Echo(m) // as above
	})
	return actors.Module{Name: "panic", Path: path, New: func() actors.Handler { return handle }}
}
