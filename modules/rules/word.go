package rules

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/hawser-go/hawser/actors"
)

// words are all that a rule may begin with.
const words = "after, any, before, binary, contains, every, exact, json, never, path, prefix, regexp, skip, subprotocol, suffix, text, then"

// argument is what stands between the parentheses of a word, or behind a sign.
type argument struct {
	at      int    // where in the text
	literal string // as written, when it is a string
	value   string // of a string
	number  int
}

// inside returns where in a string its byte at offset is written.
func (a argument) inside(offset int) int {
	if a.literal == "" {
		return 0
	}
	return inGoString(a.literal, offset)
}

// word reads a rule that begins with a word.
func (p *parser) word() (Rule, error) {
	begin := p.at
	switch name := p.name(); name {
	case "any":
		return anyRule, nil
	case "never":
		return neverRule, nil
	case "text":
		return textRule, nil
	case "binary":
		return binaryRule, nil
	case "exact":
		return p.ofString(begin, Exact)
	case "prefix":
		return p.ofString(begin, Prefix)
	case "suffix":
		return p.ofString(begin, Suffix)
	case "contains":
		return p.ofString(begin, Contains)
	case "regexp":
		return p.ofString(begin, Regexp)
	case "path":
		return p.ofString(begin, Path)
	case "subprotocol":
		return p.subprotocol(begin)
	case "json":
		return p.json(begin)
	case "skip", "every":
		return p.counting(begin, name)
	case "then":
		return p.then(begin)
	case "after":
		return p.strip(begin, After)
	case "before":
		return p.strip(begin, Before)
	case "func", "rule":
		return nil, p.fault(begin, "%s stands for Go code, which has no text form", name)
	default:
		return nil, p.unknown(begin, name)
	}
}

// name reads a word, which may be empty.
func (p *parser) name() string {
	rest := p.rest()
	end := strings.IndexFunc(rest, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	if end < 0 {
		end = len(rest)
	}
	p.at += end
	return rest[:end]
}

func (p *parser) unknown(begin int, name string) error {
	signs := map[string]string{"and": "&", "or": "|", "not": "!"}
	sign, isSign := signs[strings.ToLower(name)]
	switch {
	case name == "":
		return p.fault(begin, "a rule must stand here; it begins with !, ( or one of %s", words)
	case isSign:
		return p.fault(begin, "%q is written %s", name, sign)
	}
	return p.fault(begin, "there is no rule %q; there are %s", name, words)
}

// arguments reads what stands between parentheses: from one to most, each by read.
func (p *parser) arguments(most int, read func() (argument, error)) ([]argument, error) {
	p.rest()
	begin := p.at
	if !p.take("(") {
		return nil, p.fault(begin, "a ( must stand here")
	}
	var list []argument
	for {
		a, err := read()
		if err != nil {
			return nil, err
		}
		list = append(list, a)
		if len(list) == most || !p.take(",") {
			return list, p.close(begin)
		}
	}
}

// str reads a string.
func (p *parser) str() (argument, error) {
	rest := p.rest()
	if rest == "" || rest[0] != '"' && rest[0] != '`' {
		return argument{}, p.fault(p.at, `a string must stand here, like "abc"`)
	}
	value, n, bad, problem := goString(rest)
	if problem != "" {
		return argument{}, p.fault(p.at+bad, "the string %s", problem)
	}
	a := argument{at: p.at, literal: rest[:n], value: value}
	p.at += n
	return a, nil
}

// number reads a whole number.
func (p *parser) number() (argument, error) {
	p.rest()
	begin := p.at
	n, err := strconv.Atoi(p.digits("-0123456789"))
	if err != nil {
		return argument{}, p.fault(begin, "a whole number must stand here, like 3")
	}
	return argument{at: begin, number: n}, nil
}

// digits reads all that is one of set.
func (p *parser) digits(set string) string {
	rest := p.rest()
	n := len(rest) - len(strings.TrimLeft(rest, set))
	p.at += n
	return rest[:n]
}

func (p *parser) ofString(begin int, constructor func(string) (Rule, error)) (Rule, error) {
	list, err := p.arguments(1, p.str)
	if err != nil {
		return nil, err
	}
	return p.built(begin, list)(constructor(list[0].value))
}

func (p *parser) subprotocol(begin int) (Rule, error) {
	list, err := p.arguments(-1, p.str)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = a.value
	}
	return p.built(begin, list)(Subprotocol(names...))
}

func (p *parser) counting(begin int, name string) (Rule, error) {
	most := map[string]int{"skip": 1, "every": 2}
	list, err := p.arguments(most[name], p.number)
	switch {
	case err != nil:
		return nil, err
	case name == "skip":
		return p.built(begin, list)(Skip(list[0].number))
	case len(list) == 2:
		return p.built(begin, list)(Every(list[0].number, list[1].number))
	}
	return p.built(begin, list)(Every(list[0].number))
}

func (p *parser) then(begin int) (Rule, error) {
	p.rest()
	open := p.at
	if !p.take("(") {
		return nil, p.fault(open, "a ( must stand here")
	}
	first, err := p.inside(begin, p.run)
	if err != nil {
		return nil, err
	}
	if !p.take(",") {
		return nil, p.fault(p.at, "a comma must stand here: then takes two rules")
	}
	second, err := p.inside(begin, p.run)
	if err != nil {
		return nil, err
	}
	if err := p.close(open); err != nil {
		return nil, err
	}
	return p.built(begin, nil)(Then(first, second))
}

// strip reads after("a", rule) and before("a", rule).
func (p *parser) strip(begin int, constructor func(string, actors.Rule) (Rule, error)) (Rule, error) {
	p.rest()
	open := p.at
	if !p.take("(") {
		return nil, p.fault(open, "a ( must stand here")
	}
	cut, err := p.str()
	if err != nil {
		return nil, err
	}
	if !p.take(",") {
		return nil, p.fault(p.at, "a comma must stand here, and behind it the rule for the rest")
	}
	inner, err := p.inside(begin, p.run)
	if err != nil {
		return nil, err
	}
	if err := p.close(open); err != nil {
		return nil, err
	}
	return p.built(begin, []argument{cut})(constructor(cut.value, inner))
}

// json reads json("a.b") exists, and json("a.b") = 1.
func (p *parser) json(begin int) (Rule, error) {
	list, err := p.arguments(1, p.str)
	if err != nil {
		return nil, err
	}
	if !p.take("=") {
		if at := p.at; p.name() != "exists" {
			return nil, p.fault(at, `exists or = must stand here; for "not equal" write !(json("…") = …)`)
		}
		return p.built(begin, list)(JSONExists(list[0].value))
	}
	if strings.HasPrefix(p.text[p.at:], "=") {
		return nil, p.fault(p.at, "one = is enough")
	}
	value, a, err := p.value()
	if err != nil {
		return nil, err
	}
	return p.built(begin, append(list, a))(JSONEquals(list[0].value, value))
}

// value reads what a json rule compares with.
func (p *parser) value() (any, argument, error) {
	rest := p.rest()
	a := argument{at: p.at}
	if strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "`") {
		a, err := p.str()
		return a.value, a, err
	}
	if number := p.digits("+-.0123456789eE"); number != "" {
		return json.Number(number), a, nil
	}
	switch p.name() {
	case "true":
		return true, a, nil
	case "false":
		return false, a, nil
	case "null":
		return nil, a, nil
	}
	return nil, a, p.fault(a.at, "a string, a number, true, false or null must stand here")
}
