package rules

import (
	"errors"
	"testing"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

func TestAPartOfThePayloadCanBeLookedAt(t *testing.T) {
	for _, c := range []struct {
		rule, payload string
		want          bool
	}{
		{`after("42", json("[0]") = "price")`, `42["price",1]`, true},
		{`after("42", json("[0]") = "price")`, `42["other",1]`, false},
		{`after("42", json("[0]") = "price")`, `43["price",1]`, false},
		{`after("42", exact(""))`, `42`, true},
		{`after("42", any)`, `4`, false},
		{`before("\n", suffix("x"))`, "ax\n", true},
		{`before("\n", suffix("x"))`, "ax", false},
		{`before("]", after("[", exact("a")))`, "[a]", true},
		{`before("]", after("[", exact("a") | exact("b")))`, "[b]", true},
		{`before("]", any)`, "", false},
		{`!after("42", any)`, "41", true},
	} {
		r, err := Parse(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(r.String())
		if err != nil || again.String() != r.String() {
			t.Errorf("%s is written as %s, which is %v, %v", c.rule, r, again, err)
		}
		m := transport.Message{Kind: transport.Text, Payload: []byte(c.payload)}
		match := r.Matcher(nil)
		if got := match(m); got != c.want {
			t.Errorf("%s of %q: %t", c.rule, c.payload, got)
		}
		if n := testing.AllocsPerRun(10, func() { match(m) }); n > 0 {
			t.Errorf("%s allocates %v times", c.rule, n)
		}
	}
}

func TestARuleWithAMemoryCountsWhatIsLeftOfAMessage(t *testing.T) {
	r := Must(After("a", Must(Skip(1))))
	match := r.Matcher(nil)
	var got []bool
	for _, p := range []string{"a1", "b", "a2", "b", "a3"} {
		got = append(got, match(transport.Message{Kind: transport.Text, Payload: []byte(p)}))
	}
	if want := []bool{false, false, true, false, true}; !equal(got, want) {
		t.Errorf("%v; want %v", got, want)
	}
}

func equal(a, b []bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestBadPartsAreRefused(t *testing.T) {
	for name, make := range map[string]func(string, actors.Rule) (Rule, error){"after": After, "before": Before} {
		for _, bad := range []func() (Rule, error){
			func() (Rule, error) { return make("", Any()) },
			func() (Rule, error) { return make("x", nil) },
		} {
			_, err := bad()
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, text := range []string{`after("")`, `after("x")`, `after(any, "x")`, `before("x", )`, `after("", any)`} {
		_, err := Parse(text)
		if _, ok := errors.AsType[*ParseError](err); !ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
