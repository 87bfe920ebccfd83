package report

import (
	"fmt"
	"os"
	"strings"
)

// The lines between which a page belongs to hbench; the rest of it is written by hand.
const (
	pageBegin = "<!-- hbench writes from here on -->"
	pageEnd   = "<!-- hbench writes up to here -->"
)

// Page is a Markdown file with a part that hbench writes.
type Page struct {
	file       string
	head, tail string // what is by hand, with the two lines
}

// OpenPage reads a page and finds its part.
func OpenPage(file string) (*Page, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	head, rest, begins := strings.Cut(string(text), pageBegin+"\n")
	_, tail, ends := strings.Cut(rest, pageEnd)
	if !begins || !ends {
		return nil, fmt.Errorf("%s needs two lines between which the figures go:\n%s\n%s", file, pageBegin, pageEnd)
	}
	return &Page{file: file, head: head + pageBegin + "\n", tail: pageEnd + tail}, nil
}

// Write replaces the part and keeps the rest.
func (p *Page) Write(part string) error {
	return os.WriteFile(p.file, []byte(p.head+"\n"+strings.TrimSpace(part)+"\n\n"+p.tail), 0o644)
}
