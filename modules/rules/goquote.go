package rules

import (
	"strconv"
	"strings"
)

// goString reads the Go string that text begins with, in double or back quotes,
// and returns it with its length in text. When it cannot, problem says why, for a
// sentence that begins with the string, and bad where.
func goString(text string) (value string, length, bad int, problem string) {
	if strings.HasPrefix(text, "`") {
		inner, _, closed := strings.Cut(text[1:], "`")
		if !closed {
			return "", 0, 0, "has no closing back quote"
		}
		return inner, len(inner) + 2, 0, ""
	}
	var b []byte
	for at := 1; at < len(text); {
		switch text[at] {
		case '"':
			return string(b), at + 1, 0, ""
		case '\n':
			return "", 0, at, "ends with the line; a new line is written \\n"
		}
		n, grown := goChar(text[at:], b)
		if n == 0 {
			return "", 0, at, "has an escape that Go does not know; a backslash itself is written \\\\, or use back quotes"
		}
		b, at = grown, at+n
	}
	return "", 0, 0, "has no closing quote"
}

// goChar appends the character that text begins with, and returns its length in
// text: 0 when it cannot be read.
func goChar(text string, b []byte) (int, []byte) {
	r, multibyte, rest, err := strconv.UnquoteChar(text, '"')
	switch {
	case err != nil:
		return 0, b
	case multibyte:
		b = append(b, string(r)...)
	default:
		b = append(b, byte(r))
	}
	return len(text) - len(rest), b
}

// inGoString returns where in a Go string literal the byte at offset of its value
// is written.
func inGoString(literal string, offset int) int {
	if strings.HasPrefix(literal, "`") {
		return 1 + offset
	}
	at, b := 1, []byte(nil)
	for at < len(literal)-1 {
		n, grown := goChar(literal[at:], b)
		if n == 0 || len(grown) > offset {
			break
		}
		b, at = grown, at+n
	}
	return at
}
