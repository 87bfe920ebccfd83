package modules

import (
	"errors"
	"fmt"
)

// The errors of a call or a wait that gets no answer. They are found with
// errors.Is; where there is a cause it is in the chain too.
var (
	// ErrNotReady: there is no connection that is ready, so nothing was sent.
	ErrNotReady = errors.New("modules: not connected")
	// ErrDisconnected: the connection was lost before the answer came. The peer may
	// have got the request, or may get it yet, behind the reconnect, if it was still
	// waiting to be written.
	ErrDisconnected = errors.New("modules: disconnected before the answer came")
	// ErrTooManyCalls: as many calls as are allowed wait for their answers.
	ErrTooManyCalls = errors.New("modules: too many calls wait for their answers")
	// ErrNoReply: no answer came within APIOptions.Timeout.
	ErrNoReply = errors.New("modules: no answer in time")
)

// because is sentinel with its cause, if there is one.
func because(sentinel, cause error) error {
	if cause == nil {
		return sentinel
	}
	return fmt.Errorf("%w: %w", sentinel, cause)
}

// CodecError says that a codec cannot read or write a message.
type CodecError struct {
	// Codec is the codec's name, Op "peek", "decode" or "encode".
	Codec, Op string
	// Type is the type of the message, where it is known.
	Type string
	Err  error
}

func (e *CodecError) Error() string {
	if e.Type == "" {
		return fmt.Sprintf("modules: %s %s: %v", e.Codec, e.Op, e.Err)
	}
	return fmt.Sprintf("modules: %s %s %q: %v", e.Codec, e.Op, e.Type, e.Err)
}

// Unwrap returns the cause.
func (e *CodecError) Unwrap() error { return e.Err }

// PanicError is a panic of code that is not trusted with more than one message: a
// codec, a match, an error function.
type PanicError struct{ Value any }

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic, if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// UnknownTypeError says that a module got a message for which it has no route. It
// happens only to a module with a rule of its own.
type UnknownTypeError struct{ Type string }

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("modules: no route for type %q; add one with On, or let the rule not match it", e.Type)
}

// RouteError says that a route cannot be used. It is the failure of the module that
// declares it: its actor does not come up, and the supervisor tells why.
type RouteError struct{ Type, Problem string }

func (e *RouteError) Error() string { return fmt.Sprintf("modules: route %q %s", e.Type, e.Problem) }

// PeerError is a reply by which the peer says that a request failed.
type PeerError struct {
	// Type is the type of the reply.
	Type string
	// Text is what the peer says; as JSON if it is not a string.
	Text string
}

func (e *PeerError) Error() string {
	return fmt.Sprintf("modules: the peer refused %q: %s", e.Type, e.Text)
}

// BindError says that an API was given to a second client while it serves another.
// The second client stops with it as the cause.
type BindError struct{ API string }

func (e *BindError) Error() string {
	return fmt.Sprintf("modules: API %q serves another client already; make one for each with NewAPI", e.API)
}

// Terminal tells the supervisor that trying again is no use.
func (*BindError) Terminal() bool { return true }
