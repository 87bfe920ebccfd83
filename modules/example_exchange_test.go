package modules_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// Quote and QuoteRequest are what the exchange of the examples understands.
type (
	Quote struct {
		Symbol string  `json:"symbol"`
		Ask    float64 `json:"ask"`
	}
	QuoteRequest struct {
		Symbol string `json:"symbol"`
	}
)

// exchange is a server in memory for the examples: it sends three prices to
// whoever connects, and answers requests for quotes.
type exchange struct {
	system   *actor.ActorSystem
	listener *transporttest.Listener
	server   *actors.Server
}

func openExchange() *exchange {
	quiet := func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
	e := &exchange{system: actor.NewActorSystem(actor.WithLoggerFactory(quiet), actor.WithDeadLetterThrottleInterval(time.Nanosecond)), listener: transporttest.NewListener()}
	var err error
	e.server, err = actors.NewServer(e.system, actors.ServerOptions{Modules: []actors.Module{feed(), quotes()}})
	if err != nil {
		panic(err)
	}
	go func() { _ = e.server.Serve(e.listener) }()
	return e
}

// feed sends prices to every connection.
func feed() actors.Module {
	return modules.Define("feed", func(r *modules.Routes) {
		r.OnReady(func(c *modules.Ctx) {
			for i, symbol := range []string{"EURUSD", "USDJPY", "EURUSD"} {
				_ = c.Send("price", Price{Symbol: symbol, Bid: float64(i + 1)})
			}
		})
	})
}

// quotes is the server's side of an API: it answers by the id of the request.
func quotes() actors.Module {
	return modules.Define("quotes", func(r *modules.Routes) {
		modules.On(r, "quote", func(c *modules.Ctx, q QuoteRequest) error {
			if q.Symbol == "" {
				return c.ReplyError("quote", "no symbol")
			}
			return c.Reply("quote", Quote{Symbol: q.Symbol, Ask: 1.25})
		})
	})
}

func (e *exchange) dial(m ...actors.Module) *actors.Client {
	client, err := actors.Dial(context.Background(), e.system, "ws://exchange.test/", actors.ClientOptions{
		NetDial: e.listener.Dial,
		Modules: m,
	})
	if err != nil {
		panic(err)
	}
	return client
}

func (e *exchange) close(c *actors.Client) {
	if err := errors.Join(c.Close(context.Background()), e.server.Close(context.Background())); err != nil {
		panic(err)
	}
	e.system.Shutdown()
}
