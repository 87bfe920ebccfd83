package rules

import (
	"fmt"

	"github.com/hawser-go/hawser/transport"
)

var (
	anyRule    = word("any", func(transport.Message) bool { return true })
	neverRule  = word("never", nothing)
	textRule   = word("text", func(m transport.Message) bool { return m.Kind == transport.Text })
	binaryRule = word("binary", func(m transport.Message) bool { return m.Kind == transport.Binary })
)

func nothing(transport.Message) bool { return false }

// Any returns a rule that matches every message.
func Any() Rule { return anyRule }

// Never returns a rule that matches no message.
func Never() Rule { return neverRule }

// Text returns a rule that matches text messages.
func Text() Rule { return textRule }

// Binary returns a rule that matches binary messages.
func Binary() Rule { return binaryRule }

// Kind returns Text or Binary. The error is an *Error for any other kind.
func Kind(k transport.Kind) (Rule, error) {
	switch k {
	case transport.Text:
		return textRule, nil
	case transport.Binary:
		return binaryRule, nil
	}
	return nil, &Error{Rule: "kind", Problem: fmt.Sprintf("%d is no kind of message; use transport.Text or transport.Binary", k)}
}

// Func returns a rule that matches what f returns true for. f must be fast, must
// not change or keep the payload, and is called by many connections at once. A
// rule that needs the connection, or remembers, implements actors.Rule instead,
// which And, Or, Not, Then and Sequence take too. The error is an *Error when f
// is nil.
func Func(f func(transport.Message) bool) (Rule, error) {
	if f == nil {
		return nil, &Error{Rule: "func", Problem: "is nil; for a rule that matches everything use Any"}
	}
	return word("func()", f), nil
}
