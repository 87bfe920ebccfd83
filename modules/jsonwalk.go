package modules

import "unicode/utf8"

// walk goes over the members of a JSON object like [members], but accepts nothing
// that encoding/json would not, and gives up where it would have to think.
//
//	for w.next() { w.name, w.value, w.form }
//	w.over // false: it has given up
type walk struct {
	b           []byte
	i           int
	name, value []byte
	form        form
	begun, over bool
}

// form is what kind of value a member has.
type form uint8

const (
	textual form = iota // a string without escapes
	numeric
	literal // true, false, null
	unknown // anything else; it has not been checked
)

// next goes to the next member.
func (w *walk) next() bool {
	w.space()
	switch {
	case !w.begun:
		if !w.eat('{') {
			return false
		}
		w.begun = true
		if w.space(); w.eat('}') {
			w.end()
			return false
		}
	case w.eat('}'):
		w.end()
		return false
	case !w.eat(','):
		return false
	default:
		w.space()
	}
	start := w.i
	if plain, high, ok := w.text(); !ok || !plain || high {
		return false
	}
	w.name = w.b[start+1 : w.i-1]
	if w.space(); !w.eat(':') {
		return false
	}
	w.space()
	start = w.i
	if !w.take() {
		return false
	}
	w.value = w.b[start:w.i]
	return true
}

// end is behind the object, where only space may follow.
func (w *walk) end() {
	w.space()
	w.over = w.i == len(w.b)
}

func (w *walk) eat(c byte) bool {
	if w.i < len(w.b) && w.b[w.i] == c {
		w.i++
		return true
	}
	return false
}

func (w *walk) space() {
	for w.i < len(w.b) {
		if c := w.b[w.i]; c > ' ' || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return
		}
		w.i++
	}
}

// take goes behind the value that begins here, and says what form it has.
func (w *walk) take() bool {
	if w.i == len(w.b) {
		return false
	}
	switch c := w.b[w.i]; {
	case c == '"':
		start := w.i
		plain, high, ok := w.text()
		if w.form = textual; !plain || high && !utf8.Valid(w.b[start:w.i]) {
			w.form = unknown
		}
		return ok
	case c == '-' || '0' <= c && c <= '9':
		w.form = numeric
		return w.number()
	case c == 't':
		return w.word("true")
	case c == 'f':
		return w.word("false")
	case c == 'n':
		return w.word("null")
	}
	w.form = unknown
	s := members{b: w.b, i: w.i}
	ok := s.value() && s.i > w.i
	w.i = s.i
	return ok
}

// text goes behind a string. It is plain if it has no escapes; high says that it is
// not of ASCII alone.
func (w *walk) text() (plain, high, ok bool) {
	if !w.eat('"') {
		return false, false, false
	}
	plain = true
	for i := w.i; i < len(w.b); i++ {
		switch c := w.b[i]; {
		case c == '"':
			w.i = i + 1
			return plain, high, true
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return false, false, false
		case c >= utf8.RuneSelf:
			high = true
		}
	}
	return false, false, false
}

func (w *walk) word(s string) bool {
	w.form = literal
	if len(w.b)-w.i < len(s) || string(w.b[w.i:w.i+len(s)]) != s {
		return false
	}
	w.i += len(s)
	return true
}

// number goes behind a number (RFC 8259 §6).
func (w *walk) number() bool {
	w.eat('-')
	if !w.eat('0') && !w.digits() {
		return false
	}
	if w.eat('.') && !w.digits() {
		return false
	}
	if w.eat('e') || w.eat('E') {
		if !w.eat('+') {
			w.eat('-')
		}
		return w.digits()
	}
	return true
}

func (w *walk) digits() bool {
	start := w.i
	for w.i < len(w.b) && w.b[w.i]-'0' <= 9 {
		w.i++
	}
	return w.i > start
}
