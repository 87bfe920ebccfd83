package rules

import (
	"errors"
	"strings"
	"testing"
)

func TestTheTextOfARuleIsWrittenAndParsedBack(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`text`, `text`},
		{"\t text\r\n", `text`},
		{`text&binary`, `text & binary`},
		{`text & prefix("42[") & !contains("debug")`, `text & prefix("42[") & !contains("debug")`},
		{`json("type") = "price" | json("a.b") exists`, `json("type") = "price" | json("a.b") exists`},
		{"regexp(`^\\d+$`)", `regexp("^\\d+$")`},
		{`exact("\x00\u00e9\n")`, `exact("\x00é\n")`},
		{`skip( 3 ) & binary`, `skip(3) & binary`},
		{`every(10,0)`, `every(10)`},
		{`every(10,+1)`, ``},
		{`every(10, 1)`, `every(10, 1)`},
		{`prefix("451-")->binary`, `prefix("451-") -> binary`},
		{`text -> binary -> text`, `text -> binary -> text`},
		{`(text -> binary) -> text`, `(text -> binary) -> text`},
		{`text -> (binary -> text)`, `text -> (binary -> text)`},
		{`then(text -> binary, text | any)`, `then(text -> binary, text | any)`},
		{`subprotocol( "v1" ,"v2" )`, `subprotocol("v1", "v2")`},
		{`path("/feed")`, `path("/feed")`},
		{`((((text))))`, `text`},
		{`!!text`, `!!text`},
		{`! ( text & any )`, `!(text & any)`},
		{`!text & any`, `!text & any`},
		{`!json("a") = 1`, `!(json("a") = 1)`},
		{`!json("a") exists & text`, `!(json("a") exists) & text`},
		// ! > & > | > ->
		{`any | text & binary`, `any | text & binary`},
		{`(any | text) & binary`, `(any | text) & binary`},
		{`any & (text & (binary & never))`, `any & text & binary & never`},
		{`(any | text) | binary`, `any | text | binary`},
		{`any -> text | binary & !never`, `any -> text | binary & !never`},
		{`(any -> text) | binary`, `(any -> text) | binary`},
		{`(any -> text) & binary`, `(any -> text) & binary`},
		{`!(any -> text)`, `!(any -> text)`},
		{`json("a") = -1.50e+3`, `json("a") = -1.50e+3`},
		{`json("a") = null & json("b")=true & json("c") =false`, `json("a") = null & json("b") = true & json("c") = false`},
		{"json(`[\"a b\"]`) = `x`", `json("[\"a b\"]") = "x"`},
	} {
		r, err := Parse(c.text)
		if c.want == "" {
			if err == nil {
				t.Errorf("%s is %s", c.text, r)
			}
			continue
		}
		if err != nil || r.String() != c.want {
			t.Errorf("%s became %v, %v, want %s", c.text, r, err, c.want)
			continue
		}
		if again := parse(t, r.String()); again.String() != c.want {
			t.Errorf("%s became %s", c.want, again)
		}
	}
}

// TestConstructorsWriteWhatParseReads is for what Parse alone cannot make.
func TestConstructorsWriteWhatParseReads(t *testing.T) {
	a, b, c := Must(Exact("a")), Must(Exact("b")), Must(Exact("c"))
	for want, r := range map[string]Rule{
		`exact("a")`:                             Must(And(a)),
		`exact("b")`:                             Must(Or(b)),
		`exact("a") & exact("b") & exact("c")`:   Must(And(a, Must(And(b, c)))),
		`exact("a") | exact("b") | exact("c")`:   Must(Or(Must(Or(a, b)), c)),
		`(exact("a") | exact("b")) & exact("c")`: Must(And(Must(Or(a, b)), c)),
		`exact("a") & exact("b") | exact("c")`:   Must(Or(Must(And(a, b)), c)),
		`prefix("\xff\"\\")`:                     Must(Prefix("\xff\"\\")),
		`prefix("\u2028\ufeff")`:                 Must(Prefix("\u2028\ufeff")),
	} {
		if r.String() != want || parse(t, want).String() != want {
			t.Errorf("written %s, want %s", r, want)
		}
	}
}

