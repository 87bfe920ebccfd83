package actors_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// A client dials, sends before it is connected, and hands what comes to a module.
func ExampleDial() {
	ctx, system := context.Background(), quietSystem()
	url, stop := priceServer(system)
	defer stop()

	prices := make(chan string)
	client, err := actors.Dial(ctx, system, url, actors.ClientOptions{
		Modules: []actors.Module{{Name: "prices", New: func() actors.Handler {
			return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) { prices <- string(m.Payload) })
		}}},
	})
	check(err)
	_, err = client.SendText("EUR/USD") // accepted now, written when the connection is ready
	check(err)
	fmt.Println(<-prices)
	check(client.Close(ctx)) // nil: every actor, goroutine and socket of it is gone
	// Output: EUR/USD 1.08
}

// A server is modules on paths; it serves a listener, or is an http.Handler.
func ExampleNewServer() {
	ctx, system := context.Background(), quietSystem()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)

	server, err := actors.NewServer(system, actors.ServerOptions{
		Modules: []actors.Module{{Name: "shout", Path: "/shout", New: func() actors.Handler {
			return actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) {
				_, _ = ctx.Reply(transport.Text, bytes.ToUpper(m.Payload)) // leaves with the turn's other replies
			})
		}}},
	})
	check(err)
	go server.Serve(ln) // or, beside other handlers: http.Handle("/shout", server)
	fmt.Println(ask("ws://"+ln.Addr().String()+"/shout", "ahoy"))
	check(server.Close(ctx)) // every client gets 1001, and what was accepted for it before
	// Output: AHOY
}

// States tells what happens to a client, in order, until it stops.
func ExampleClient_States() {
	ctx, system := context.Background(), quietSystem()
	url, stop := priceServer(system)
	defer stop()

	client, err := actors.NewClient(system, url, actors.ClientOptions{})
	check(err)
	events := client.States(ctx)
	check(client.Connect(ctx))
	check(client.WaitReady(ctx))
	check(client.Close(ctx))
	for e := range events {
		fmt.Println(e.Kind)
	}
	// Output:
	// connecting
	// connected
	// ready
	// disconnected
	// stopped
}

// quietSystem is an actor system whose log does not mix with the output.
func quietSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.NewTextHandler(io.Discard, nil))
		}),
		actor.WithDeadLetterThrottleInterval(time.Nanosecond),
	)
}

// priceServer answers the name of a pair with its price.
func priceServer(system *actor.ActorSystem) (url string, stop func()) {
	server, err := actors.NewServer(system, actors.ServerOptions{
		Modules: []actors.Module{{Name: "price", New: func() actors.Handler {
			return actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) {
				_, _ = ctx.Reply(transport.Text, append(bytes.Clone(m.Payload), " 1.08"...))
			})
		}}},
	})
	check(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go server.Serve(ln)
	return "ws://" + ln.Addr().String(), func() { check(server.Close(context.Background())) }
}

// ask sends one text and returns the answer.
func ask(url, text string) string {
	answers := make(chan string)
	client, err := actors.Dial(context.Background(), quietSystem(), url, actors.ClientOptions{
		Modules: []actors.Module{{Name: "answers", New: func() actors.Handler {
			return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) { answers <- string(m.Payload) })
		}}},
	})
	check(err)
	_, err = client.SendText(text)
	check(err)
	answer := <-answers
	check(client.Close(context.Background()))
	return answer
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
