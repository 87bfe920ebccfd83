package actorstest_test

import (
	"fmt"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors/actorstest"
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
