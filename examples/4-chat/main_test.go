package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asProgram makes the test's own program be the chat.
const asProgram = "HAWSER_CHAT_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	// protoactor's throttle of dead letters outlives its system by some seconds.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1"))
}
