package actors

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
)

// UnstoppedError says what did not stop in time.
type UnstoppedError struct {
	// Left names the actors and goroutines that are still there.
	Left []string
	Err  error
}

// Error names some of what is left.
func (e *UnstoppedError) Error() string {
	const named = 10
	left := strings.Join(e.Left[:min(named, len(e.Left))], ", ")
	if more := len(e.Left) - named; more > 0 {
		left = fmt.Sprintf("%s and %d more", left, more)
	}
	return fmt.Sprintf("actors: not stopped in time: %s: %v", left, e.Err)
}

// Unwrap returns the cause.
func (e *UnstoppedError) Unwrap() error { return e.Err }

// finish is the last part of every Close: the actor of the client or server has
// stopped, and what else belongs to it is waited for until ctx is done.
func (s *side) finish(ctx context.Context, pid *actor.PID) error {
	if s.tasks.wait(ctx) != nil {
		return s.unstopped(pid, ctx.Err())
	}
	s.vacate.Do(func() { s.vacated = s.root.release() })
	select {
	case <-s.vacated:
		return nil
	case <-ctx.Done():
		return s.unstopped(pid, ctx.Err())
	}
}

// unstopped names what is left of a client or server.
func (s *side) unstopped(pid *actor.PID, cause error) error {
	left := append(below(s.system, pid.Id), s.tasks.left()...)
	if len(left) == 0 {
		left = []string{"workers"}
	}
	slices.Sort(left)
	return &UnstoppedError{Left: left, Err: cause}
}
