package main

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

func TestATopicForgetsThoseWhoHaveLeft(t *testing.T) {
	system, _ := newSystem(io.Discard)
	defer system.Shutdown()
	topic := newTopic(false)
	server, err := actors.NewServer(system, actors.ServerOptions{Modules: []actors.Module{topic.subscribe("/sub")}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(ln) }()
	c := open(t, "ws://"+ln.Addr().String()+"/sub")
	c.send("a message is handled behind the subscription")
	_ = c.nc.Close()
	if err := server.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := len(topic.subscribers); n > 0 {
		t.Errorf("%d subscribers are left", n)
	}
	topic.send(transport.Message{Kind: transport.Text, Payload: []byte("to nobody")})
}
