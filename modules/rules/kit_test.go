package rules

import (
	"errors"
	"strings"
	"testing"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// conn is a connection with a path and a subprotocol.
type conn struct{ path, subprotocol string }

func (c conn) ID() uint64          { return 1 }
func (c conn) Epoch() uint64       { return 1 }
func (c conn) Path() string        { return c.path }
func (c conn) Subprotocol() string { return c.subprotocol }
func (c conn) Metadata() any       { return nil }

func text(s string) transport.Message {
	return transport.Message{Kind: transport.Text, Payload: []byte(s)}
}

func binary(s string) transport.Message {
	return transport.Message{Kind: transport.Binary, Payload: []byte(s)}
}

// parse is Parse for texts that are rules.
func parse(t testing.TB, text string) Rule {
	t.Helper()
	r, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run returns which messages a new connection would deliver: 1 for those that
// match, 0 for the others.
func run(r actors.Rule, messages ...transport.Message) string {
	matches := r.Matcher(conn{path: "/feed", subprotocol: "v2"})
	var b strings.Builder
	for _, m := range messages {
		if matches(m) {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	}
	return b.String()
}

// texts makes a text message of each word; one that begins with # is binary.
func texts(words string) []transport.Message {
	var ms []transport.Message
	for w := range strings.FieldsSeq(words) {
		if rest, isBinary := strings.CutPrefix(w, "#"); isBinary {
			ms = append(ms, binary(rest))
		} else {
			ms = append(ms, text(w))
		}
	}
	return ms
}

// wantError checks that err is an *Error of a rule and says what helps.
func wantError(t *testing.T, r Rule, err error, name, says string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || r != nil {
		t.Fatalf("got the rule %v and the error %v", r, err)
	}
	if e.Rule != name || !strings.HasPrefix(e.Error(), "rules: "+name+" ") || !strings.Contains(e.Error(), says) {
		t.Errorf("rule %q: %v; it should say %q", e.Rule, e, says)
	}
}
