package transport

import (
	"net/http"
	"strings"
	"testing"
)

// shown writes extensions down in a form that can be compared.
func shown(all []extension) string { return written(all, " ", "|") }

func written(all []extension, beforeParam, between string) string {
	var items []string
	for _, e := range all {
		s := e.name
		for _, p := range e.params {
			s += beforeParam + p.name
			if p.valued {
				s += "=" + p.value
			}
		}
		items = append(items, s)
	}
	return strings.Join(items, between)
}

func TestExtensionsAreReadAsTheRFCWritesThem(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  string // "!": malformed
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{" , ,\t"}, ""},
		{[]string{"foo"}, "foo"},
		{[]string{" foo\t; a ;b=1; c=\"2\" "}, "foo a b=1 c=2"},
		{[]string{"foo;a,bar, foo;a;a"}, "foo a|bar|foo a a"},
		{[]string{"foo", "bar; x", "", "foo"}, "foo|bar x|foo"},
		{[]string{`foo; x="a\b\c"`}, "foo x=abc"},
		{[]string{"!#$%&'*+-.^_`|~09azAZ"}, "!#$%&'*+-.^_`|~09azAZ"},
		{[]string{"deflate-stream", "mux; max-channels=4; flow-control, deflate-stream"}, "deflate-stream|mux max-channels=4 flow-control|deflate-stream"}, // RFC 6455 §9.1
		{[]string{"foo;"}, "!"},
		{[]string{"foo;;a"}, "!"},
		{[]string{";a"}, "!"},
		{[]string{"foo bar"}, "!"},
		{[]string{"foo; a b"}, "!"},
		{[]string{"foo; a="}, "!"},
		{[]string{"foo; =1"}, "!"},
		{[]string{"foo; a =1"}, "!"},
		{[]string{"foo; a= 1"}, "!"},
		{[]string{"foo; a=1=2"}, "!"},
		{[]string{"foo=1"}, "!"},
		{[]string{`foo; a=""`}, "!"},
		{[]string{`foo; a="b c"`}, "!"},
		{[]string{`foo; a="b`}, "!"},
		{[]string{`foo; a="b\`}, "!"},
		{[]string{`foo; a="b"c`}, "!"},
		{[]string{`"foo"`}, "!"},
		{[]string{"foo/1"}, "!"},
		{[]string{"føø"}, "!"},
		{[]string{"foo, bar;"}, "!"},
		{[]string{strings.Repeat("a,", maxExtensions)}, strings.Repeat("a|", maxExtensions-1) + "a"},
		{[]string{strings.Repeat("a,", maxExtensions+1)}, "!"},
		{[]string{"foo" + strings.Repeat(";a", maxExtensionParams)}, "foo" + strings.Repeat(" a", maxExtensionParams)},
		{[]string{"foo" + strings.Repeat(";a", maxExtensionParams+1)}, "!"},
	} {
		all, ok := parseExtensions(c.lines)
		got := shown(all)
		if !ok && len(c.lines) > 0 {
			got = "!"
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.lines, got, c.want)
		}
	}
}

// FuzzExtensions reads a header twice, the second time as we would write down
// what we have understood. Whatever a server answers, its own answer is one that
// a client understands alike; whatever a client reads, it does not panic.
func FuzzExtensions(f *testing.F) {
	for _, s := range []string{
		"", "permessage-deflate; client_max_window_bits, foo", `permessage-deflate; server_max_window_bits="9"; client_no_context_takeover`,
		"permessage-deflate;server_max_window_bits=99999999999999999999", "a;b=\"\\\"", ",,;=",
	} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, takeover bool) {
		lines := strings.Split(s, "\n")
		if all, ok := parseExtensions(lines); ok {
			again, ok := parseExtensions([]string{written(all, "; ", ", ")})
			if want := shown(all); !ok && want != "" || shown(again) != want {
				t.Fatalf("%q was %q and is now %q", s, want, shown(again))
			}
		}
		c := Compression{Enabled: true, ContextTakeover: takeover}
		_, _ = c.accept(lines)
		p := c.answer(lines)
		if p == nil {
			return
		}
		newDeflation(true, c, p)
		back, err := c.accept([]string{p.String()})
		if err != nil || *back != p.withoutAny() {
			t.Fatalf("%q is answered with %q, which is %v, %v", s, p, back, err)
		}
	})
}

// withoutAny is p as a client reads it.
func (p deflateParams) withoutAny() deflateParams {
	if p.clientBits == anyBits {
		p.clientBits = 0
	}
	return p
}

func TestHandshakeHeaderIsWrittenOnce(t *testing.T) {
	var b strings.Builder
	if _, err := handshakeHeader(http.Header{"X-A": {"1"}}, "foo; bar").WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if want := "Sec-WebSocket-Extensions: foo; bar\r\nX-A: 1\r\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	if handshakeHeader(nil, "") != nil {
		t.Error("there is a header of nothing")
	}
}
