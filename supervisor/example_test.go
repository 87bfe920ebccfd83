package supervisor_test

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
)

// The decision is a pure function: whoever knows its inputs can say what happens.
func ExampleDecide() {
	var (
		policy  = supervisor.Policy{Backoff: supervisor.Backoff{MaxAttempts: 3}}
		history supervisor.History
		now     = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	)
	for range 3 {
		var d supervisor.Decision
		d, history = supervisor.Decide(policy, history, io.EOF, now, 0.5)
		fmt.Println(d.Action, d.Attempt, d.Delay, d.GaveUp)
		now = now.Add(time.Second)
	}
	// Output:
	// retry 1 250ms false
	// retry 2 500ms false
	// stop 3 0s true
}

// A guarded actor that is restarted after a pause.
func ExampleGuard() {
	system := actor.NewActorSystem(actor.WithLoggerFactory(quiet))
	done := make(chan struct{})
	starts := 0
	worker := func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); !ok {
				return
			}
			if starts++; starts < 3 {
				panic(errors.New("not yet"))
			}
			close(done)
		})
	}
	parent := func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				ctx.Spawn(actor.PropsFromProducer(supervisor.Guard(worker)))
			}
		})
	}
	strategy := supervisor.NewOneForOne(supervisor.OneForOneOptions{
		Backoff: supervisor.Backoff{InitialDelay: time.Millisecond},
		Notify: func(event any) {
			if e, ok := event.(*supervisor.RestartScheduled); ok {
				fmt.Println("attempt", e.Attempt, "because of:", e.Cause)
			}
		},
	})
	pid := system.Root.Spawn(actor.PropsFromProducer(supervisor.Guard(parent, supervisor.WithStrategy(strategy))))
	<-done
	fmt.Println("up at start", starts)
	_ = system.Root.StopFuture(pid).Wait()
	// Output:
	// attempt 1 because of: not yet
	// attempt 2 because of: not yet
	// up at start 3
}
