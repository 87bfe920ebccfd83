package main

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// How long things may be, in characters.
const (
	maxName = 32 // of people and of rooms
	maxText = 1000
	maxID   = 64 // bytes
)

// tidy returns a name of a person or a room as it is shown: spaces are single, and
// what cannot be seen is not there. It reports false for one that is empty or too
// long. Without this a name could hide, or turn the text around it.
func tidy(name string) (string, bool) {
	if len(name) > maxName*utf8.UTFMax {
		return "", false
	}
	name = strings.Join(strings.Fields(name), " ")
	for _, r := range name {
		if !unicode.IsPrint(r) { // controls, and those that join, part and turn
			return "", false
		}
	}
	return name, name != "" && utf8.RuneCountInString(name) <= maxName
}

// fold makes names equal that differ in case alone.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// tidyText returns a line as it is shown. It reports false for one that is empty or
// too long.
func tidyText(text string) (string, bool) {
	if len(text) > maxText*utf8.UTFMax {
		return "", false
	}
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text))
	return text, text != "" && utf8.RuneCountInString(text) <= maxText
}

// isID reports whether s may be the id of a line, or the key of a page: random
// characters that the page has made.
func isID(s string) bool {
	return len(s) >= 16 && len(s) <= maxID && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '-'
	})
}
