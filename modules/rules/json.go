package rules

import (
	"strconv"

	"github.com/hawser-go/hawser/transport"
)

// JSONExists returns a rule that matches the messages that are a JSON document
// with a value at the path, null included. A path names keys and indexes from the
// root: a.b[2].c. It may begin with $, which alone is the root itself, and a key
// with other characters stands in brackets and quotes: ["a key"].b. An index
// counts from 0. The error is an *Error, which says at which byte the path is
// wrong.
func JSONExists(path string) (Rule, error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	return word("json("+strconv.Quote(path)+") exists", func(m transport.Message) bool {
		_, ok := locate(m.Payload, steps)
		return ok
	}).compare()
}

// JSONEquals returns a rule that matches the messages that are a JSON document
// with the value at the path (see JSONExists). The value is a string, a bool, any
// integer or float, a json.Number, or nil for null. Strings are compared with
// escapes decoded, numbers by what they are worth, exactly and in decimal: 1.50 is
// 15e-1, but 0.1 is not 0.1000000000000000055. The error is an *Error, also for a
// value of another type, a string that is not UTF-8, and a number that JSON cannot
// write, like NaN.
func JSONEquals(path string, value any) (Rule, error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	want, err := newScalar(value)
	if err != nil {
		return nil, err
	}
	return word("json("+strconv.Quote(path)+") = "+want.text, func(m transport.Message) bool {
		got, ok := locate(m.Payload, steps)
		return ok && want.equals(got)
	}).compare()
}

// compare makes r a rule of several words.
func (r *rule) compare() (Rule, error) {
	r.level = levelCompare
	return r.bounded("json")
}
