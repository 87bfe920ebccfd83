package rules

import (
	"fmt"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// After returns a rule that matches the messages that begin with s and of which r
// wants the rest: After("42", json) looks at the JSON in `42["price"]`. The module
// gets the message whole. A rule with a memory sees only the messages that begin
// with s. The error is an *Error when s is empty or too long, when r is nil, and when
// the result is beyond MaxText or MaxDepth.
func After(s string, r actors.Rule) (Rule, error) {
	return strip("after", s, r, func(p []byte) ([]byte, bool) {
		if len(p) < len(s) || string(p[:len(s)]) != s {
			return nil, false
		}
		return p[len(s):], true
	})
}

// Before is After for messages that end with s: r looks at what stands before it.
func Before(s string, r actors.Rule) (Rule, error) {
	return strip("before", s, r, func(p []byte) ([]byte, bool) {
		rest := len(p) - len(s)
		if rest < 0 || string(p[rest:]) != s {
			return nil, false
		}
		return p[:rest], true
	})
}

// strip is a rule over what cut leaves of a payload.
func strip(name, s string, r actors.Rule, cut func([]byte) ([]byte, bool)) (Rule, error) {
	if s == "" {
		return nil, empty(name)
	}
	parts, err := adoptAll(name, []actors.Rule{r})
	if err != nil {
		return nil, err
	}
	inner := parts[0]
	n := &rule{text: fmt.Sprintf("%s(%q, %s)", name, s, inner.in(levelRun)), level: levelWord, depth: deepest(parts)}
	n.compose(parts, func(c actors.ConnInfo) match {
		matches := inner.Matcher(c)
		return func(m transport.Message) bool {
			rest, ok := cut(m.Payload)
			return ok && matches(transport.Message{Kind: m.Kind, Payload: rest})
		}
	})
	return n.bounded(name)
}
