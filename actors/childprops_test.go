package actors

import (
	"context"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// foreman is a module with a child of its own, which answers.
type foreman struct{ child chan *actor.PID }

func (foreman) OnMessage(*Context, transport.Message) {}

func (f foreman) OnStart(ctx *Context) {
	pid, err := ctx.SpawnNamed(ChildProps(ctx.ActorSystem(), func() actor.Actor { return actor.ReceiveFunc(work) }), "worker")
	if err != nil {
		panic(err)
	}
	f.child <- pid
}

func work(ctx actor.Context) {
	if answered, ok := ctx.Message().(chan bool); ok {
		answered <- true
	}
}

func TestAChildOfAModuleRunsOnTheWorkersOfTheFramework(t *testing.T) {
	system := quietSystem()
	child := make(chan *actor.PID, 1)
	server, err := NewServer(system, ServerOptions{Modules: []Module{{Name: "foreman", New: func() Handler { return foreman{child} }}}})
	if err != nil {
		t.Fatal(err)
	}
	pid := <-child
	process, _ := system.ProcessRegistry.Get(pid)
	answered := make(chan bool)
	for range 10 {
		process.SendUserMessage(pid, answered)
		<-answered
	}
	rootsMu.Lock()
	d := roots[system].dispatcher
	rootsMu.Unlock()
	d.mu.Lock()
	picks := d.picks
	d.mu.Unlock()
	process.SendUserMessage(pid, answered)
	<-answered
	d.mu.Lock()
	if d.picks == picks {
		t.Error("no worker has picked it up")
	}
	d.mu.Unlock()
	if err := server.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if _, there := system.ProcessRegistry.Get(pid); there {
		t.Error("it has survived its module")
	}
	alone := system.Root.Spawn(ChildProps(system, func() actor.Actor { return actor.ReceiveFunc(work) })) // no server, no workers
	system.Root.Send(alone, answered)
	<-answered
	if err := system.Root.StopFuture(alone).Wait(); err != nil {
		t.Error(err)
	}
}
