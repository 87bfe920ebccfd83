package rules

import (
	"fmt"
	"strings"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// The bounds of a rule, so that every rule can be written down and parsed back.
const (
	// MaxText is the longest text form of a rule, in bytes.
	MaxText = 64 << 10
	// MaxDepth is how deep rules may stand in one another.
	MaxDepth = 64
)

// Rule is an actors.Rule that can be written down. It is immutable: any number of
// modules may have the same one.
type Rule interface {
	actors.Rule
	// String returns the text form, which Parse makes an equal rule of. The
	// exceptions are rules that hold Go code, Func and those of other packages:
	// they show as func() and rule("type"), which Parse refuses.
	String() string
}

// Must returns r, and panics when err is not nil. It is for rules that stand in
// the source: rules.Must(rules.Prefix("42")).
func Must(r Rule, err error) Rule {
	if err != nil {
		panic(err)
	}
	return r
}

// match is what a rule is at work.
type match = func(transport.Message) bool

// level is how close a text form binds: a part that binds less than its place
// asks for gets parentheses.
type level uint8

const (
	levelRun level = iota
	levelOr
	levelAnd
	levelCompare // json(…) = 1: no parentheses but behind "!"
	levelNot
	levelWord
)

// rule is the only Rule of this package.
type rule struct {
	text  string
	level level
	depth int
	// parts are what And and Or are made of; an And in an And is taken apart.
	parts []*rule
	// shared is the match of all connections; nil when each needs its own.
	shared match
	// fresh makes the match of one connection, where shared is nil.
	fresh func(actors.ConnInfo) match
	// remembers: it must see each message that it is offered, in order.
	remembers bool
}

// Matcher implements actors.Rule.
func (r *rule) Matcher(c actors.ConnInfo) func(transport.Message) bool {
	if r.shared != nil {
		return r.shared
	}
	return r.fresh(c)
}

// String implements Rule.
func (r *rule) String() string { return r.text }

// word returns a rule without parts.
func word(text string, m match) *rule {
	return &rule{text: text, level: levelWord, depth: 1, shared: m}
}

// bounded returns r when it keeps the bounds. Every constructor that takes
// something of any size ends here.
func (r *rule) bounded(name string) (Rule, error) {
	switch {
	case len(r.text) > MaxText:
		return nil, &Error{Rule: name, Problem: fmt.Sprintf("is %d bytes long when written down, more than the %d that are allowed; use Func", len(r.text), MaxText)}
	case r.depth > MaxDepth:
		return nil, &Error{Rule: name, Problem: fmt.Sprintf("makes rules stand in one another more than %d deep; put them side by side: And and Or take any number", MaxDepth)}
	}
	return r, nil
}

// adopt returns the rule behind an actors.Rule, or wraps one of another package.
func adopt(r actors.Rule) *rule {
	if own, ok := r.(*rule); ok {
		return own
	}
	return &rule{
		text: fmt.Sprintf("rule(%q)", fmt.Sprintf("%T", r)), level: levelWord, depth: 1, remembers: true,
		fresh: func(c actors.ConnInfo) match {
			if m := r.Matcher(c); m != nil {
				return m
			}
			return nothing
		},
	}
}

// adoptAll is adopt for the parts of a composite, none of which may be nil.
func adoptAll(name string, rules []actors.Rule) ([]*rule, error) {
	parts := make([]*rule, len(rules))
	for i, r := range rules {
		if r == nil {
			return nil, &Error{Rule: name, Problem: fmt.Sprintf("got nil as rule %d; was the error of its constructor looked at?", i+1)}
		}
		parts[i] = adopt(r)
	}
	return parts, nil
}

// in returns the text form for a place that asks for a level.
func (r *rule) in(place level) string {
	if r.level < place {
		return "(" + r.text + ")"
	}
	return r.text
}

// join writes parts with a sign between them, for a place that asks for a level.
func join(parts []*rule, sign string, place level) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.in(place)
	}
	return strings.Join(texts, sign)
}

// deepest returns the depth of a rule made of parts.
func deepest(parts []*rule) int {
	depth := 0
	for _, p := range parts {
		depth = max(depth, p.depth)
	}
	return depth + 1
}

// matchers makes the match of each part for one connection.
func matchers(parts []*rule, c actors.ConnInfo) []match {
	ms := make([]match, len(parts))
	for i, p := range parts {
		ms[i] = p.Matcher(c)
	}
	return ms
}

// compose sets how a rule of parts matches: build makes the match of the parts'
// own. It is called once for all connections when no part needs more.
func (r *rule) compose(parts []*rule, build func(c actors.ConnInfo) match) {
	shared := true
	for _, p := range parts {
		shared = shared && p.shared != nil
		r.remembers = r.remembers || p.remembers
	}
	if shared {
		r.shared = build(nil)
		return
	}
	r.fresh = build
}
