package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answering reads a request and answers with text, in which KEYED stands for the
// lines of a good 101.
func answering(t testing.TB, text string) (addr string) {
	t.Helper()
	return scripted(t, func(nc net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(nc))
		if err != nil {
			return
		}
		good := goodAnswer(r.Header.Get("Sec-WebSocket-Key"))
		if i := strings.Index(text, "ECHO"); i >= 0 {
			_ = r.Write(nc)
			return
		}
		_, _ = io.WriteString(nc, strings.ReplaceAll(text, "KEYED", good))
	})
}

func TestDialRefusesAnswersThatAreNoHandshake(t *testing.T) {
	const head = "HTTP/1.1 101 Switching Protocols\r\n"
	swap := func(old, repl string) string { return "SWAP" + old + "=>" + repl }
	for _, c := range []struct{ name, answer, text string }{
		{"wrong accept", head + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", `bad "Sec-WebSocket-Accept"`},
		{"no accept", head + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "one Sec-WebSocket-Accept"},
		{"two accepts", "KEYEDSec-WebSocket-Accept: x\r\n\r\n", "one Sec-WebSocket-Accept"},
		{"no Upgrade", swap("Upgrade: websocket\r\n", ""), "something else"},
		{"other Upgrade", swap("Upgrade: websocket", "Upgrade: h2c"), "something else"},
		{"no Connection", swap("Connection: Upgrade\r\n", ""), "Connection"},
		{"other Connection", swap("Connection: Upgrade", "Connection: close"), "Connection"},
		{"HTTP/1.0", swap("HTTP/1.1", "HTTP/1.0"), "HTTP/1.1"},
		{"unsolicited extension", "KEYEDSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "extension"},
		{"empty extension", "KEYEDSec-WebSocket-Extensions:\r\n\r\n", "extension"},
		{"unsolicited subprotocol", "KEYEDSec-WebSocket-Protocol: hunter2\r\n\r\n", "protocol"},
		{"two subprotocols", "KEYEDSec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n\r\n", "subprotocol"},
		{"body", "KEYEDContent-Length: 5\r\n\r\nhello", "no body"},
		{"chunked body", "KEYEDTransfer-Encoding: chunked\r\n\r\n", "no body"},

		{"endless header", "KEYED" + strings.Repeat("X: hunter2 hunter2 hunter2\r\n", 10000), "too"},
		{"endless line", head + "X: " + strings.Repeat("hunter2", 10000), "too big"},
		{"too many headers", "KEYED" + strings.Repeat("a:b\r\n", 70) + "\r\n", "too many"},
		{"flood of 1xx", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100) + "KEYED\r\n", "interim"},
		{"folded line", "KEYEDX: a\r\n b\r\n\r\n", "folded"},
		{"bare LF", strings.ReplaceAll(head, "\r\n", "\n") + "\n", "CR"},
		{"space before colon", "KEYEDX : a\r\n\r\n", "token"},
		{"NUL", "KEYEDX: a\x00b\r\n\r\n", "control"},
		{"status no number", "HTTP/1.1 1o1 x\r\n\r\n", "status line"},
		{"status too long", "HTTP/1.1 1010 x\r\n\r\n", "status line"},
		{"no status", "HTTP/1.1\r\n\r\n", "status line"},
		{"status below 100", "HTTP/1.1 099 x\r\n\r\n", "status line"},
		{"other version", "HTTP/2.0 101 x\r\n\r\n", "status line"},

		{"nothing", "", "closed without an answer"},
		{"torn", "HTTP/1.1 101 Swi", "ends in its header"},
		{"other protocol", "SSH-2.0-hunter2\r\n", `begins with "SSH-"`},
		{"page alone", "<html>hunter2", "page without an HTTP header"},
		{"binary", "\x00\x01\x02\x03hunter2", "not HTTP"},
		{"other protocol behind an interim answer", "HTTP/1.1 100 x\r\n\r\nSSH-2.0-hunter2\r\n", `begins with "SSH-"`},
		{"our own request", "ECHO", `begins with "GET "`},
		{"one byte", "x", "not HTTP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := answering(t, c.answer)
			if rule, ok := strings.CutPrefix(c.answer, "SWAP"); ok {
				old, repl, _ := strings.Cut(rule, "=>")
				addr = scripted(t, func(nc net.Conn) {
					r, _ := http.ReadRequest(bufio.NewReader(nc))
					good := goodAnswer(r.Header.Get("Sec-WebSocket-Key"))
					_, _ = io.WriteString(nc, strings.Replace(good, old, repl, 1)+"\r\n")
				})
			}
			d := &Dialer{Header: http.Header{"Authorization": {"hunter2"}, "Cookie": {"s=hunter2"}}}
			if c.name == "two subprotocols" {
				d.Subprotocols = []string{"a"}
			}
			conn, resp, err := d.Dial(t.Context(), "ws://"+addr+"/hunter2?hunter2")
			closeConn(t, conn)
			var h *HandshakeError
			if !errors.As(err, &h) || h.Status != 0 || resp != nil {
				t.Fatalf("%v, %v", resp, err)
			}
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %q", err, c.text)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("secret in %v", err)
			}
		})
	}
}

