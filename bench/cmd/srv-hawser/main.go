// srv-hawser echoes with a Hawser server on its own accept loop, with the defaults
// of the framework but for the size of a message.
package main

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/transport"
)

// slow blocks in its handler, as a module that waits for a database does.
type slow struct{}

// OnMessage echoes late.
func (slow) OnMessage(ctx *actors.Context, m transport.Message) {
	peer.Stall()
	_, _ = ctx.Echo(m) // a dead connection ends by itself
}

func main() {
	server, err := actors.NewServer(actor.NewActorSystem(), actors.ServerOptions{
		Modules: []actors.Module{
			echo.New("/echo", 1),
			{Name: "slow", Path: peer.SlowPath, New: func() actors.Handler { return slow{} }},
		},
		Limits: transport.Limits{MaxMessage: peer.MaxMessage},
		Outbox: actors.OutboxLimits{Bytes: 4 * peer.MaxMessage},
	})
	if err != nil {
		peer.Fail(err)
	}
	peer.Fail(server.Serve(peer.Listen()))
}
