// srv-hawser is a Hawser server on its own accept loop, with the defaults of the
// framework but for the size of a message, what may wait for a connection, and how many
// may be in a room. Variant "async": its echo is a module declared asynchronous. Variant
// "typed": it has three middleware, all actors, and the typed route; they would see the
// messages of the other routes too, so that it is a server of its own.
package main

import (
	"log/slog"
	"os"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/transport"
)

func main() {
	peer.Know("async", "typed", peer.Deflate, peer.TLS)
	options := actors.ServerOptions{
		Limits:      transport.Limits{MaxMessage: peer.MaxMessage},
		Outbox:      actors.OutboxLimits{Bytes: 4 * peer.MaxMessage},
		Compression: transport.Compression{Enabled: peer.Variant(peer.Deflate)},
		TLSConfig:   peer.TLSConfig(),
		Modules:     modulesOf(),
	}
	if peer.Variant("typed") {
		options.Middleware = middleware()
		options.Modules = append(options.Modules, typed())
	}
	server, err := actors.NewServer(actor.NewActorSystem(actor.WithLoggerFactory(warnings)), options)
	if err != nil {
		peer.Fail(err)
	}
	listener, err := transport.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		peer.Fail(err)
	}
	peer.Announce(listener.Addr().String())
	peer.Fail(server.Serve(listener))
}

// warnings keeps the start of the actor system out of the figures on the terminal.
func warnings(*actor.ActorSystem) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func modulesOf() []actors.Module {
	echoing := echo.New(peer.EchoPath, 1)
	echoing.Async = peer.Variant("async")
	return append(
		fanOut(), echoing,
		actors.Module{Name: "slow", Path: peer.SlowPath, New: func() actors.Handler { return slow{} }},
	)
}

// slow blocks in its handler, as a module that waits for a database does.
type slow struct{}

// OnMessage echoes late.
func (slow) OnMessage(ctx *actors.Context, m transport.Message) {
	peer.Stall()
	_, _ = ctx.Echo(m) // a dead connection ends by itself
}
