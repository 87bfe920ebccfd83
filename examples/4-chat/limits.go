package main

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// The server knows nobody who comes, so everything has a bound. All histories
// together take maxRooms × historyBytes at most, some 30 MiB.
const (
	maxRooms  = 500
	maxPeople = 100 // in one room
	burst     = 40  // messages of one page at once; the page itself keeps below
)

// newServer returns the server of the sockets. It counts by address: behind a proxy
// Admission.Key has to say whose the connection is.
func newServer(system *actor.ActorSystem) (*actors.Server, error) {
	parts, err := newChat()
	if err != nil {
		return nil, err
	}
	return actors.NewServer(system, actors.ServerOptions{
		Name: "chat", Modules: parts,
		Limits: transport.Limits{MaxMessage: 8 << 10, MaxFragments: 16}, // a line of 1000 characters, all escaped
		Rates: actors.Rates{
			Messages: 10, MessageBurst: burst, Bytes: 16 << 10, ByteBurst: 64 << 10,
			KeyMessages: 100, KeyMessageBurst: 1000, // an office behind one address
		},
		Admission: actors.Admission{
			MaxConnections: 5000, PerKey: 200,
			Rate: 20, Burst: 200, TotalRate: 500, TotalBurst: 1000, // also when all come back at once
		},
		IdleTimeout: 3 * time.Minute,                      // a page says something every 20 s
		Compression: transport.Compression{Enabled: true}, // a history is long and says much twice
	})
}
