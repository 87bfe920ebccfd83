package rules

import (
	"strings"
	"testing"

	"github.com/hawser-go/hawser/transport"
)

func TestAMessageIsMatchedByItsBytes(t *testing.T) {
	for _, c := range []struct {
		rule    string
		payload string
		want    bool
	}{
		{`any`, "", true},
		{`any`, "x", true},
		{`never`, "", false},
		{`never`, "x", false},
		{`exact("2")`, "2", true},
		{`exact("2")`, "22", false},
		{`exact("2")`, "", false},
		{`exact("")`, "", true},
		{`exact("")`, "2", false},
		{`prefix("42")`, "42[]", true},
		{`prefix("42")`, "42", true},
		{`prefix("42")`, "4", false},
		{`prefix("42")`, "142", false},
		{`prefix("42")`, "", false},
		{`suffix("]")`, "42[]", true},
		{`suffix("[]")`, "]", false},
		{`suffix("]")`, "[] ", false},
		{`suffix("]")`, "", false},
		{`contains("ab")`, "xaby", true},
		{`contains("ab")`, "xay", false},
		{`contains("ab")`, "", false},
		{`contains("\x00\xff")`, "a\x00\xff", true},
		{`contains("\x00\xff")`, "a\x00\xfe", false},
		{`regexp("^a+$")`, "aaa", true},
		{`regexp("^a+$")`, "aab", false},
		{`regexp("a+")`, "bab", true},
		{`regexp("^.$")`, "\xff", true},
		{"regexp(`^\\d+-\\[$`)", "451-[", true},
		{`regexp("é")`, "café", true},
	} {
		r := parse(t, c.rule)
		for _, kind := range []transport.Kind{transport.Text, transport.Binary} {
			if got := r.Matcher(nil)(transport.Message{Kind: kind, Payload: []byte(c.payload)}); got != c.want {
				t.Errorf("%s on the %v message %q: %v", c.rule, kind, c.payload, got)
			}
		}
	}
}

func TestTheKindOfAMessageIsMatched(t *testing.T) {
	messages := []transport.Message{text("a"), binary("a"), {Kind: 9}}
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{Text(), "100"},
		{Binary(), "010"},
		{Must(Kind(transport.Text)), "100"},
		{Must(Kind(transport.Binary)), "010"},
		{Any(), "111"},
		{Never(), "000"},
		{Must(And(Binary(), Must(Prefix("a")))), "010"},
		{Must(Func(func(m transport.Message) bool { return m.Kind == 9 })), "001"},
	} {
		if got := run(c.rule, messages...); got != c.want {
			t.Errorf("%v matched %s, want %s", c.rule, got, c.want)
		}
	}
	r, err := Kind(3)
	wantError(t, r, err, "kind", "use transport.Text")
}

func TestAConnectionIsMatchedByItsPathAndSubprotocol(t *testing.T) {
	for _, c := range []struct {
		rule string
		conn conn
		want bool
	}{
		{`path("/feed")`, conn{path: "/feed"}, true},
		{`path("/feed")`, conn{path: "/feed/"}, false},
		{`path("/feed")`, conn{}, false},
		{`subprotocol("v1", "v2")`, conn{subprotocol: "v1"}, true},
		{`subprotocol("v1", "v2")`, conn{subprotocol: "v2"}, true},
		{`subprotocol("v1", "v2")`, conn{subprotocol: "V1"}, false},
		{`subprotocol("v1", "v2")`, conn{}, false},
		{`!subprotocol("v1")`, conn{}, true},
		{`path("/feed") & prefix("4")`, conn{path: "/feed"}, true},
		{`path("/feed") & prefix("5")`, conn{path: "/feed"}, false},
		{`path("/other") | subprotocol("v1")`, conn{subprotocol: "v1"}, true},
	} {
		if got := parse(t, c.rule).Matcher(c.conn)(text("42")); got != c.want {
			t.Errorf("%s on %+v: %v", c.rule, c.conn, got)
		}
	}
	if parse(t, `path("/")|subprotocol("x")`).Matcher(nil)(text("")) {
		t.Error("matched without a connection")
	}
}

