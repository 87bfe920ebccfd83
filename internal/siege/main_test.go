//go:build linux

package siege

import (
	"testing"

	"go.uber.org/goleak"
)

// protoactor's throttle of dead letters outlives its system by some seconds.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1"))
}
