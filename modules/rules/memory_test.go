package rules

import (
	"testing"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

func TestARuleWithAMemoryGoesByWhatCameBefore(t *testing.T) {
	for _, c := range []struct{ rule, messages, want string }{
		{`skip(0)`, "a b", "11"},
		{`skip(2)`, "a b c d", "0011"},
		{`!skip(2)`, "a b c d", "1100"},
		{`every(1)`, "a b c", "111"},
		{`every(3)`, "a b c d e f g", "0010010"},
		{`every(3, 0)`, "a b c d e f g", "0010010"},
		{`every(3, 1)`, "a b c d e f g", "1001001"},
		{`every(3, 2)`, "a b c d e f g", "0100100"},
		// "&" lets the right side see what the left side lets through.
		{`binary & skip(1)`, "a #b c #d #e", "00011"},
		{`skip(1) & binary`, "a #b c #d #e", "01011"},
		{`binary & every(2)`, "a #b c #d #e #f", "000101"},
		{`skip(1) & every(2) & text`, "a b c #d e", "00101"},
		// "|" lets both sides see everything.
		{`text | skip(3)`, "a b #c #d", "1101"},
		{`skip(3) | text`, "a b #c #d", "1101"},
		{`exact("a") | every(2)`, "a a b b", "1101"},
		{`every(2) | every(3)`, "a b c d e f", "011101"},
		{`exact("a") | text & every(2)`, "a b a b", "1111"},
		{`exact("a") | !every(2)`, "a b a b c", "10101"},
		{`exact("h") -> binary`, "h #p x h #q", "11011"},
		{`exact("h") -> binary`, "#p h x #q", "0100"},
		{`exact("h") -> binary`, "h h #p h #q", "10011"},
		{`exact("a") -> exact("b") -> exact("c")`, "a b c a b a b c", "11111000"},
		{`any -> any`, "a b c d", "1111"},
		{`exact("a") -> !exact("a")`, "a a a b", "1011"},
		{`(exact("a") -> binary) | (exact("b") -> binary)`, "a #x b #y #z", "11110"},
		{`(text -> binary) & every(2)`, "a #b a #b", "0101"},
		{`then(exact("h"), binary)`, "h #p x h #q", "01001"},
		{`then(exact("h"), binary)`, "#p h x #q", "0000"},
		{`then(exact("h"), binary)`, "h h #p h #q", "00001"},
		{`then(exact("h"), any)`, "h h h h", "0101"},
		{`then(any, skip(1))`, "a b c d e f", "000101"},
		{`then(then(exact("a"), exact("b")), exact("c"))`, "a b c a b c", "001001"},
	} {
		if got := run(parse(t, c.rule), texts(c.messages)...); got != c.want {
			t.Errorf("%s on %s matched %s, want %s", c.rule, c.messages, got, c.want)
		}
	}
}

func TestEachConnectionBeginsAnew(t *testing.T) {
	for _, c := range []struct{ rule, messages, first, other string }{
		{`skip(1)`, "a b", "01", "01"},
		{`every(2)`, "a b c", "010", "010"},
		{`exact("h") -> binary`, "h", "1", "1"},
		{`then(exact("h"), any)`, "h", "0", "0"},
		{`then(exact("h"), any) & skip(1)`, "h h", "00", "00"},
	} {
		r := parse(t, c.rule)
		for _, want := range []string{c.first, c.other} {
			if got := run(r, texts(c.messages)...); got != want {
				t.Errorf("%s on %s matched %s, want %s", c.rule, c.messages, got, want)
			}
		}
		// Two at once do not disturb one another either.
		one, two := r.Matcher(nil), r.Matcher(nil)
		for i, m := range texts(c.messages) {
			if a, b, want := one(m), two(m), c.first[i] == '1'; a != want || b != want {
				t.Errorf("%s side by side: %v and %v for message %d", c.rule, a, b, i)
			}
		}
	}
}

func TestARuleThatStandsTwiceRemembersTwice(t *testing.T) {
	skip := Must(Skip(1))
	if got := run(Must(And(skip, skip)), texts("a b c")...); got != "001" {
		t.Errorf("matched %s", got)
	}
}

// alternate is a rule of another package: it matches the 1st, 3rd, 5th message, or
// makes no matcher at all.
type alternate struct{ without bool }

func (a alternate) Matcher(actors.ConnInfo) func(transport.Message) bool {
	if a.without {
		return nil
	}
	on := false
	return func(transport.Message) bool { on = !on; return on }
}

func TestRulesOfOthersFitIn(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{Must(Or(alternate{})), "1010"},
		{Must(And(Any(), alternate{})), "1010"},
		{Must(Not(alternate{})), "0101"},
		{Must(Or(Must(Exact("a")), alternate{})), "1010"},
		{Must(Or(alternate{}, Must(Exact("b")))), "1110"},
		{Must(Then(alternate{}, Any())), "0100"},
		{Must(Not(alternate{without: true})), "1111"},
	} {
		if got := run(c.rule, texts("a b c d")...); got != c.want {
			t.Errorf("%v matched %s, want %s", c.rule, got, c.want)
		}
	}
	if got := Must(Not(alternate{})).String(); got != `!rule("rules.alternate")` {
		t.Errorf("it shows as %s", got)
	}
}

func TestRulesWithoutAMemoryShareOneMatcher(t *testing.T) {
	for text, shared := range map[string]bool{
		`text & (prefix("4") | !json("a") exists)`: true,
		`any`:                        true,
		`regexp("a")`:                true,
		`text & skip(1)`:             false,
		`!every(2)`:                  false,
		`then(text, binary)`:         false,
		`text -> binary`:             false,
		`text | path("/feed")`:       false,
		`subprotocol("a") & text`:    false,
		`!(text -> binary) & binary`: false,
	} {
		r := parse(t, text)
		allocs := testing.AllocsPerRun(100, func() { r.Matcher(conn{}) })
		if (allocs == 0) != shared {
			t.Errorf("%s: %v allocations for a connection", text, allocs)
		}
	}
}
