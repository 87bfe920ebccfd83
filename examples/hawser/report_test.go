package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hawser-go/hawser/transport"
)

func TestBinaryMessagesAreSummedUp(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "<0 bytes binary>"},
		{"\x00\xff", "<2 bytes binary: 00ff>"},
		{strings.Repeat("a", 16), "<16 bytes binary: " + strings.Repeat("61", 16) + ">"},
		{strings.Repeat("a", 17), "<17 bytes binary: " + strings.Repeat("61", 16) + "…>"},
	} {
		if got := summary([]byte(c.in)); got != c.want {
			t.Errorf("%q: %s", c.in, got)
		}
	}
}

func TestAStrangerCannotSteerTheTerminal(t *testing.T) {
	w := newWatched()
	r := &textReporter{out: w, screen: true}
	r.received(transport.Message{Kind: transport.Text, Payload: []byte("a\x1b[2Jb\tc\u009bd")})
	if got, _ := w.now(); got != "a\uFFFD[2Jb\tc\uFFFDd\n" {
		t.Errorf("%q", got)
	}
	w = newWatched()
	r = &textReporter{out: w} // a pipe gets what came
	r.received(transport.Message{Kind: transport.Text, Payload: []byte("a\x1bb")})
	if got, _ := w.now(); got != "a\x1bb\n" {
		t.Errorf("%q", got)
	}
}

func TestSecretsAreHiddenInWhatOthersSay(t *testing.T) {
	u, err := url.Parse("ws://h/p?token=s3cr%20t&v=1&longer=s3cr%20t-and-more")
	if err != nil {
		t.Fatal(err)
	}
	r := newRedactor(u, http.Header{"Authorization": {"Bearer abcdef"}})
	in := `closed with "s3cr t", s3cr%20t, s3cr t-and-more, abcdef, Bearer abcdef, v=1`
	if got := r.text(in); got != `closed with "[hidden]", [hidden], [hidden], [hidden], [hidden], v=1` {
		t.Error(got)
	}
	var none *redactor
	if none.text(in) != in {
		t.Error("nothing to hide, but hidden")
	}
}

func TestPaletteIsPlainUnlessAsked(t *testing.T) {
	if got := (palette{}).event("ready", 8); got != "ready   " {
		t.Errorf("%q", got)
	}
	if got := (palette{on: true}).event("ready", 8); got != "\x1b[32mready   \x1b[0m" {
		t.Errorf("%q", got)
	}
}
