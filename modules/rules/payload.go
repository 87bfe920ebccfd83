package rules

import (
	"bytes"
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/hawser-go/hawser/transport"
)

// Exact returns a rule that matches the messages whose payload is s, byte for
// byte; "" matches empty messages. The error is an *Error when s is too long to
// be written down (MaxText).
func Exact(s string) (Rule, error) {
	return payload("exact", s, func(m transport.Message) bool { return string(m.Payload) == s })
}

// Prefix returns a rule that matches the messages that begin with s. The error is
// an *Error when s is empty or too long.
func Prefix(s string) (Rule, error) {
	if s == "" {
		return nil, empty("prefix")
	}
	return payload("prefix", s, func(m transport.Message) bool {
		return len(m.Payload) >= len(s) && string(m.Payload[:len(s)]) == s
	})
}

// Suffix returns a rule that matches the messages that end with s. The error is
// an *Error when s is empty or too long.
func Suffix(s string) (Rule, error) {
	if s == "" {
		return nil, empty("suffix")
	}
	return payload("suffix", s, func(m transport.Message) bool {
		return len(m.Payload) >= len(s) && string(m.Payload[len(m.Payload)-len(s):]) == s
	})
}

// Contains returns a rule that matches the messages in which s stands somewhere.
// The error is an *Error when s is empty or too long.
func Contains(s string) (Rule, error) {
	if s == "" {
		return nil, empty("contains")
	}
	needle := []byte(s)
	return payload("contains", s, func(m transport.Message) bool { return bytes.Contains(m.Payload, needle) })
}

// Regexp returns a rule that matches the messages in which the expression matches
// somewhere: anchor it with ^ and $ for the whole payload. The syntax is that of
// package regexp, whose time is linear in the payload. In a binary payload a byte
// that is not UTF-8 counts as U+FFFD. The error is an *Error when expr is empty,
// too long, or no expression.
func Regexp(expr string) (Rule, error) {
	if expr == "" {
		return nil, empty("regexp")
	}
	if !utf8.ValidString(expr) {
		return nil, &Error{Rule: "regexp", Problem: "is not UTF-8; write a byte as \\x{ff}, or use Contains for bytes"}
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, &Error{Rule: "regexp", Problem: "cannot be used: " + err.Error()}
	}
	return payload("regexp", expr, func(m transport.Message) bool { return re.Match(m.Payload) })
}

func payload(name, s string, m match) (Rule, error) {
	return word(name+"("+strconv.Quote(s)+")", m).bounded(name)
}

func empty(name string) error {
	return &Error{Rule: name, Problem: "is empty and would match everything; if that is meant use Any"}
}
