package rules

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// step is one step of a path: into the value of a key, or into the element of an
// array.
type step struct {
	key   string
	index int // -1: key
}

// pathParser reads a path like $.a["b c"][2].
type pathParser struct {
	text string
	at   int
}

// notInKey are the characters that a key without quotes cannot have, beside
// control characters.
const notInKey = ".[]\"'` "

func parsePath(text string) ([]step, error) {
	p := &pathParser{text: text}
	if !utf8.ValidString(text) {
		return nil, p.fault("is not UTF-8")
	}
	if text == "" {
		return nil, p.fault("is empty; the whole document is $")
	}
	if text == "$" || strings.HasPrefix(text, "$.") || strings.HasPrefix(text, "$[") {
		p.at++
	}
	var steps []step
	for p.at < len(text) {
		s, err := p.step(len(steps) == 0 && p.at == 0)
		if err != nil {
			return nil, err
		}
		if steps = append(steps, s); len(steps) > maxNesting {
			return nil, p.fault("goes deeper than %d, where no message matches", maxNesting)
		}
	}
	return steps, nil
}

// step reads one step; bare says that a key may stand here without a dot.
func (p *pathParser) step(bare bool) (step, error) {
	switch c := p.text[p.at]; {
	case c == '[':
		return p.bracket()
	case c == '.' && bare:
		return step{}, p.fault("begins with a dot; write a.b or $.a.b")
	case c == '.':
		p.at++
		return p.key()
	case bare:
		return p.key()
	}
	return step{}, p.fault("needs a dot or a bracket here")
}

func (p *pathParser) key() (step, error) {
	rest := p.text[p.at:]
	end := strings.IndexFunc(rest, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(notInKey, r) })
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		return step{}, p.fault(`needs a key here; one with special characters stands in brackets and quotes: ["a key"]`)
	}
	p.at += end
	return step{key: rest[:end], index: -1}, nil
}

// bracket reads ["key"] or [2].
func (p *pathParser) bracket() (step, error) {
	p.at++
	s := step{index: -1}
	switch rest := p.text[p.at:]; {
	case strings.HasPrefix(rest, `"`):
		key, n, bad, problem := goString(rest)
		if problem != "" {
			p.at += bad
			return step{}, p.fault("has a quoted key that %s", problem)
		}
		if !utf8.ValidString(key) {
			return step{}, p.fault("has a key that is not UTF-8, which no JSON document has")
		}
		s.key = key
		p.at += n
	default:
		n := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		index, err := strconv.ParseInt(rest[:n], 10, 32)
		switch {
		case n == 0:
			return step{}, p.fault(`needs an index from 0, or a key in quotes, inside the brackets: [2] or ["a key"]`)
		case err != nil:
			return step{}, p.fault("has an index beyond all arrays")
		}
		s.index = int(index)
		p.at += n
	}
	if !strings.HasPrefix(p.text[p.at:], "]") {
		return step{}, p.fault("needs a ] here")
	}
	p.at++
	return s, nil
}

func (p *pathParser) fault(format string, a ...any) error {
	e := &Error{Rule: "json", offset: p.at}
	e.Problem = fmt.Sprintf("path %q ", p.text) + fmt.Sprintf(format, a...) + e.where()
	return e
}