func TestTheNamesOfASubprotocolRuleAreItsOwn(t *testing.T) {
	names := []string{"v2"}
	r := Must(Subprotocol(names...))
	names[0] = "v3"
	if got := run(r, text("")); got != "1" {
		t.Error("the rule changed with the caller's slice")
	}
}

func TestARuleThatCannotWorkIsRefused(t *testing.T) {
	long := strings.Repeat("x", MaxText)
	for _, c := range []struct {
		make func() (Rule, error)
		rule string
		says string
	}{
		{func() (Rule, error) { return Prefix("") }, "prefix", "use Any"},
		{func() (Rule, error) { return Suffix("") }, "suffix", "use Any"},
		{func() (Rule, error) { return Contains("") }, "contains", "use Any"},
		{func() (Rule, error) { return Regexp("") }, "regexp", "use Any"},
		{func() (Rule, error) { return Regexp("a(") }, "regexp", "missing closing )"},
		{func() (Rule, error) { return Regexp("a{1001}") }, "regexp", "invalid repeat count"},
		{func() (Rule, error) { return Regexp("\xff") }, "regexp", "use Contains"},
		{func() (Rule, error) { return Exact(long) }, "exact", "use Func"},
		{func() (Rule, error) { return Path("feed") }, "path", "slash"},
		{func() (Rule, error) { return Path("") }, "path", "slash"},
		{func() (Rule, error) { return Path("/feed?x=1") }, "path", "query"},
		{func() (Rule, error) { return Path("/" + long) }, "path", "use Func"},
		{func() (Rule, error) { return Subprotocol() }, "subprotocol", "at least one"},
		{func() (Rule, error) { return Subprotocol("v1", "") }, "subprotocol", "token"},
		{func() (Rule, error) { return Subprotocol("v1, v2") }, "subprotocol", "token"},
		{func() (Rule, error) { return Func(nil) }, "func", "use Any"},
		{func() (Rule, error) { return Skip(-1) }, "skip", "0 or more"},
		{func() (Rule, error) { return Every(0) }, "every", "1 or more"},
		{func() (Rule, error) { return Every(-3) }, "every", "1 or more"},
		{func() (Rule, error) { return Every(3, 3) }, "every", "from 0 (the last) to 2"},
		{func() (Rule, error) { return Every(3, -1) }, "every", "from 0 (the last) to 2"},
		{func() (Rule, error) { return Every(3, 1, 2) }, "every", "takes one"},
		{func() (Rule, error) { return And() }, "and", "use Any"},
		{func() (Rule, error) { return Or() }, "or", "use Never"},
		{func() (Rule, error) { return And(Text(), nil) }, "and", "nil as rule 2"},
		{func() (Rule, error) { return Or(nil) }, "or", "nil as rule 1"},
		{func() (Rule, error) { return Not(nil) }, "not", "nil as rule 1"},
		{func() (Rule, error) { return Then(Text(), nil) }, "then", "nil as rule 2"},
		{func() (Rule, error) { return Sequence(nil, Text()) }, "sequence", "nil as rule 1"},
		{func() (Rule, error) { return Sequence(Text(), Text(), nil) }, "sequence", "nil as rule 3"},
		{func() (Rule, error) {
			half := Must(Exact(long[:MaxText/2]))
			return And(half, half)
		}, "and", "use Func"},
	} {
		r, err := c.make()
		wantError(t, r, err, c.rule, c.says)
	}
}

func TestRulesStandInOneAnotherUpToTheBound(t *testing.T) {
	r := Text()
	for range MaxDepth - 1 {
		r = Must(Not(r))
	}
	if got := run(parse(t, r.String()), text("")); got != "0" {
		t.Errorf("%d times not matched %s", MaxDepth-1, got)
	}
	tooDeep, err := Not(r)
	wantError(t, tooDeep, err, "not", "side by side")
}

func TestMustPanicsWithTheError(t *testing.T) {
	defer func() {
		if _, ok := recover().(*Error); !ok {
			t.Error("no *Error")
		}
	}()
	Must(Prefix(""))
}
