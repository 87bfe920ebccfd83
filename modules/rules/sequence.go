package rules

import (
	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Sequence returns a rule for messages that come in a run: a header, and right
// behind it its payload, or several. It matches all of them: a message that first
// matches begins a run, the very next one must match second, the one after it the
// next of more, and behind the last a new run may begin. A message that does not
// fit ends the run and is not matched, nor looked at as the start of another; what
// was matched before it has been delivered by then. Each rule sees only the
// messages of its own step. The error is an *Error when a rule is nil, and when the
// result is beyond MaxText or MaxDepth.
func Sequence(first, second actors.Rule, more ...actors.Rule) (Rule, error) {
	parts, err := adoptAll("sequence", append([]actors.Rule{first, second}, more...))
	if err != nil {
		return nil, err
	}
	r := &rule{text: join(parts, " -> ", levelOr), level: levelRun, depth: deepest(parts), remembers: true}
	r.fresh = func(c actors.ConnInfo) match {
		steps, step := matchers(parts, c), 0
		return func(m transport.Message) bool {
			if !steps[step](m) {
				step = 0
				return false
			}
			step = (step + 1) % len(steps)
			return true
		}
	}
	return r.bounded("sequence")
}

// Then returns a rule that matches the message right behind one that first
// matches, if second matches it; the header itself is not matched (Sequence
// matches both). That very next message is never a header, matched or not. Each
// rule sees only the messages of its own step. The error is an *Error when a rule
// is nil, and when the result is beyond MaxText or MaxDepth.
func Then(first, second actors.Rule) (Rule, error) {
	parts, err := adoptAll("then", []actors.Rule{first, second})
	if err != nil {
		return nil, err
	}
	r := &rule{text: "then(" + join(parts, ", ", levelRun) + ")", level: levelWord, depth: deepest(parts), remembers: true}
	r.fresh = func(c actors.ConnInfo) match {
		header, payload, armed := parts[0].Matcher(c), parts[1].Matcher(c), false
		return func(m transport.Message) bool {
			if armed {
				armed = false
				return payload(m)
			}
			armed = header(m)
			return false
		}
	}
	return r.bounded("then")
}
