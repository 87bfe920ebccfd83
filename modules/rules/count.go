package rules

import (
	"fmt"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Skip returns a rule that matches all messages of a connection but the first n;
// with 0 it matches all. It counts the messages that reach it (see And), and
// begins anew with each connection. The error is an *Error when n is negative.
func Skip(n int) (Rule, error) {
	if n < 0 {
		return nil, &Error{Rule: "skip", Problem: fmt.Sprintf("got %d; it must be 0 or more: how many messages to pass over", n)}
	}
	return counting(fmt.Sprintf("skip(%d)", n), func() match {
		left := n
		return func(transport.Message) bool {
			if left == 0 {
				return true
			}
			left--
			return false
		}
	}), nil
}

// Every returns a rule that matches every k-th message of a connection: Every(10)
// the 10th, the 20th, and so on. An offset from 0, the default, to k-1 moves that:
// Every(10, 1) matches the 1st, the 11th, the 21st. It counts the messages that
// reach it (see And), and begins anew with each connection. The error is an *Error
// when k is less than 1, and when the offset is out of its range or given twice.
func Every(k int, offset ...int) (Rule, error) {
	switch {
	case k < 1:
		return nil, &Error{Rule: "every", Problem: fmt.Sprintf("got %d; it must be 1 or more: 1 matches all messages, 2 every second", k)}
	case len(offset) > 1:
		return nil, &Error{Rule: "every", argument: 2, Problem: fmt.Sprintf("got %d offsets; it takes one", len(offset))}
	case len(offset) == 1 && (offset[0] < 0 || offset[0] >= k):
		return nil, &Error{Rule: "every", argument: 1, Problem: fmt.Sprintf("got the offset %d; of every %d messages it must be one from 0 (the last) to %d", offset[0], k, k-1)}
	}
	at, text := 0, fmt.Sprintf("every(%d)", k)
	if len(offset) == 1 && offset[0] != 0 {
		at, text = offset[0], fmt.Sprintf("every(%d, %d)", k, offset[0])
	}
	return counting(text, func() match {
		n := 0 // how many came, modulo k
		return func(transport.Message) bool {
			if n++; n == k {
				n = 0
			}
			return n == at
		}
	}), nil
}

// counting returns a rule whose match is made new for each connection.
func counting(text string, begin func() match) *rule {
	r := word(text, nil)
	r.remembers = true
	r.fresh = func(actors.ConnInfo) match { return begin() }
	return r
}
