package actorstest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors/actorstest"
)

func TestProbeReceivesInOrder(t *testing.T) {
	system := actorstest.System(t)
	probe := actorstest.Spawn(t, system)
	want := []any{"one", 2, "three"}
	for _, m := range want {
		system.Root.Send(probe.PID(), m)
	}
	if got := actorstest.Expect[string](probe); got != "one" {
		t.Errorf("first: %q", got)
	}
	if got := actorstest.Expect[int](probe); got != 2 {
		t.Errorf("second: %d", got)
	}
	actorstest.Expect[string](probe)
	if got := probe.Messages(); !slices.Equal(got, want) {
		t.Errorf("messages %v; want %v", got, want)
	}
}

func TestProbeKnowsTheSender(t *testing.T) {
	system := actorstest.System(t)
	probe, other := actorstest.Spawn(t, system), actorstest.Spawn(t, system)
	system.Root.RequestWithCustomSender(probe.PID(), "with", other.PID())
	system.Root.Send(probe.PID(), "without")
	actorstest.Expect[string](probe)
	if got := probe.Sender(); !other.PID().Equal(got) {
		t.Errorf("sender %v; want %v", got, other.PID())
	}
	actorstest.Expect[string](probe)
	if got := probe.Sender(); got != nil {
		t.Errorf("sender %v; want none", got)
	}
}

func TestExpectFailsOnAnotherType(t *testing.T) {
	r := run(func(t testing.TB) {
		system := actorstest.System(t)
		probe := actorstest.Spawn(t, system)
		system.Root.Send(probe.PID(), 7)
		actorstest.Expect[string](probe)
	})
	says(t, r.errors, "got int 7", "want string")
}

func TestExpectTakesAnInterface(t *testing.T) {
	system := actorstest.System(t)
	probe := actorstest.Spawn(t, system)
	system.Root.Send(probe.PID(), time.Second)
	if got := actorstest.Expect[interface{ Seconds() float64 }](probe); got.Seconds() != 1 {
		t.Errorf("got %v", got)
	}
}

func TestExpectWaitsInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := actorstest.System(t)
		probe := actorstest.Spawn(t, system)
		start := time.Now()
		time.AfterFunc(time.Hour, func() { system.Root.Send(probe.PID(), "late") })
		actorstest.Expect[string](probe, 2*time.Hour)
		if passed := time.Since(start); passed != time.Hour {
			t.Errorf("%s have passed; want 1h", passed)
		}
	})
}

func TestExpectFailsWhenTheTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := run(func(t testing.TB) {
			actorstest.Expect[string](actorstest.Spawn(t, actorstest.System(t)), time.Minute)
		})
		says(t, r.errors, "no message within 1m0s", "want string")
		if passed := time.Since(start).Truncate(time.Microsecond); passed != time.Minute {
			t.Errorf("%s have passed; want 1m", passed)
		}
	})
}

func TestExpectNoneSeesWhatWasSentBefore(t *testing.T) {
	r := run(func(t testing.TB) {
		system := actorstest.System(t)
		probe := actorstest.Spawn(t, system)
		for range 1000 {
			system.Root.Send(probe.PID(), "one")
			actorstest.Expect[string](probe)
		}
		actorstest.ExpectNone(probe)
		system.Root.Send(probe.PID(), "one too many")
		actorstest.ExpectNone(probe)
	})
	says(t, r.errors, "1 messages", "one too many")
}

func TestExpectNoneWaitsForTheBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(func(t testing.TB) {
			system := actorstest.System(t)
			probe := actorstest.Spawn(t, system)
			relay := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if m, ok := ctx.Message().(string); ok {
					ctx.Send(probe.PID(), m)
				}
			}))
			system.Root.Send(relay, "in a roundabout way")
			actorstest.ExpectNone(probe)
		})
		says(t, r.errors, "in a roundabout way")
	})
}

func TestExpectNoneReturnsForAProbeThatWasStopped(t *testing.T) {
	system := actorstest.System(t)
	probe, watcher := actorstest.Spawn(t, system), actorstest.Spawn(t, system)
	watcher.Watch(probe.PID())
	system.Root.Stop(probe.PID())
	actorstest.Expect[*actor.Terminated](watcher)
	actorstest.ExpectNone(probe)
}