func TestARuleOfGoCodeIsWrittenButNotParsed(t *testing.T) {
	r := Must(And(Text(), Must(Func(Any().Matcher(nil)))))
	if r.String() != `text & func()` {
		t.Errorf("written %s", r)
	}
	for text, at := range map[string]int{r.String(): 7, `!rule("rules.alternate")`: 1} {
		_, err := Parse(text)
		e, ok := errors.AsType[*ParseError](err)
		if !ok || e.Offset != at || !strings.Contains(e.Problem, "Go code") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestAnErrorPointsAtTheCharacter marks the character at fault with a ^ that the
// text itself has not.
func TestAnErrorPointsAtTheCharacter(t *testing.T) {
	for _, c := range []struct{ marked, says string }{
		{`^`, "the text ends"},
		{`  ^`, "the text ends"},
		{`text & ^`, "the text ends"},
		{`text ->^`, "the text ends"},
		{`text | ^| binary`, "one | is enough"},
		{`text |^| binary`, "one | is enough"},
		{`text &^& binary`, "one & is enough"},
		{`text & ^)`, "a rule must stand here"},
		{`text^)`, "no ( is open"},
		{`(text ^`, "the ( at byte 0 needs its )"},
		{`(text ^binary)`, "the ( at byte 0 needs its )"},
		{`text ^binary`, "&, |, -> or the end"},
		{`text ^- binary`, "&, |, -> or the end"},
		{`text ^and binary`, "&, |, -> or the end"},
		{`^not text`, `"not" is written !`},
		{`^Text`, `there is no rule "Text"; there are after, any, before, binary`},
		{`text & ^pre("a")`, `there is no rule "pre"`},
		{`^"42"`, "a string alone is no rule"},
		{`prefix ^"42"`, "a ( must stand here"},
		{`prefix^`, "a ( must stand here"},
		{`prefix(^)`, "a string must stand here"},
		{`prefix(^42)`, "a string must stand here"},
		{`prefix(^'a')`, "a string must stand here"},
		{`prefix("a"^, "b")`, "the ( at byte 6 needs its )"},
		{`prefix(^"a)`, "no closing quote"},
		{"prefix(^`a)", "no closing back quote"},
		{"prefix(\"a^\nb\")", "ends with the line"},
		{`prefix("a^\q")`, "an escape that Go does not know"},
		{`prefix("é^\xzz")`, "an escape that Go does not know"},
		{`prefix("^")`, "prefix is empty"},
		{`text & regexp("^a(")`, "regexp cannot be used: error parsing regexp: missing closing )"},
		{`path("^feed")`, "must begin with a slash"},
		{`path("/feed^?a=1")`, "without its query"},
		{`subprotocol("a", "^b c")`, "must be a token"},
		{`subprotocol(^)`, "a string must stand here"},
		{`json("a.^.b") exists`, "needs a key"},
		{`json("\u0061.^.b") exists`, "needs a key"},
		{"json(`a.^.b`) = 1", "needs a key"},
		{`json("[^\"a]") exists`, "no closing quote"},
		{`json("a") ^`, "exists or = must stand here"},
		{`json("a") ^exist`, "exists or = must stand here"},
		{`json("a") ^!= 1`, `for "not equal" write !(`},
		{`json("a") =^= 1`, "one = is enough"},
		{`json("a") = ^`, "a string, a number, true, false or null"},
		{`json("a") = ^{}`, "a string, a number, true, false or null"},
		{`json("a") = ^01`, "no JSON number"},
		{`json("a") = ^1.`, "no JSON number"},
		{`json("a") = "^\xff"`, "not UTF-8"},
		{`skip(^-1)`, "0 or more"},
		{`skip(^)`, "a whole number must stand here"},
		{`skip(^"3")`, "a whole number must stand here"},
		{`skip(^99999999999999999999)`, "a whole number must stand here"},
		{`skip(1^.5)`, "the ( at byte 4 needs its )"},
		{`every(^0)`, "1 or more"},
		{`every(3, ^3)`, "from 0 (the last) to 2"},
		{`every(3, 1^, 2)`, "the ( at byte 5 needs its )"},
		{`then(text^)`, "then takes two rules"},
		{`then(text, binary^, any)`, "the ( at byte 4 needs its )"},
		{`then ^text`, "a ( must stand here"},
		{`then(text, ^`, "the text ends"},
		{`then(^)`, "a rule must stand here"},
		{`json("a") = "^\z"`, "an escape that Go does not know"},
		{"text & \"\xff\"", "this byte is not UTF-8"},
		{strings.Repeat("!", MaxDepth) + `^!text`, "more than 64 constructs"},
		{strings.Repeat("(", MaxDepth) + `^(text`, "more than 64 constructs"},
	} {
		before, after, marked := strings.Cut(c.marked, "^")
		at := len(before)
		if !marked {
			before, at = c.marked, strings.IndexByte(c.marked, 0xff)
		}
		r, err := Parse(before + after)
		e, ok := errors.AsType[*ParseError](err)
		if !ok || r != nil {
			t.Errorf("%s is the rule %v, with the error %v", c.marked, r, err)
			continue
		}
		if e.Offset != at || e.Text != before+after || !strings.Contains(e.Problem, c.says) || strings.Contains(e.Problem, "at byte 1)") {
			t.Errorf("%s: byte %d: %s; it should say %q", c.marked, e.Offset, e.Problem, c.says)
		}
	}
}

func TestATextIsBounded(t *testing.T) {
	_, err := Parse(strings.Repeat(" ", MaxText) + "any")
	if e, ok := errors.AsType[*ParseError](err); !ok || e.Offset != MaxText || !strings.Contains(e.Problem, "more than the 65536") {
		t.Errorf("got %v", err)
	}
	// This is within the bounds as given, and beyond them written down.
	_, err = Parse("text & exact(`" + strings.Repeat("\x01", MaxText/2) + "`)")
	if e, ok := errors.AsType[*ParseError](err); !ok || e.Offset != 14 || !strings.Contains(e.Problem, "written down") {
		t.Errorf("got %v", err)
	}
	deep := strings.Repeat("(any|(any&", MaxDepth/2) + "any" + strings.Repeat("))", MaxDepth/2)
	if _, err = Parse(deep); err == nil || !strings.Contains(err.Error(), "side by side") {
		t.Errorf("got %v", err)
	}
	parse(t, strings.Repeat("any & ", MaxText/6-1)+"any")
}

func TestAParseErrorShowsTheLineWithACaret(t *testing.T) {
	for _, c := range []struct {
		err  *ParseError
		want string
	}{
		{&ParseError{Text: `text & foo`, Offset: 7, Problem: "no"}, "rules: no (at byte 7)\n\ttext & foo\n\t       ^"},
		{&ParseError{Text: ``, Offset: 0, Problem: "no"}, "rules: no (at byte 0)\n\t\n\t^"},
		{&ParseError{Text: `äöü x`, Offset: 7, Problem: "no"}, "rules: no (at byte 7)\n\täöü x\n\t    ^"},
		{&ParseError{Text: "a &\n\tfoo &\nb", Offset: 5, Problem: "no"}, "rules: no (in line 2, at byte 5)\n\t\tfoo &\n\t\t^"},
		{&ParseError{Text: "a\x1b[31m b", Offset: 7, Problem: "no"}, "rules: no (at byte 7)\n\ta\ufffd[31m b\n\t       ^"},
		{
			&ParseError{Text: strings.Repeat("a", 1000) + "!" + strings.Repeat("b", 1000), Offset: 1000, Problem: "no"},
			"rules: no (at byte 1000)\n\t…" + strings.Repeat("a", 48) + "!" + strings.Repeat("b", 47) + "…\n\t" + strings.Repeat(" ", 49) + "^",
		},
		{&ParseError{Text: "a", Offset: 99, Problem: "no"}, "rules: no (at byte 99)\n\ta\n\t ^"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`text & prefix("42[") & !contains("debug")`, `json("type") = "price" | json("a.b[2]") exists`, "regexp(`^a+$`)",
		`skip(3) & binary`, `prefix("451-") -> binary -> any`, `then(exact("\x00"), suffix("é")) | never`, `!(every(3, 1) & path("/a"))`,
		`subprotocol("a", "b")`, `!!((json("$") = -1.5e3))`, `json("a") = null &`, `text && binary`, "exact(\"a\n\")", `)`, `(`,
	} {
		f.Add(s, []byte(`42[{"type":"price"}]`))
	}
	f.Fuzz(func(t *testing.T, text string, payload []byte) {
		r, err := Parse(text)
		if err != nil {
			e, ok := errors.AsType[*ParseError](err)
			if !ok || r != nil || e.Offset < 0 || e.Offset > len(text) || e.Text != text || !strings.HasSuffix(e.Error(), "^") {
				t.Fatalf("%q: %v, %v", text, r, err)
			}
			return
		}
		again, err := Parse(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q is written %q, which is %v, %v", text, r, again, err)
		}
		messages := append(texts("42[] a #a 451- #x a #b"), binary(string(payload)), binary(string(payload)))
		if one, two := run(r, messages...), run(again, messages...); one != two {
			t.Fatalf("%q matched %s, written %q it matched %s", text, one, r, two)
		}
	})
}
