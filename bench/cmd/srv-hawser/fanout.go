package main

import (
	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/modules/rooms"
	"github.com/hawser-go/hawser/transport"
)

// fanOut is a room that the connections of /sub join by themselves, and a module that
// broadcasts in it what comes from /pub.
func fanOut() []actors.Module {
	r, err := rooms.New(rooms.Options{
		Path:       peer.SubPath,
		AutoJoin:   func(*actors.Conn) (string, rooms.Member) { return "all", rooms.Member{} },
		MaxMembers: -1, // the default of 10,000 is what the largest scenario has, to the last one
	})
	if err != nil {
		peer.Fail(err)
	}
	p := publisher{room: r.Room("all")}
	return []actors.Module{
		r.Module(),
		{Name: "publish", Path: peer.PubPath, New: func() actors.Handler { return p }},
	}
}

type publisher struct{ room *rooms.Room }

// OnMessage publishes. What the room's queue has no room for is lost, and missed by the
// generator.
func (p publisher) OnMessage(_ *actors.Context, m transport.Message) { _ = p.room.Broadcast(m) }
