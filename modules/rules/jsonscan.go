package rules

// maxNesting is how deep arrays and objects of a message may stand in one
// another. A message that goes deeper matches no json rule.
const maxNesting = 64

// scanner walks over a JSON document (RFC 8259) once, checks it, and notes where
// the value at a path lies. It allocates nothing.
type scanner struct {
	doc   []byte
	at    int
	value []byte // at the path; part of doc
	found bool
}

// locate returns the value at a path, as written in doc. There is none when doc
// is not JSON as a whole, or nests too deep.
func locate(doc []byte, path []step) ([]byte, bool) {
	s := scanner{doc: doc}
	s.space()
	if !s.any(path, true, 0) {
		return nil, false
	}
	if s.space(); s.at != len(doc) {
		return nil, false
	}
	return s.value, s.found
}

// any walks over a value and returns whether it is valid. on says that the way to
// the value at the path leads through here, along path; depth is how many arrays
// and objects are open.
func (s *scanner) any(path []step, on bool, depth int) bool {
	begin, valid := s.at, false
	switch s.peek() {
	case '{':
		valid = depth < maxNesting && s.object(path, on, depth+1)
	case '[':
		valid = depth < maxNesting && s.array(path, on, depth+1)
	case '"':
		_, _, valid = s.quoted()
	case 't':
		valid = s.literal("true")
	case 'f':
		valid = s.literal("false")
	case 'n':
		valid = s.literal("null")
	default:
		valid = s.number()
	}
	if on && len(path) == 0 {
		s.value, s.found = s.doc[begin:s.at], true
	}
	return valid
}

func (s *scanner) object(path []step, on bool, depth int) bool {
	s.at++
	if s.space(); s.take('}') {
		return true
	}
	for {
		key, plain, valid := s.quoted()
		if s.space(); !valid || !s.take(':') {
			return false
		}
		s.space()
		rest, here := path, on && len(path) > 0 && path[0].index < 0 && equalString(key, plain, path[0].key)
		if here {
			// Of a key that stands twice the last one counts.
			s.found, rest = false, path[1:]
		}
		if !s.any(rest, here, depth) {
			return false
		}
		if s.space(); s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
		s.space()
	}
}

func (s *scanner) array(path []step, on bool, depth int) bool {
	s.at++
	if s.space(); s.take(']') {
		return true
	}
	for i := 0; ; i++ {
		rest, here := path, on && len(path) > 0 && path[0].index == i
		if here {
			rest = path[1:]
		}
		if !s.any(rest, here, depth) {
			return false
		}
		if s.space(); s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
		s.space()
	}
}

// quoted walks over a string and returns what stands between its quotes; plain
// says that it has no escapes and is ASCII.
func (s *scanner) quoted() (raw []byte, plain, valid bool) {
	if !s.take('"') {
		return nil, false, false
	}
	begin, all := s.at, byte(0)
	for at := s.at; at < len(s.doc); at++ {
		c := s.doc[at]
		if c >= ' ' && c != '"' && c != '\\' {
			all |= c
			continue
		}
		if s.at = at + 1; c == '"' {
			return s.doc[begin:at], all < 0x80, true
		}
		if c != '\\' || !s.escape() {
			return nil, false, false
		}
		at, all = s.at, 0xff
	}
	return nil, false, false
}

// escape checks what follows a backslash and stays on its last byte.
func (s *scanner) escape() bool {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		if len(s.doc)-s.at < 5 {
			return false
		}
		for range 4 {
			if s.at++; hexValue(s.doc[s.at]) < 0 {
				return false
			}
		}
		return true
	}
	return false
}

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

// digits walks over decimal digits and returns whether there was one.
func (s *scanner) digits() bool {
	begin := s.at
	for s.at < len(s.doc) && isDigit(s.doc[s.at]) {
		s.at++
	}
	return s.at > begin
}

func (s *scanner) literal(word string) bool {
	if len(s.doc)-s.at < len(word) || string(s.doc[s.at:s.at+len(word)]) != word {
		return false
	}
	s.at += len(word)
	return true
}

func (s *scanner) space() {
	for s.at < len(s.doc) {
		switch s.doc[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.doc) {
		return s.doc[s.at]
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.doc) && s.doc[s.at] == c {
		s.at++
		return true
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// hexValue returns what a hexadecimal digit is worth, or -1.
func hexValue(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}
