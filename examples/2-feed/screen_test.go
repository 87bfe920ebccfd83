package main

import (
	"strings"
	"testing"
)

func TestOnATerminalTheFooterStaysBelowWhatHappens(t *testing.T) {
	var b strings.Builder
	s := newScreen(&b, false)
	s.live = true
	s.foot([]string{"one", strings.Repeat("▲", 100)})
	s.print("news")
	s.foot([]string{"three"})
	s.foot(nil)
	s.print("end")
	wide := strings.Repeat("▲", width)
	want := "one\n" + wide + "\n" +
		"\x1b[2F\x1b[Jnews\none\n" + wide + "\n" +
		"\x1b[2F\x1b[Jthree\n" +
		"\x1b[1F\x1b[Jend\n"
	if got := b.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestElsewhereThereIsNoFooter(t *testing.T) {
	var b strings.Builder
	s := newScreen(&b, false)
	s.foot([]string{"one"})
	if b.String() != "" {
		t.Errorf("%q", b.String())
	}
}
