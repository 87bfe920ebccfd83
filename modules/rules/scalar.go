package rules

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scalar is the value that JSONEquals compares with.
type scalar struct {
	text   string  // as in the text form; for true, false and null also as in JSON
	str    string  // of a string
	number decimal // of a number
	kind   byte    // what its JSON begins with: '"', '0' for a number, or a letter
}

// newScalar takes a value of Go.
func newScalar(value any) (scalar, error) {
	if n, ok := value.(json.Number); ok {
		return newNumber(string(n))
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Invalid:
		return scalar{text: "null", kind: 'n'}, nil
	case reflect.Bool:
		text := strconv.FormatBool(v.Bool())
		return scalar{text: text, kind: text[0]}, nil
	case reflect.String:
		s := v.String()
		if !utf8.ValidString(s) {
			return scalar{}, &Error{Rule: "json", argument: 1, Problem: fmt.Sprintf("value %q is not UTF-8, which no JSON string is", s)}
		}
		return scalar{text: strconv.Quote(s), kind: '"', str: s}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return newNumber(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return newNumber(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return scalar{}, &Error{Rule: "json", argument: 1, Problem: fmt.Sprintf("value %v is no JSON number", f)}
		}
		return newNumber(strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()))
	}
	return scalar{}, &Error{Rule: "json", argument: 1, Problem: fmt.Sprintf("value is a %T; it must be a string, a bool, a number or nil: compare the parts of an object or array one by one", value)}
}

// newNumber takes a number as JSON writes it.
func newNumber(text string) (scalar, error) {
	s := scanner{doc: []byte(text)}
	if !s.number() || s.at != len(text) {
		return scalar{}, &Error{Rule: "json", argument: 1, Problem: fmt.Sprintf("value %q is no JSON number", text)}
	}
	n := newDecimal([]byte(text))
	if n.point >= farAway || n.point <= -farAway {
		return scalar{}, &Error{Rule: "json", argument: 1, Problem: fmt.Sprintf("value %s has an exponent beyond all use", text)}
	}
	return scalar{text: text, kind: '0', number: n}, nil
}

// equals returns whether a valid JSON value is worth the same.
func (v *scalar) equals(raw []byte) bool {
	switch {
	case isDigit(raw[0]) || raw[0] == '-':
		return v.kind == '0' && v.number.equals(newDecimal(raw))
	case v.kind == '"':
		return raw[0] == '"' && equalString(raw[1:len(raw)-1], false, v.str)
	}
	return string(raw) == v.text
}

// equalString returns whether the inside of a valid JSON string means want, which
// is UTF-8. What is not UTF-8 in raw, and half a surrogate pair, means U+FFFD, as
// in encoding/json.
func equalString(raw []byte, plain bool, want string) bool {
	if plain {
		return string(raw) == want
	}
	for len(raw) > 0 {
		got, n := decodeRune(raw)
		r, size := utf8.DecodeRuneInString(want)
		if size == 0 || got != r {
			return false
		}
		raw, want = raw[n:], want[size:]
	}
	return want == ""
}

// decodeRune returns the first character of the inside of a valid JSON string,
// and how long it is written.
func decodeRune(raw []byte) (rune, int) {
	if raw[0] != '\\' {
		return utf8.DecodeRune(raw)
	}
	switch c := raw[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(c), 2
	}
	r := hexRune(raw[2:])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if pair := utf16.DecodeRune(r, hexRune(raw[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

func hexRune(raw []byte) (r rune) {
	for _, c := range raw[:4] {
		r = r<<4 | hexValue(c)
	}
	return r
}
