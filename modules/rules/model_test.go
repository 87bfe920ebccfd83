package rules

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// tree is a rule as the model sees it.
type tree struct {
	op    string
	arg   string
	n, at int
	parts []*tree
}

// wants is the plain meaning of a rule: whether it matches the last message of
// those that reached it. It remembers nothing and works all out again.
func (r *tree) wants(seen []transport.Message) bool {
	last := seen[len(seen)-1]
	payload := string(last.Payload)
	switch r.op {
	case "any":
		return true
	case "text":
		return last.Kind == transport.Text
	case "binary":
		return last.Kind == transport.Binary
	case "exact":
		return payload == r.arg
	case "prefix":
		return strings.HasPrefix(payload, r.arg)
	case "suffix":
		return strings.HasSuffix(payload, r.arg)
	case "contains", "regexp":
		return strings.Contains(payload, r.arg)
	case "path":
		return r.arg == "/feed"
	case "skip":
		return len(seen) > r.n
	case "every":
		return len(seen)%r.n == r.at
	case "not":
		return !r.parts[0].wants(seen)
	case "and":
		return r.all(seen)
	case "or":
		return slices.ContainsFunc(r.parts, func(p *tree) bool { return p.wants(seen) })
	case "sequence":
		step, ok := r.steps(seen)
		return ok && step >= 0
	case "then":
		step, ok := r.steps(seen)
		return ok && step == 1
	}
	return false // never
}

// all lets each part see what those before it want.
func (r *tree) all(seen []transport.Message) bool {
	for _, p := range r.parts {
		var passed []transport.Message
		wanted := false
		for i := range seen {
			if wanted = p.wants(seen[:i+1]); wanted {
				passed = append(passed, seen[i])
			}
		}
		if !wanted {
			return false
		}
		seen = passed
	}
	return true
}

// steps returns which step the last message was offered to, and whether it fits.
func (r *tree) steps(seen []transport.Message) (step int, ok bool) {
	offered := make([][]transport.Message, len(r.parts))
	next := 0
	for _, m := range seen {
		step, next = next, 0
		offered[step] = append(offered[step], m)
		if ok = r.parts[step].wants(offered[step]); ok {
			next = (step + 1) % len(r.parts)
		}
	}
	return step, ok
}

// rule builds the rule with the constructors.
func (r *tree) rule() (Rule, error) {
	parts := make([]actors.Rule, len(r.parts))
	for i, p := range r.parts {
		parts[i] = Must(p.rule())
	}
	switch r.op {
	case "any":
		return Any(), nil
	case "text":
		return Text(), nil
	case "binary":
		return Binary(), nil
	case "exact":
		return Exact(r.arg)
	case "prefix":
		return Prefix(r.arg)
	case "suffix":
		return Suffix(r.arg)
	case "contains":
		return Contains(r.arg)
	case "regexp":
		return Regexp(r.arg)
	case "path":
		return Path(r.arg)
	case "skip":
		return Skip(r.n)
	case "every":
		return Every(r.n, r.at)
	case "not":
		return Not(parts[0])
	case "and":
		return And(parts...)
	case "or":
		return Or(parts...)
	case "sequence":
		return Sequence(parts[0], parts[1], parts[2:]...)
	case "then":
		return Then(parts[0], parts[1])
	}
	return Never(), nil
}

func drawTree(t *rapid.T, depth int) *tree {
	ops := []string{"any", "never", "text", "binary", "exact", "prefix", "suffix", "contains", "regexp", "path", "skip", "every"}
	if depth > 0 {
		ops = append(ops, "not", "and", "or", "sequence", "then", "not", "and", "or", "sequence", "then")
	}
	r := &tree{op: rapid.SampledFrom(ops).Draw(t, "op")}
	most := 0
	switch r.op {
	case "path":
		r.arg = rapid.SampledFrom([]string{"/feed", "/other"}).Draw(t, "path")
	case "skip":
		r.n = rapid.IntRange(0, 4).Draw(t, "n")
	case "every":
		r.n = rapid.IntRange(1, 4).Draw(t, "k")
		r.at = rapid.IntRange(0, r.n-1).Draw(t, "offset")
	case "not":
		most = 1
	case "then":
		most = 2
	case "and", "or", "sequence":
		most = rapid.IntRange(2, 4).Draw(t, "parts")
	default:
		r.arg = rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 1, 2, -1).Draw(t, "arg")
	}
	for range most {
		r.parts = append(r.parts, drawTree(t, depth-1))
	}
	return r
}

func TestRulesMeanWhatTheModelSays(t *testing.T) {
	message := rapid.Custom(func(t *rapid.T) transport.Message {
		return transport.Message{
			Kind:    rapid.SampledFrom([]transport.Kind{transport.Text, transport.Binary}).Draw(t, "kind"),
			Payload: []byte(rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 0, 3, -1).Draw(t, "payload")),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		model := drawTree(t, 3)
		messages := rapid.SliceOfN(message, 1, 14).Draw(t, "messages")
		built := Must(model.rule())
		parsed, err := Parse(built.String())
		if err != nil || parsed.String() != built.String() {
			t.Fatalf("%v was parsed as %v, %v", built, parsed, err)
		}
		for _, r := range []Rule{built, parsed} {
			matches := r.Matcher(conn{path: "/feed"})
			for i, m := range messages {
				before := bytes.Clone(m.Payload)
				if got, want := matches(m), model.wants(messages[:i+1]); got != want {
					t.Fatalf("%v matched message %d: %v; the model says %v", r, i, got, want)
				}
				if !bytes.Equal(m.Payload, before) {
					t.Fatalf("%v changed the payload %q to %q", r, before, m.Payload)
				}
			}
		}
	})
}
