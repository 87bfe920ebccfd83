package rules

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hawser-go/hawser/actors"
)

// Parse returns the rule that a text says; the package's documentation has the
// grammar. The error is a *ParseError, which points at the character at fault.
// A text of more than MaxText bytes, or with more than MaxDepth "!", parentheses
// and rules in one another, is refused.
func Parse(text string) (Rule, error) {
	p := &parser{text: text}
	if len(text) > MaxText {
		return nil, p.fault(MaxText, "the text is %d bytes long, more than the %d that are allowed", len(text), MaxText)
	}
	for i, r := range text {
		if _, n := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && n == 1 {
			return nil, p.fault(i, `this byte is not UTF-8; inside "…" write it as \x%02x`, text[i])
		}
	}
	r, err := p.run()
	if err != nil {
		return nil, err
	}
	switch rest := p.rest(); {
	case rest == "":
		return r, nil
	case rest[0] == ')':
		return nil, p.fault(p.at, "no ( is open that this ) could close")
	}
	return nil, p.fault(p.at, "&, |, -> or the end must stand here")
}

// parser reads a text from left to right; each method reads one construct of the
// grammar.
type parser struct {
	text  string
	at    int
	depth int // how many constructs are open
}

func (p *parser) run() (Rule, error) {
	return p.list("->", p.either, func(parts ...actors.Rule) (Rule, error) {
		return Sequence(parts[0], parts[1], parts[2:]...)
	})
}

func (p *parser) either() (Rule, error) { return p.list("|", p.both, Or) }

func (p *parser) both() (Rule, error) { return p.list("&", p.not, And) }

// list reads parts with a sign between them, and builds a rule of them when there
// is more than one.
func (p *parser) list(sign string, part func() (Rule, error), build func(...actors.Rule) (Rule, error)) (Rule, error) {
	p.rest()
	begin := p.at
	first, err := part()
	if err != nil || !p.take(sign) {
		return first, err
	}
	parts := []actors.Rule{first}
	for {
		if strings.HasPrefix(p.rest(), sign) {
			return nil, p.fault(p.at, "one %s is enough", sign)
		}
		next, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, next)
		if !p.take(sign) {
			break
		}
	}
	return p.built(begin, nil)(build(parts...))
}

func (p *parser) not() (Rule, error) {
	rest, begin := p.rest(), p.at
	switch {
	case rest == "":
		return nil, p.fault(begin, "a rule must stand here, but the text ends")
	case rest[0] == '!':
		p.at++
		inner, err := p.inside(begin, p.not)
		if err != nil {
			return nil, err
		}
		return p.built(begin, nil)(Not(inner))
	case rest[0] == '(':
		p.at++
		inner, err := p.inside(begin, p.run)
		if err != nil {
			return nil, err
		}
		return inner, p.close(begin)
	case rest[0] == '"' || rest[0] == '`':
		return nil, p.fault(begin, `a string alone is no rule; write contains("…"), prefix("…") or exact("…")`)
	}
	return p.word()
}

// inside reads a construct within the one that begins at begin.
func (p *parser) inside(begin int, construct func() (Rule, error)) (Rule, error) {
	if p.depth == MaxDepth {
		return nil, p.fault(begin, "more than %d constructs are open here", MaxDepth)
	}
	p.depth++
	defer func() { p.depth-- }()
	return construct()
}

// close reads the ) of the ( at begin.
func (p *parser) close(begin int) error {
	if !p.take(")") {
		return p.fault(p.at, "the ( at byte %d needs its ) here", begin)
	}
	return nil
}

// rest passes over space and returns what is left.
func (p *parser) rest() string {
	rest := strings.TrimLeft(p.text[p.at:], " \t\r\n")
	p.at = len(p.text) - len(rest)
	return rest
}

// take passes over a sign, if it comes next.
func (p *parser) take(sign string) bool {
	if !strings.HasPrefix(p.rest(), sign) {
		return false
	}
	p.at += len(sign)
	return true
}

func (p *parser) fault(at int, format string, a ...any) error {
	return &ParseError{Offset: at, Text: p.text, Problem: fmt.Sprintf(format, a...)}
}

// built returns what to do with the result of a constructor whose text begins at
// begin: its error becomes one that points into the text.
func (p *parser) built(begin int, arguments []argument) func(Rule, error) (Rule, error) {
	return func(r Rule, err error) (Rule, error) {
		var e *Error
		if !errors.As(err, &e) {
			return r, err
		}
		at := begin
		if e.argument < len(arguments) {
			a := arguments[e.argument]
			at = a.at + a.inside(e.offset)
		}
		problem := strings.TrimSuffix(e.Problem, e.where())
		return nil, p.fault(at, "%s %s", e.Rule, problem)
	}
}
