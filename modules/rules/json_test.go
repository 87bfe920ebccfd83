package rules

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestAJSONDocumentIsMatchedByTheValueAtAPath(t *testing.T) {
	const doc = `{"type":"price","a":{"b":[10,{"c":null},[true,false]],"":1},"n":-12.50,"a b":{"x.y":"q"},` +
		`"ä":"ö","\u00e9":"\ud83d\ude00","e":{},"s":"","big":12345678901234567890,"t":"a\tb\/\"\\"}`
	for _, c := range []struct {
		rule string
		want bool
	}{
		{`json("type") = "price"`, true},
		{`json("$.type") = "price"`, true},
		{`json("type") = "pric"`, false},
		{`json("type") = "pricey"`, false},
		{`json("typ") exists`, false},
		{`json("Type") exists`, false},
		{`json("$") exists`, true},
		{`json("$") = "price"`, false},
		{`json("a.b[0]") = 10`, true},
		{`json("a.b[0]") = "10"`, false},
		{`json("$.a.b[1].c") exists`, true},
		{`json("a.b[1].c") = null`, true},
		{`json("a.b[1].d") = null`, false},
		{`json("a.b[2][0]") = true`, true},
		{`json("a.b[2][1]") = false`, true},
		{`json("a.b[2][1]") = true`, false},
		{`json("a.b[2][2]") exists`, false},
		{`json("a.b[3]") exists`, false},
		{`json("a.b[00]") = 10`, true},
		{`json("a[0]") exists`, false},
		{`json("a.b.c") exists`, false},
		{`json("type.x") exists`, false},
		{`json("type[0]") exists`, false},
		{`json("a.b") exists`, true},
		{`json("a") = 1`, false},
		{`json("e") exists`, true},
		{`json("e.x") exists`, false},
		{`json("s") = ""`, true},
		{`json("type") = ""`, false},
		{"json(`a[\"\"]`) = 1", true},
		{"json(`$[\"a b\"][\"x.y\"]`) = \"q\"", true},
		{"json(`[\"a b\"]`) exists", true},
		{"json(`[\"$\"]`) exists", false},
		{`json("ä") = "ö"`, true},
		{`json("é") = "😀"`, true},
		{`json("é") = "\U0001f600"`, true},
		{`json("t") = "a\tb/\"\\"`, true},
		{`json("n") = -12.5`, true},
		{`json("n") = -1250e-2`, true},
		{`json("n") = 12.5`, false},
		{`json("n") = -12.51`, false},
		{`json("big") = 12345678901234567890`, true},
		{`json("big") = 12345678901234567891`, false},
	} {
		for _, text := range []string{doc, "\n\t" + strings.ReplaceAll(doc, ",", " ,\r\n") + " "} {
			if got := run(parse(t, c.rule), binary(text)); (got == "1") != c.want {
				t.Errorf("%s matched %s", c.rule, got)
			}
		}
	}
}

func TestNumbersAreComparedByWhatTheyAreWorth(t *testing.T) {
	worth := [][]string{
		{"0", "-0", "0.0", "0e5", "-0.00E-7", "0e99999999999999999999"},
		{"1", "1.0", "10e-1", "0.1e1", "0.01e+2", "1E0", "100000e-5"},
		{"-1", "-1.000"},
		{"0.1", "1e-1", "0.10"},
		{"0.1000000000000000055511151231257827"},
		{"0.05", "5e-2", "0.5e-1"},
		{"105", "10.5e1", "1050e-1"},
		{"15", "1.5e1"},
		{"1.05"},
		{"9007199254740993"},
		{"9007199254740992"},
		{"1e400", "10e399"},
		{"1e-400"},
	}
	for i, group := range worth {
		for _, a := range group {
			r := Must(JSONEquals("$", json.Number(a)))
			for k, other := range worth {
				for _, b := range other {
					if got := run(r, text(b)) == "1"; got != (i == k) {
						t.Errorf("%s = %s: %v", a, b, got)
					}
				}
			}
		}
	}
}

