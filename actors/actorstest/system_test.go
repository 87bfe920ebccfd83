package actorstest_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors/actorstest"
)

func idle(actor.Context) {}

func TestActorOfOursThatIsLeftFailsTheTest(t *testing.T) {
	r := run(func(t testing.TB) {
		system := actorstest.System(t)
		if _, err := system.Root.SpawnNamed(actor.PropsFromFunc(idle), "hawser7"); err != nil {
			t.Errorf("spawn: %v", err)
		}
	})
	says(t, r.errors, "hawser7", "still there")
}

func TestActorOfSomebodyElseMayBeLeft(t *testing.T) {
	r := run(func(t testing.TB) {
		actorstest.System(t).Root.Spawn(actor.PropsFromFunc(idle))
	})
	if len(r.errors) != 0 {
		t.Errorf("errors: %q", r.errors)
	}
}

func TestCleanupsOfTheTestRunBeforeTheCheck(t *testing.T) {
	r := run(func(t testing.TB) {
		system := actorstest.System(t)
		probe := actorstest.Spawn(t, system)
		pid, _ := system.Root.SpawnNamed(actor.PropsFromFunc(idle), "hawser7")
		t.Cleanup(func() {
			probe.Watch(pid)
			system.Root.Stop(pid)
			actorstest.Expect[*actor.Terminated](probe)
		})
	})
	if len(r.errors) != 0 {
		t.Errorf("errors: %q", r.errors)
	}
}

func TestLoggedErrorFailsTheTest(t *testing.T) {
	r := run(func(t testing.TB) {
		actorstest.System(t).Logger().With("node", 7).Error("it broke", "error", errors.New("badly"))
	})
	says(t, r.errors, "it broke", "node=7", "error=badly")
}

func TestLoggedErrorIsOnlyLoggedIfAllowed(t *testing.T) {
	r := run(func(t testing.TB) {
		actorstest.System(t, actorstest.AllowErrors()).Logger().Error("it broke")
	})
	if len(r.errors) != 0 {
		t.Errorf("errors: %q", r.errors)
	}
	says(t, r.logs, "it broke")
}

func TestFailureOfAnActorIsLogged(t *testing.T) {
	r := run(func(t testing.TB) {
		system := actorstest.System(t)
		probe := actorstest.Spawn(t, system)
		pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case string:
				panic("oops")
			case *actor.Restarting:
				ctx.Send(probe.PID(), "restarting")
			}
		}))
		system.Root.Send(pid, "panic, please")
		actorstest.Expect[string](probe)
	})
	if len(r.errors) != 0 {
		t.Errorf("errors: %q", r.errors)
	}
	says(t, r.logs, "Recovering", "oops")
}

func TestDeadLetterIsLogged(t *testing.T) {
	r := run(func(t testing.TB) {
		system := actorstest.System(t)
		system.Root.Send(actor.NewPID("nonhost", "nobody"), &hello{})
	})
	says(t, r.logs, "dead letter", "nobody", "hello")
}

func TestReportIsBounded(t *testing.T) {
	r := run(func(t testing.TB) {
		system := actorstest.System(t)
		for range 60 {
			system.Logger().Error("again")
		}
	})
	if len(r.errors) != 51 {
		t.Fatalf("%d lines; want 50 and the number of the others", len(r.errors))
	}
	says(t, r.errors[50:], "10 more")
}

func TestDeadLettersAreRecordedInOrder(t *testing.T) {
	system := actorstest.System(t)
	letters := actorstest.DeadLetters(t, system)
	for _, m := range []string{"a", "b"} {
		system.Root.Send(actor.NewPID("nonhost", "nobody"), m)
	}
	got := letters()
	if len(got) != 2 || got[0].Message != "a" || got[1].Message != "b" {
		t.Errorf("got %v", got)
	}
}

func TestSystemLeavesNothingInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := actorstest.System(t)
		actorstest.Spawn(t, system)
		system.Root.Send(actor.NewPID("nonhost", "nobody"), "a dead letter starts protoactor's throttle")
	})
}
