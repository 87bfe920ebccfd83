package actorstest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// ours is how the names of all actors begin that package actors spawns.
const ours = "hawser"

// Option changes what System reports.
type Option func(*report)

// AllowErrors makes System only log what would otherwise fail the test: the
// errors that were logged in the actor system, such as a panic in an event
// subscriber or in an actor that was stopping. For tests that cause them.
func AllowErrors() Option {
	return func(r *report) { r.allowErrors = true }
}

// System returns an actor system for one test. It is quiet while the test runs.
// When the test ends, behind everything that was registered later with t.Cleanup,
// it is checked:
//
//   - An actor of package actors that is still there fails the test: some Client
//     or Server was not closed, or its Close came back too early.
//   - An error that was logged fails the test, unless AllowErrors is given.
//   - Dead letters and the failures of actors are logged with the test: they are
//     often meant. See [DeadLetters] to insist on them.
func System(t testing.TB, options ...Option) *actor.ActorSystem {
	t.Helper()
	r := &report{}
	for _, set := range options {
		set(r)
	}
	system := actor.NewActorSystem(
		actor.WithLoggerFactory(r.logger),
		// The throttle of the dead letter log has a goroutine that waits this long.
		actor.WithDeadLetterThrottleInterval(time.Nanosecond),
	)
	letters := system.EventStream.Subscribe(r.deadLetter)
	t.Cleanup(func() {
		t.Helper()
		left := Left(system)
		system.EventStream.Unsubscribe(letters)
		if !system.IsStopped() {
			system.Shutdown()
		}
		<-time.After(2 * time.Nanosecond) // the throttle's goroutine has gone
		r.print(t)
		for _, name := range left {
			t.Errorf("actorstest: actor %s is still there; was its Client or Server closed?", name)
		}
	})
	return system
}

// Left returns the names of the actors of package actors that are in the system
// now, sorted.
func Left(system *actor.ActorSystem) (names []string) {
	for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
		for _, name := range bucket.Keys() {
			if strings.HasPrefix(name, ours) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
