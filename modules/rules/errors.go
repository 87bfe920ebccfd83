package rules

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error says why a rule cannot be made, and how to mend it.
type Error struct {
	// Rule is the name of the rule, as in its text form: "prefix".
	Rule string
	// Problem says what is wrong with it.
	Problem string

	argument int // which argument is at fault, from 0
	offset   int // where in that argument
}

func (e *Error) Error() string { return "rules: " + e.Rule + " " + e.Problem }

// where ends the Problem of an argument with a position.
func (e *Error) where() string { return fmt.Sprintf(" (at byte %d)", e.offset) }

// ParseError says where a text is no rule.
type ParseError struct {
	// Offset is the byte in Text that the problem begins at; len(Text) is its end.
	Offset int
	// Text is the whole text that was to be parsed.
	Text string
	// Problem says what is wrong there.
	Problem string
}

// sideways is how many characters of a long line are shown before and behind the
// one at fault.
const sideways = 48

// Error returns the problem, and below it the line at fault with a caret under
// the character.
func (e *ParseError) Error() string {
	offset := min(max(e.Offset, 0), len(e.Text))
	from := strings.LastIndexByte(e.Text[:offset], '\n') + 1
	before := printable(e.Text[from:offset])
	behind, _, _ := strings.Cut(e.Text[offset:], "\n")
	after := printable(behind)
	if len(before) > sideways {
		before = append([]rune("…"), before[len(before)-sideways:]...)
	}
	if len(after) > sideways {
		after = append(after[:sideways:sideways], '…')
	}
	where := fmt.Sprintf("at byte %d", e.Offset)
	if line := 1 + strings.Count(e.Text[:offset], "\n"); line > 1 {
		where = fmt.Sprintf("in line %d, %s", line, where)
	}
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(before))
	return fmt.Sprintf("rules: %s (%s)\n\t%s%s\n\t%s^", e.Problem, where, string(before), string(after), pad)
}

// printable returns the runes of s, with what cannot be printed replaced, so that
// a text from elsewhere does nothing to a terminal.
func printable(s string) []rune {
	runes := []rune(s)
	for i, r := range runes {
		if r != '\t' && !unicode.IsPrint(r) {
			runes[i] = utf8.RuneError
		}
	}
	return runes
}