func TestAnExponentOfAnySizeDoesNoHarm(t *testing.T) {
	r := parse(t, `json("$") = 1`)
	for _, doc := range []string{"1e1099511627776", "1e-1099511627776", "1e99999999999999999999999", "0.1e-9999999999999999999999", "1e9999999999999999999000"} {
		if run(r, text(doc)) == "1" {
			t.Errorf("%s = 1", doc)
		}
	}
}

func TestAJSONRuleComparesWithAnyScalarOfGo(t *testing.T) {
	type side string
	for _, c := range []struct {
		value any
		doc   string
		text  string
	}{
		{"a\nb", `"a\nb"`, `"a\nb"`},
		{side("buy"), `"buy"`, `"buy"`},
		{true, `true`, `true`},
		{nil, `null`, `null`},
		{int8(-5), `-5`, `-5`},
		{uint64(math.MaxUint64), `18446744073709551615`, `18446744073709551615`},
		{0.1, `0.10`, `0.1`},
		{float32(0.1), `0.1`, `0.1`},
		{1e21, `1000000000000000000000`, `1e+21`},
		{json.Number("1.50"), `1.5`, `1.50`},
	} {
		r, err := JSONEquals("v", c.value)
		if err != nil {
			t.Errorf("%v: %v", c.value, err)
			continue
		}
		if want := `json("v") = ` + c.text; r.String() != want {
			t.Errorf("%v is written %s, want %s", c.value, r, want)
		}
		for _, r := range []Rule{r, parse(t, r.String())} {
			if got := run(r, text(`{"v":`+c.doc+`}`), text(`{"v":{}}`), text(`{"v":"x"}`)); got != "100" {
				t.Errorf("%v matched %s", r, got)
			}
		}
	}
}

func TestAValueThatJSONCannotHoldIsRefused(t *testing.T) {
	for _, c := range []struct {
		value any
		says  string
	}{
		{math.NaN(), "no JSON number"},
		{math.Inf(-1), "no JSON number"},
		{json.Number("1."), "no JSON number"},
		{json.Number(""), "no JSON number"},
		{json.Number("0x1"), "no JSON number"},
		{json.Number("1e99999999999999"), "exponent"},
		{"\xff", "not UTF-8"},
		{[]int{1}, "one by one"},
		{map[string]any{}, "one by one"},
		{struct{}{}, "one by one"},
	} {
		r, err := JSONEquals("a", c.value)
		wantError(t, r, err, "json", c.says)
	}
}

func TestABadPathIsRefusedWithItsPosition(t *testing.T) {
	for _, c := range []struct {
		path string
		at   int
		says string
	}{
		{"", 0, "whole document is $"},
		{".a", 0, "begins with a dot"},
		{"$.", 2, "needs a key"},
		{"a..b", 2, "needs a key"},
		{"a.", 2, "needs a key"},
		{"a b", 1, "dot or a bracket"},
		{"a.b[", 4, "needs an index"},
		{"a.b[]", 4, "needs an index"},
		{"a.b[-1]", 4, "needs an index"},
		{"a.b[2", 5, "needs a ]"},
		{"a.b[2.c", 5, "needs a ]"},
		{"a[2]c", 4, "dot or a bracket"},
		{"a[99999999999]", 2, "beyond all arrays"},
		{`a["b]`, 2, "no closing quote"},
		{`a["b\q"]`, 4, "escape"},
		{`a["\xff"]`, 2, "not UTF-8"},
		{"a]", 1, "dot or a bracket"},
		{"\xff", 0, "UTF-8"},
		{"a\x00", 1, "dot or a bracket"},
		{strings.Repeat("[0]", maxNesting+1), 3 * (maxNesting + 1), "deeper than 64"},
	} {
		r, err := JSONExists(c.path)
		wantError(t, r, err, "json", c.says)
		wantError(t, r, err, "json", fmt.Sprintf("(at byte %d)", c.at))
		r, err = JSONEquals(c.path, 1)
		wantError(t, r, err, "json", c.says)
	}
}

