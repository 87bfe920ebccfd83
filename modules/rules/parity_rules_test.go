package rules

import (
	"bytes"
	"testing"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// These tests stand for rows of docs/parity.md that no other test proves.

// A message that has nothing to do with a run is kept from it by what stands before
// "&", and then does not break it.
func TestWhatIsFilteredOutBeforeARunDoesNotBreakIt(t *testing.T) {
	for _, c := range []struct{ rule, messages, want string }{
		{`prefix("451-") -> binary`, "451-a x #p", "100"},
		{`(prefix("451-") | binary) & (prefix("451-") -> binary)`, "451-a x #p y 451-b z z #q", "10101001"},
		{`(prefix("451-") | binary) & then(prefix("451-"), binary)`, "451-a x #p y 451-b z z #q", "00100001"},
		{`!exact("ping") & (exact("h") -> any)`, "h ping x ping h ping ping y", "10101001"},
	} {
		if got := run(parse(t, c.rule), texts(c.messages)...); got != c.want {
			t.Errorf("%s on %s matched %s, want %s", c.rule, c.messages, got, c.want)
		}
	}
}

// behind is a rule that a user may write: what another rule wants of the payload
// behind a prefix.
type behind struct {
	prefix string
	rule   actors.Rule
}

func (b behind) Matcher(c actors.ConnInfo) func(transport.Message) bool {
	matches, prefix := b.rule.Matcher(c), []byte(b.prefix)
	return func(m transport.Message) bool {
		rest, ok := bytes.CutPrefix(m.Payload, prefix)
		m.Payload = rest
		return ok && matches(m)
	}
}

// A rule of the user's may show another rule a part of the payload. The part is not
// a copy, and the module gets the message as it came.
func TestARuleOfOnesOwnShowsAnotherAPartOfThePayload(t *testing.T) {
	prices := behind{"42", parse(t, `json("[0]") = "price"`)}
	r := Must(And(Text(), prices))
	messages := []transport.Message{
		text(`42["price",{"bid":1}]`), text(`42["news",{}]`), text(`["price"]`), text(`4`), binary(`42["price"]`), text(`42["price"]`),
	}
	if got := run(r, messages...); got != "100001" {
		t.Errorf("matched %s", got)
	}
	second := Must(And(behind{"42", parse(t, `every(2)`)}))
	if got := run(second, texts("42a x 42b 42c y 42d")...); got != "001001" {
		t.Errorf("a rule that counts matched %s", got)
	}
	matches := r.Matcher(conn{})
	if allocs := testing.AllocsPerRun(200, func() { matches(messages[0]) }); allocs != 0 {
		t.Errorf("%v allocations for a message", allocs)
	}
	if string(messages[0].Payload) != `42["price",{"bid":1}]` {
		t.Errorf("the message is now %s", messages[0].Payload)
	}
}
