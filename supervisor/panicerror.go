package supervisor

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

// PanicError is a panic with something other than an error of ours: a bug. Stack
// is where it happened; nil if that was not seen.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("supervisor: panic: %v", e.Value) }

// Unwrap returns the value if it is an error, such as a runtime.Error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is the failure of an actor whose goroutine was ended under it.
var errGoexit = errors.New("supervisor: runtime.Goexit in an actor")

// ToError makes an error of a failure's reason: the error that it is, else a
// *PanicError.
func ToError(reason any) error {
	switch r := reason.(type) {
	case nil:
		return &PanicError{Value: "no reason given"}
	case error:
		return r
	default:
		return &PanicError{Value: r}
	}
}

// caught makes an error of what recover returned, on the stack that panicked.
// Errors by which our actors fail on purpose stay what they are and cost no stack.
func caught(r any) error {
	err, ok := r.(error)
	if _, bug := r.(runtime.Error); ok && !bug {
		return err
	}
	return &PanicError{Value: r, Stack: debug.Stack()}
}