func TestWhatIsNotJSONNeverMatches(t *testing.T) {
	exists := parse(t, `json("$") exists`)
	deep := parse(t, `json("a") = 1`)
	for _, doc := range []string{
		"", " ", "{", "}", "[", "]", `{"a":1`, `{"a":1}}`, `{"a":1} 2`, `{"a":1,}`, `{,"a":1}`, `{a:1}`, `{"a" 1}`, `{"a":}`, `{"a":1 "b":2}`,
		`[1,]`, `[,1]`, `[1 2]`, `{"a":1]`, `nul`, `nulll`, `True`, `'a'`, `"a`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"\x00\"", "\"\x01n\"", `"\`, `"\u`,
		`01`, `-`, `+1`, `1.`, `.5`, `1e`, `1e+`, `-01`, `0x1`, `NaN`, `1 2`, "\ufeff{}", `{"a":1}//`, "\v1",
	} {
		if json.Valid([]byte(doc)) {
			t.Errorf("%q is JSON; the table is wrong", doc)
		}
		if got := run(exists, text(doc)); got != "0" {
			t.Errorf("%q matched", doc)
		}
		if broken := `{"a":1,"b":` + doc + `,"c":1}`; run(deep, text(broken)) != "0" {
			t.Errorf("%q matched", broken)
		}
	}
}

func TestADocumentThatNestsTooDeepNeverMatches(t *testing.T) {
	r := parse(t, `json("$") exists`)
	for _, c := range []struct {
		depth int
		want  string
	}{{maxNesting, "1"}, {maxNesting + 1, "0"}, {100_000, "0"}} {
		arrays := strings.Repeat("[", c.depth) + strings.Repeat("]", c.depth)
		objects := strings.Repeat(`{"a":`, c.depth) + "1" + strings.Repeat("}", c.depth)
		if got := run(r, text(arrays), text(objects)); got != c.want+c.want {
			t.Errorf("%d deep matched %s", c.depth, got)
		}
	}
}

func TestOfAKeyThatStandsTwiceTheLastOneCounts(t *testing.T) {
	for _, c := range []struct{ rule, doc, want string }{
		{`json("a") = 1`, `{"a":2,"a":1}`, "1"},
		{`json("a") = 1`, `{"a":1,"a":2}`, "0"},
		{`json("a") = 1`, `{"a":1,"\u0061":2}`, "0"},
		{`json("a.b") exists`, `{"a":{"b":1},"a":{"c":1}}`, "0"},
		{`json("a.b") exists`, `{"a":{"b":1},"a":5}`, "0"},
		{`json("a.b") exists`, `{"a":5,"a":{"b":1}}`, "1"},
	} {
		if got := run(parse(t, c.rule), text(c.doc)); got != c.want {
			t.Errorf("%s on %s matched %s", c.rule, c.doc, got)
		}
	}
}

func TestHalfACharacterCountsAsTheReplacementCharacter(t *testing.T) {
	for doc, means := range map[string]string{
		`"\ud83d"`:             "\ufffd",
		`"\ud83d\u0061"`:       "\ufffda",
		`"\ud83d\ud83d\ude00"`: "\ufffd\U0001f600",
		`"\ude00x"`:            "\ufffdx",
		`"\ud83d\n"`:           "\ufffd\n",
		"\"\xf0\x9f\"":         "\ufffd\ufffd",
		"\"\xe2\x82\xac\xff\"": "€\ufffd",
		`"\uD83D\uDE00\u00E9"`: "😀é",
		`"\ud83d\\u0061"`:      "\ufffd\\u0061",
		`"\ufffd"`:             "\ufffd",
	} {
		for want, matches := range map[string]string{means: "1", means + "x": "0", means[:len(means)-1] + "?": "0"} {
			r, err := JSONEquals("$", want)
			if err != nil {
				continue // cut in the middle of a character
			}
			if got := run(r, binary(doc)); got != matches {
				t.Errorf("%s in %q: %s", r, doc, got)
			}
		}
	}
}
