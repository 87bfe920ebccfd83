package transport

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestHeadReaderStopsBehindTheEmptyLine(t *testing.T) {
	const head, rest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x81\x85early"
	for name, r := range map[string]io.Reader{
		"at once":      strings.NewReader(head + rest),
		"byte by byte": iotest.OneByteReader(strings.NewReader(head + rest)),
	} {
		h := newHeadReader(0, 0)
		got, err := h.next(r)
		if string(got) != head || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		behind, err := io.ReadAll(io.MultiReader(strings.NewReader(string(h.rest())), r))
		if string(behind) != rest || err != nil {
			t.Errorf("%s: rest %q, %v", name, behind, err)
		}
		h.release()
	}
}

func TestHeadReaderReadsOneHeaderAfterTheOther(t *testing.T) {
	h := newHeadReader(0, 0)
	defer h.release()
	r := strings.NewReader("one\r\n\r\ntwo\r\nx: y\r\n\r\nrest")
	for _, want := range []string{"one\r\n\r\n", "two\r\nx: y\r\n\r\n"} {
		if got, err := h.next(r); string(got) != want || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if string(h.rest()) != "rest" {
		t.Errorf("rest %q", h.rest())
	}
}

func TestHeadReaderRefusesAsSoonAsItSeesTheFault(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"bare LF", "GET / HTTP/1.1\n", errBareLF},
		{"bare LF alone", "GET / HTTP/1.1\r\n\n", errBareLF},
		{"bare CR", "GET / HTTP/1.1\rH", errBareCR},
		{"two CR", "GET / HTTP/1.1\r\r", errBareCR},
		{"NUL", "GET /\x00", errControlByte},
		{"escape", "G\x1b", errControlByte},
		{"DEL", "GET / HTTP/1.1\r\nA: \x7f", errControlByte},
		{"TLS client", "\x16\x03\x01\x02\x00", errControlByte},
		{"empty first line", "\r\n", errNoFirstLine},
		{"too many lines", "GET / HTTP/1.1\r\n" + strings.Repeat("a:b\r\n", 65), errTooManyHeaders},
		{"too big", strings.Repeat("a", 8<<10), errHeaderTooBig},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHeadReader(0, 0)
			defer h.release()
			// Behind the fault nothing comes, and no end: reading on would panic.
			_, err := h.next(io.MultiReader(iotest.OneByteReader(strings.NewReader(c.in)), panicReader{}))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("read behind the fault") }

func TestHeadReaderTakesExactlyItsLimits(t *testing.T) {
	head := "GET / HTTP/1.1\r\n" + strings.Repeat("a:b\r\n", 64)
	head += "\r\n"
	for _, c := range []struct {
		bytes, headers int
		want           error
	}{
		{len(head), 64, nil},
		{len(head) - 1, 64, errHeaderTooBig},
		{len(head), 63, errTooManyHeaders},
		{-1, -1, nil},
	} {
		h := newHeadReader(c.bytes, c.headers)
		_, err := h.next(strings.NewReader(head))
		h.release()
		if !errors.Is(err, c.want) && err != c.want {
			t.Errorf("%d bytes, %d headers: %v, want %v", c.bytes, c.headers, err, c.want)
		}
	}
}

func TestHeadReaderTellsAnEndFromATornHeader(t *testing.T) {
	for in, want := range map[string]error{"": io.EOF, "GET /": io.ErrUnexpectedEOF} {
		h := newHeadReader(0, 0)
		if _, err := h.next(strings.NewReader(in)); err != want {
			t.Errorf("%q: %v", in, err)
		}
		h.release()
	}
	h := newHeadReader(0, 0)
	defer h.release()
	if _, err := h.next(silentReader{}); err != io.ErrNoProgress {
		t.Errorf("a reader without bytes and errors: %v", err)
	}
}

type silentReader struct{}

func (silentReader) Read([]byte) (int, error) { return 0, nil }

func TestHeaderBombsTakeBoundedMemory(t *testing.T) {
	for name, line := range map[string]string{
		"one line":   strings.Repeat("a", 1<<10),
		"many lines": "a: b\r\n",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h := newHeadReader(0, 0)
		_, err := h.next(io.MultiReader(strings.NewReader("GET / HTTP/1.1\r\n"), &endless{text: line}))
		h.release()
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
}

// endless repeats its text for ever.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at%len(e.text)]
		e.at++
	}
	return len(p), nil
}

func TestParseHeadRefusesWhatParsersReadDifferently(t *testing.T) {
	for _, c := range []struct {
		line string
		want error
	}{
		{"Host: a", nil},
		{"Host:a", nil},
		{"X-Empty:", nil},
		{"X-Text: gr\xfc\xdfe\t!", nil},
		{" folded", errFoldedLine},
		{"\tfolded", errFoldedLine},
		{"Host : a", errHeaderName},
		{": a", errHeaderName},
		{"Ho(st: a", errHeaderName},
		{"H\xf6st: a", errHeaderName},
		{"Host", errNoColon},
	} {
		_, header, err := parseHead([]byte("GET / HTTP/1.1\r\nFirst: 1\r\n" + c.line + "\r\n\r\n"))
		if err != c.want {
			t.Errorf("%q: %v, want %v", c.line, err, c.want)
		}
		if err == nil && (header.Get("First") != "1" || len(header) != 2) {
			t.Errorf("%q: %v", c.line, header)
		}
	}
}

func TestParseHeadTrimsAndKeepsOrder(t *testing.T) {
	first, header, err := parseHead([]byte("x y\r\na: \t1 \r\nA:2\r\n\r\n"))
	if first != "x y" || err != nil {
		t.Fatal(first, err)
	}
	if got := strings.Join(header["A"], "|"); got != "1|2" {
		t.Errorf("got %q", got)
	}
}

func TestHeadersOfTheUserCannotBreakTheHandshake(t *testing.T) {
	for _, h := range []http.Header{
		{"Sec-WebSocket-Key": {"x"}},
		{"sec-websocket-extensions": {"permessage-deflate"}},
		{"host": {"x"}},
		{"Upgrade": {"x"}},
		{"Connection": {"x"}},
		{"content-length": {"1"}},
		{"Transfer-Encoding": {"chunked"}},
		{"A\r\nB": {"x"}},
		{"A B": {"x"}},
		{"": {"x"}},
		{"A": {"x\r\nB: y"}},
		{"A": {"x\ny"}},
		{"A": {"ok", "x\x00y"}},
	} {
		err := checkHeader(h)
		var terminal interface{ Terminal() bool }
		if err == nil || !errors.As(err, &terminal) || !terminal.Terminal() {
			t.Errorf("%q: %v", h, err)
		} else if strings.ContainsAny(err.Error(), "\r\n\x00") {
			t.Errorf("%q: the error repeats it: %v", h, err)
		}
	}
	if err := checkHeader(http.Header{"Authorization": {"Bearer x"}, "x-own": {"a\tb"}, "Origin": {"http://a"}}); err != nil {
		t.Error(err)
	}
}

func TestSubprotocolsAreTokensEachOnce(t *testing.T) {
	for _, list := range [][]string{{""}, {"a b"}, {"a,b"}, {"a\r\nb"}, {"\xfc"}, {"a", "b", "a"}} {
		if checkSubprotocols(list) == nil {
			t.Errorf("%q accepted", list)
		}
	}
	if err := checkSubprotocols([]string{"chat", "Chat", "mqtt.v5"}); err != nil {
		t.Error(err)
	}
}
