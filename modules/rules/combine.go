package rules

import (
	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// And returns a rule that matches what all rules match, asked from left to right:
// a rule sees only the messages that those before it match. That matters to rules
// that count: And(Binary(), skip3) wants all binary messages but the first three.
// The error is an *Error when there is no rule, when one is nil, and when the
// result is beyond MaxText or MaxDepth.
func And(rules ...actors.Rule) (Rule, error) {
	parts, err := operands("and", levelAnd, rules)
	if err != nil {
		return nil, err
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	r := &rule{text: join(parts, " & ", levelCompare), level: levelAnd, depth: deepest(parts), parts: parts}
	r.compose(parts, func(c actors.ConnInfo) match { return all(matchers(parts, c)) })
	return r.bounded("and")
}

func all(ms []match) match {
	return func(m transport.Message) bool {
		for _, matches := range ms {
			if !matches(m) {
				return false
			}
		}
		return true
	}
}

// Or returns a rule that matches what at least one of the rules matches. Rules
// that count see every message, also one that another rule has matched. The error
// is as that of And.
func Or(rules ...actors.Rule) (Rule, error) {
	parts, err := operands("or", levelOr, rules)
	if err != nil {
		return nil, err
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	r := &rule{text: join(parts, " | ", levelAnd), level: levelOr, depth: deepest(parts), parts: parts}
	var counting, others []*rule
	for _, p := range parts {
		if p.remembers {
			counting = append(counting, p)
		} else {
			others = append(others, p)
		}
	}
	r.compose(parts, func(c actors.ConnInfo) match { return either(matchers(counting, c), matchers(others, c)) })
	return r.bounded("or")
}

// either asks all that count, and of the others no more than it must.
func either(counting, others []match) match {
	return func(m transport.Message) bool {
		matched := false
		for _, matches := range counting {
			if matches(m) {
				matched = true
			}
		}
		if matched {
			return true
		}
		for _, matches := range others {
			if matches(m) {
				return true
			}
		}
		return false
	}
}

// operands returns the parts of an And or an Or, with those of the same level
// taken apart: a & (b & c) is a & b & c.
func operands(name string, l level, rules []actors.Rule) ([]*rule, error) {
	if len(rules) == 0 {
		meant := map[level]string{levelAnd: "for a rule that matches everything use Any", levelOr: "for a rule that matches nothing use Never"}
		return nil, &Error{Rule: name, Problem: "needs at least one rule; " + meant[l]}
	}
	given, err := adoptAll(name, rules)
	if err != nil {
		return nil, err
	}
	parts := make([]*rule, 0, len(given))
	for _, p := range given {
		if p.level == l {
			parts = append(parts, p.parts...)
		} else {
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// Not returns a rule that matches what r does not match. The error is an *Error
// when r is nil, and when the result is beyond MaxText or MaxDepth.
func Not(r actors.Rule) (Rule, error) {
	parts, err := adoptAll("not", []actors.Rule{r})
	if err != nil {
		return nil, err
	}
	inner := parts[0]
	n := &rule{text: "!" + inner.in(levelNot), level: levelNot, depth: deepest(parts)}
	n.compose(parts, func(c actors.ConnInfo) match {
		matches := inner.Matcher(c)
		return func(m transport.Message) bool { return !matches(m) }
	})
	return n.bounded("not")
}
