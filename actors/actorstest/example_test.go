package actorstest_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
)

type (
	hello   struct{ Name string }
	welcome struct{ Text string }
)

func greet(ctx actor.Context) {
	if m, ok := ctx.Message().(*hello); ok {
		ctx.Respond(&welcome{Text: "Welcome, " + m.Name})
	}
}

// A server under the control of the test, and a client that loses it. In a real
// test this stands in a testing/synctest bubble, and the client is the program
// under test.
func ExamplePeer() {
	run(func(t testing.TB) {
		peer := actorstest.NewPeer(t)
		client := actorstest.DialPeer(t, peer.URL()+"feed", transport.Dialer{NetDial: peer.Dial})
		server := peer.Accept()

		client.SendText(`{"op": "subscribe"}`)
		server.ExpectJSON(`{"op":"subscribe"}`)
		server.TornFrame()

		fmt.Println(errors.Is(client.ExpectLost(), syscall.ECONNRESET))
		fmt.Println(server.Request().Path, peer.Dials()[0].Answer)
	})
	// Output:
	// true
	// /feed accepted
}

// A test spawns what it tests on a System, and a Probe to which it answers.
func Example() {
	test := func(t testing.TB) {
		system := actorstest.System(t)
		greeter := system.Root.Spawn(actor.PropsFromFunc(greet))
		probe := actorstest.Spawn(t, system)

		system.Root.RequestWithCustomSender(greeter, &hello{Name: "Ada"}, probe.PID())

		fmt.Println(actorstest.Expect[*welcome](probe).Text)
		actorstest.ExpectNone(probe)

		probe.Watch(greeter)
		system.Root.Stop(greeter)
		actorstest.Expect[*actor.Terminated](probe)
		fmt.Println("gone")
	}
	run(test) // in a real test: func TestGreeter(t *testing.T)
	// Output:
	// Welcome, Ada
	// gone
}
