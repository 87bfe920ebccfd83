package modules

import (
	"bytes"
	"encoding/json"
	"errors"
)

var errNoObject = errors.New("not a JSON object")

// members walks over the members of a JSON object, without decoding or copying.
// It checks only what it needs to find its way: whether the text is valid JSON, the
// one who decodes it says.
type members struct {
	b   []byte
	i   int
	bad bool
}

// open begins a walk, and reports whether b can be an object.
func open(b []byte) (s members, ok bool) {
	s = members{b: b}
	s.space()
	if !s.at('{') {
		return s, false
	}
	s.i++
	s.space()
	return s, true
}

// next returns the next member: its name without quotes, escapes not resolved,
// and its value. ok is false at the end, or where the text is broken; then end tells
// which.
func (s *members) next() (name, value []byte, ok bool) {
	s.space()
	if s.at(',') {
		s.i++
		s.space()
	}
	if !s.at('"') {
		return nil, nil, false
	}
	start := s.i
	if !s.text() {
		return nil, nil, false
	}
	name = s.b[start+1 : s.i-1]
	s.space()
	if !s.at(':') {
		return nil, nil, false
	}
	s.i++
	s.space()
	start = s.i
	if !s.value() || s.i == start {
		s.bad = true
		return nil, nil, false
	}
	return name, s.b[start:s.i], true
}

// end reports whether the walk came to the end of the object.
func (s *members) end() bool { return !s.bad && s.at('}') }

func (s *members) at(c byte) bool { return s.i < len(s.b) && s.b[s.i] == c }

func (s *members) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// shortText is how many bytes of a string are looked at one by one: a search for its
// end, which is faster for a long one, costs more than most of them.
const shortText = 24

// text skips a string.
func (s *members) text() bool {
	i, stop := s.i+1, min(len(s.b), s.i+1+shortText)
	for ; i < stop; i++ {
		switch s.b[i] {
		case '"':
			s.i = i + 1
			return true
		case '\\':
			i++
		}
	}
	for s.i = min(i, len(s.b)); ; {
		n := bytes.IndexByte(s.b[s.i:], '"')
		if n < 0 {
			s.i = len(s.b)
			return false
		}
		end := s.i + n
		escapes := 0
		for j := end - 1; j >= s.i && s.b[j] == '\\'; j-- {
			escapes++
		}
		s.i = end + 1
		if escapes%2 == 0 {
			return true
		}
	}
}

// value skips a value of any kind, however deep.
func (s *members) value() bool {
	depth := 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			if !s.text() {
				return false
			}
			if depth == 0 {
				return true
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return true // the end of a number or a word
			}
			if depth--; depth == 0 {
				s.i++
				return true
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return true
			}
		}
		s.i++
	}
	return false
}

// named reports whether a member's name is want.
func named(name []byte, want string) bool {
	if len(name) <= len(want) {
		return string(name) == want
	}
	// An escape is longer than what it stands for.
	return bytes.IndexByte(name, '\\') >= 0 && string(unescape(name)) == want
}

// unescape resolves the escapes of a string without its quotes.
func unescape(b []byte) []byte {
	var text string
	quoted := append(append(append(make([]byte, 0, len(b)+2), '"'), b...), '"')
	if json.Unmarshal(quoted, &text) != nil {
		return nil
	}
	return []byte(text)
}

// plain is what stands in a value: the content of a string, or the text of
// anything else. null is nothing.
func plain(value []byte) []byte {
	switch {
	case string(value) == "null":
		return nil
	case len(value) < 2 || value[0] != '"':
		return value
	}
	value = value[1 : len(value)-1]
	if bytes.IndexByte(value, '\\') >= 0 {
		return unescape(value)
	}
	return value
}
