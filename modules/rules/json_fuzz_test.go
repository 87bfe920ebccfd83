package rules

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hawser-go/hawser/transport"
)

// decoded is what encoding/json makes of doc, walked along a path. It is the
// plain answer that the scanner must give too.
func decoded(doc []byte, path []step) (any, bool) {
	if !json.Valid(doc) || nesting(doc) > maxNesting {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err) // it is valid
	}
	for _, s := range path {
		switch of := v.(type) {
		case map[string]any:
			next, ok := of[s.key]
			if s.index >= 0 || !ok {
				return nil, false
			}
			v = next
		case []any:
			if s.index < 0 || s.index >= len(of) {
				return nil, false
			}
			v = of[s.index]
		default:
			return nil, false
		}
	}
	return v, true
}

// nesting returns how deep valid JSON nests.
func nesting(doc []byte) (deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '{' || c == '['):
			depth++
			deepest = max(deepest, depth)
		case !quoted && (c == '}' || c == ']'):
			depth--
		}
	}
	return deepest
}

// same compares a decoded value with what a rule asks for.
func same(got, want any) (equal, known bool) {
	a, ok := got.(json.Number)
	b, okToo := want.(json.Number)
	if !ok || !okToo {
		switch got.(type) {
		case map[string]any, []any, json.Number:
			return false, true
		}
		return got == want, true
	}
	x, fits := rational(a)
	y, fitsToo := rational(b)
	if !fits || !fitsToo {
		return false, false
	}
	return x.Cmp(y) == 0, true
}

// rational returns the exact worth of a number that is not too long to compute.
func rational(n json.Number) (*big.Rat, bool) {
	_, exponent, _ := strings.Cut(strings.ToLower(string(n)), "e")
	if len(strings.TrimLeft(exponent, "+-0")) > 3 {
		return nil, false
	}
	return new(big.Rat).SetString(string(n))
}

func FuzzJSON(f *testing.F) {
	for _, s := range []struct{ doc, path, value string }{
		{`{"type":"price","a":{"b":[1,{"c":2}]}}`, "a.b[1].c", "2.0"},
		{`{"a":1,"a":{"b":1},"a":{"b":2}}`, "$.a.b", "2"},
		{`{"\u00e9":"\ud83d\ude00\ud83d \udc00"}`, "é", "\"\U0001f600\ufffd \ufffd\""},
		{`[[[1e2],-0.0,true],false,null]`, "[0][0][0]", "100"},
		{"{\"\xff\":\"\xf0\x9f\"}", `["\ufffd"]`, "\"\ufffd\ufffd\""},
		{strings.Repeat("[", 64) + strings.Repeat("]", 64), "[0][0]", "null"},
		{` "a\/b\n" `, "$", `"a/b\n"`},
		{`{"a":tru}`, "a", "true"},
	} {
		f.Add([]byte(s.doc), s.path, s.value)
	}
	f.Fuzz(func(t *testing.T, doc []byte, path, value string) {
		steps, err := parsePath(path)
		if err != nil {
			return
		}
		before := bytes.Clone(doc)
		got, found := decoded(doc, steps)
		if matched := run(Must(JSONExists(path)), transport.Message{Kind: transport.Text, Payload: doc}) == "1"; matched != found {
			t.Fatalf("%q exists in %q: %v; encoding/json: %v", path, doc, matched, found)
		}
		d := json.NewDecoder(strings.NewReader(value))
		d.UseNumber()
		var want any
		if d.Decode(&want) != nil || !utf8.ValidString(value) {
			return
		}
		r, err := JSONEquals(path, want)
		if err != nil {
			return
		}
		equal, known := same(got, want)
		if matched := run(r, transport.Message{Kind: transport.Text, Payload: doc}) == "1"; known && matched != (found && equal) {
			t.Fatalf("%v in %q: %v; encoding/json: %v", r, doc, matched, got)
		}
		if !bytes.Equal(doc, before) {
			t.Fatalf("the payload changed from %q to %q", before, doc)
		}
	})
}
