// The smallest useful program: a server that echoes, and a client that talks to it
// and would come back if the connection were lost.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/transport"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	system := actor.NewActorSystem()

	server, err := actors.NewServer(system, actors.ServerOptions{Modules: []actors.Module{echo.New("/echo", 1)}})
	check(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go server.Serve(ln)

	answers := make(chan string)
	printer := actors.HandlerFunc(func(_ *actors.Context, m transport.Message) { answers <- string(m.Payload) })
	client, err := actors.Dial(ctx, system, "ws://"+ln.Addr().String()+"/echo", actors.ClientOptions{
		Modules: []actors.Module{{Name: "printer", New: func() actors.Handler { return printer }}},
	})
	check(err)
	_, err = client.SendText("hello, hawser") // accepted at once, written when the connection is ready
	check(err)
	fmt.Println("the server answered:", <-answers)

	check(client.Close(ctx))
	check(server.Close(ctx))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
