package rules

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Words that mean the same in several spellings, so that equal values meet.
var (
	spelledStrings = []string{`"a"`, `"\u0061"`, `"b"`, `"a\n"`, `"\ud83d\ude00"`, `"😀"`, `"\ud83d"`, `"\ud83d\u0061"`, `""`, "\"\xff\""}
	spelledNumbers = []string{`0`, `-0.0`, `1`, `1.0`, `10e-1`, `-1`, `0.1e1`, `100`, `1E2`, `0.01`, `1e-2`}
	spelledPaths   = []string{"$", "a", "$.a", `["a"]`, "a.b", "b.a", "a[0]", "[0]", "[1]", "[0].a", "[1][0]", "a.a.a", "a[1].b", `["\U0001f600"]`, `["\ufffd"]`}
	gaps           = []string{"", "", " ", "\n\t"}
)

// drawJSON writes a document; about one in ten is broken somewhere.
func drawJSON(t *rapid.T, depth int) string {
	gap := func() string { return rapid.SampledFrom(gaps).Draw(t, "gap") }
	shape := rapid.IntRange(0, 6).Draw(t, "shape")
	if depth == 0 {
		shape %= 3
	}
	switch shape {
	case 0:
		return rapid.SampledFrom(spelledStrings).Draw(t, "string")
	case 1:
		return rapid.SampledFrom(spelledNumbers).Draw(t, "number")
	case 2:
		return rapid.SampledFrom([]string{"true", "false", "null", "null", "tru", "01", "", "\"\x01\""}).Draw(t, "word")
	}
	var parts []string
	for range rapid.IntRange(0, 3).Draw(t, "length") {
		part := drawJSON(t, depth-1)
		if shape > 4 {
			part = rapid.SampledFrom(spelledStrings).Draw(t, "key") + gap() + ":" + gap() + part
		}
		parts = append(parts, gap()+part+gap())
	}
	if shape > 4 {
		return "{" + strings.Join(parts, ",") + "}"
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func TestTheScannerAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawJSON(t, 4)
		path := rapid.SampledFrom(spelledPaths).Draw(t, "path")
		literal := rapid.SampledFrom(append(append([]string{"true", "false", "null"}, spelledStrings...), spelledNumbers...)).Draw(t, "value")
		want, _ := decoded([]byte(literal), nil)
		steps, err := parsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		got, found := decoded([]byte(doc), steps)
		equal, known := same(got, want)
		if !known {
			t.Fatalf("%s and %s are not compared", got, want)
		}
		expect := fmt.Sprint(found, found && equal)
		exists, equals := Must(JSONExists(path)), Must(JSONEquals(path, want))
		if matched := fmt.Sprint(run(exists, text(doc)) == "1", run(equals, text(doc)) == "1"); matched != expect {
			t.Fatalf("%v in %q: %s; encoding/json says %s", equals, doc, matched, expect)
		}
	})
}
