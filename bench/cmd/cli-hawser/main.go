// cli-hawser is a Hawser client: an actor system with one client for each connection,
// whose module answers the echoes.
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/bench/internal/client"
	"github.com/hawser-go/hawser/transport"
)

func main() {
	system := actor.NewActorSystem(actor.WithLoggerFactory(warnings))
	client.Main(func(o client.Options, m *client.Meter, payload []byte) (begin func() error, err error) {
		h := &handler{meter: m, payload: payload}
		c, err := actors.Dial(context.Background(), system, o.URL, actors.ClientOptions{
			Modules: []actors.Module{{Name: "answer", New: func() actors.Handler { return h }}},
		})
		if err != nil {
			return nil, err
		}
		return func() error {
			for range o.InFlight {
				if _, err := c.Send(transport.Text, payload); err != nil {
					return err
				}
			}
			return nil
		}, nil
	})
}

// warnings keeps the start of the actor system out of the figures on the terminal.
func warnings(*actor.ActorSystem) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

type handler struct {
	meter   *client.Meter
	payload []byte
}

// OnMessage answers an echo with the next message. The answers to all the echoes that one
// read has brought leave in one write.
func (h *handler) OnMessage(ctx *actors.Context, m transport.Message) {
	if !h.meter.Received(len(m.Payload)) {
		return
	}
	if _, err := ctx.Reply(transport.Text, h.payload); err != nil {
		client.Fail(err)
	}
}

var errLost = errors.New("the connection was lost")

// OnDisconnect ends the program: no connection may end.
func (*handler) OnDisconnect(_ *actors.Context, cause error) {
	client.Fail(errors.Join(errLost, cause))
}