func TestDialAcceptsAnswersThatTheRFCAllows(t *testing.T) {
	for name, answer := range map[string]string{
		"interim answers":      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nKEYED\r\n",
		"length 0":             "KEYEDContent-Length: 0\r\n\r\n",
		"names in any case":    "KEYEDsErVeR: x\r\n\r\n",
		"Connection as a list": "KEYEDConnection: keep-alive\r\n\r\n",
	} {
		c, _, err := new(Dialer).Dial(t.Context(), "ws://"+answering(t, answer))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		closeConn(t, c)
	}
}

func TestARefusalOfTheServerIsTyped(t *testing.T) {
	big := strings.Repeat("hunter2 ", 1<<10)
	date := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		name, answer string
		status       int
		retry        [2]time.Duration
		body, text   string
	}{
		{"401", "HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=hunter2\r\nContent-Length: 7\r\n\r\nhunter2", 401, [2]time.Duration{}, "hunter2", "401 Unauthorized"},
		{"429 in seconds", "HTTP/1.1 429 x\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n", 429, [2]time.Duration{30 * time.Second, 30 * time.Second}, "", "429"},
		{"503 at a date", "HTTP/1.1 503 x\r\nRetry-After: " + date + "\r\n\r\nlater", 503, [2]time.Duration{80 * time.Second, 90 * time.Second}, "later", "503"},
		{"503 by the server's clock", "HTTP/1.1 503\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\nRetry-After: Sat, 21 Nov 2026 10:01:00 GMT\r\n\r\n", 503, [2]time.Duration{time.Minute, time.Minute}, "", "503"},
		{"chunked", "HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhun\r\n4\r\nter2\r\n0\r\n\r\n", 500, [2]time.Duration{}, "hunter2", "500"},
		{"HTTP/1.0", "HTTP/1.0 404 Not Found\r\n\r\nnothing here", 404, [2]time.Duration{}, "nothing here", "404"},
		{"big", "HTTP/1.1 400 x\r\n\r\n" + big, 400, [2]time.Duration{}, big[:4096], "400"},
		{"redirect", "HTTP/1.1 302 x\r\nLocation: wss://h/?hunter2\r\nContent-Length: 0\r\n\r\n", 302, [2]time.Duration{}, "", "not followed"},
		{"page", "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html>", 200, [2]time.Duration{}, "<html>", "a page, not a WebSocket"},
		{"no page", "HTTP/1.1 204 x\r\n\r\n", 204, [2]time.Duration{}, "", "did not switch"},
		{"broken body", "HTTP/1.1 500 x\r\nContent-Length: 100\r\n\r\nhalf", 500, [2]time.Duration{}, "half", "500"},
		{"broken length", "HTTP/1.1 500 x\r\nContent-Length: y\r\n\r\nhalf", 500, [2]time.Duration{}, "", "500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := new(Dialer).Dial(t.Context(), "ws://"+answering(t, c.answer))
			var h *HandshakeError
			if !errors.As(err, &h) || h.Status != c.status {
				t.Fatal(err)
			}
			if h.RetryAfter < c.retry[0] || h.RetryAfter > c.retry[1] {
				t.Errorf("retry after %v", h.RetryAfter)
			}
			if string(h.Body) != c.body || h.Header == nil {
				t.Errorf("body %q, header %v", h.Body, h.Header)
			}
			if !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("text %q", err)
			}
		})
	}
}

func TestAStalledBodyIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Dialer{Proxy: NoProxy, NetDial: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				_, _ = io.WriteString(server, "HTTP/1.1 503 x\r\nRetry-After: 9\r\nContent-Length: 100\r\n\r\nhalf")
			}()
			go func() { _, _ = io.Copy(io.Discard, server) }()
			return client, nil
		}}
		start := time.Now()
		_, _, err := d.Dial(t.Context(), "ws://h")
		var h *HandshakeError
		if !errors.As(err, &h) || h.Status != 503 || string(h.Body) != "half" || h.RetryAfter != 9*time.Second {
			t.Errorf("%+v", err)
		}
		if took := time.Since(start); took != bodyPatience {
			t.Errorf("took %v", took)
		}
	})
}

func TestDialTakesBoundedMemoryFromAnEndlessAnswer(t *testing.T) {
	for name, c := range map[string]struct{ first, text string }{
		"one line":   {"HTTP/1.1 101 x\r\n", "a"},
		"many lines": {"HTTP/1.1 101 x\r\n", "a: b\r\n"},
		"many 1xx":   {"", "HTTP/1.1 100 x\r\n\r\n"},
		"body":       {"HTTP/1.1 500 x\r\n\r\n", "a"},
		"tiny chunks": {
			"HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n",
			"1\r\na\r\n",
		},
	} {
		d := &Dialer{Proxy: NoProxy, NetDial: func(context.Context, string, string) (net.Conn, error) {
			return &endlessAnswer{bomb{in: io.MultiReader(strings.NewReader(c.first), &endless{text: c.text})}}, nil
		}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := d.Dial(t.Context(), "ws://h")
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 128<<10 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
}

type endlessAnswer struct{ bomb }

func (*endlessAnswer) SetReadDeadline(time.Time) error { return nil }
