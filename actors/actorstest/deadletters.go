package actorstest

import (
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

// DeadLetters records the dead letters of the system from now on, until the test
// ends. The function that it returns gives those that have come so far.
func DeadLetters(t testing.TB, system *actor.ActorSystem) func() []*actor.DeadLetterEvent {
	var (
		mu      sync.Mutex
		letters []*actor.DeadLetterEvent
	)
	subscription := system.EventStream.Subscribe(func(event any) {
		if d, ok := event.(*actor.DeadLetterEvent); ok {
			mu.Lock()
			defer mu.Unlock()
			letters = append(letters, d)
		}
	})
	t.Cleanup(func() { system.EventStream.Unsubscribe(subscription) })
	return func() []*actor.DeadLetterEvent {
		mu.Lock()
		defer mu.Unlock()
		return append([]*actor.DeadLetterEvent(nil), letters...)
	}
}
