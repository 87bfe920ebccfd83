package transporttest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Answer is what a FakeHTTP says to one request.
type Answer struct {
	raw  string
	hold bool // keep the connection open behind it
}

// Raw answers with exactly these bytes and closes.
func Raw(answer string) Answer { return Answer{raw: answer} }

// Status answers with a status, an empty body and these header lines, each like
// "Name: value".
func Status(code int, header ...string) Answer {
	lines := append([]string{fmt.Sprintf("HTTP/1.1 %d %s", code, http.StatusText(code))}, header...)
	lines = append(lines, "Content-Length: 0", "Connection: close")
	return Raw(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// Unauthorized answers 401.
func Unauthorized() Answer {
	return Status(http.StatusUnauthorized, `WWW-Authenticate: Bearer realm="test"`)
}

// TooManyRequests answers 429. retryAfter is the header's value, seconds or a
// date; empty for none.
func TooManyRequests(retryAfter string) Answer {
	return retryLater(http.StatusTooManyRequests, retryAfter)
}

// Unavailable answers 503. retryAfter is the header's value, seconds or a date;
// empty for none.
func Unavailable(retryAfter string) Answer {
	return retryLater(http.StatusServiceUnavailable, retryAfter)
}

func retryLater(code int, retryAfter string) Answer {
	if retryAfter == "" {
		return Status(code)
	}
	return Status(code, "Retry-After: "+retryAfter)
}

// HTML answers 200 with a page, as a captive portal does.
func HTML() Answer {
	const page = "<!DOCTYPE html><html><body>Please log in.</body></html>"
	return Raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s", len(page), page))
}

// Garbage answers with what is no HTTP.
func Garbage() Answer { return Raw("\x00\x01SSH-2.0-OpenSSH_9.6\r\n\xff\xfe\r\n\r\n") }

// Silence takes the request and never answers.
func Silence() Answer { return Answer{hold: true} }

// FakeHTTP is a server on a Listener that never upgrades.
type FakeHTTP struct {
	l       *Listener
	answers []Answer
	wg      sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	conns    []net.Conn
	requests []string
}

// NewFakeHTTP serves l until Close. The first connection gets the first answer
// and so on; the last answer is repeated. Without any, it is Silence.
func NewFakeHTTP(l *Listener, answers ...Answer) *FakeHTTP {
	if len(answers) == 0 {
		answers = []Answer{Silence()}
	}
	f := &FakeHTTP{l: l, answers: answers}
	f.wg.Go(f.serve)
	return f
}

func (f *FakeHTTP) serve() {
	for i := 0; ; i++ {
		nc, err := f.l.Accept()
		if err != nil {
			return
		}
		if !f.adopt(nc) {
			_ = nc.Close()
			return
		}
		answer := f.answers[min(i, len(f.answers)-1)]
		f.wg.Go(func() { f.answer(nc, answer) })
	}
}

func (f *FakeHTTP) adopt(nc net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns = append(f.conns, nc)
	return !f.closed
}

func (f *FakeHTTP) answer(nc net.Conn, a Answer) {
	defer func() { _ = nc.Close() }()
	r := bufio.NewReader(nc)
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		head.WriteString(line)
	}
	f.mu.Lock()
	f.requests = append(f.requests, head.String())
	f.mu.Unlock()
	if _, err := nc.Write([]byte(a.raw)); err != nil || !a.hold {
		return
	}
	_, _ = io.Copy(io.Discard, r) // until the client or Close ends it
}

// Requests returns the heads of the requests so far: request line and header.
func (f *FakeHTTP) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// Close closes the listener and all connections and waits for the goroutines.
func (f *FakeHTTP) Close() {
	_ = f.l.Close()
	f.mu.Lock()
	f.closed = true
	conns := f.conns
	f.mu.Unlock()
	for _, nc := range conns {
		_ = nc.Close()
	}
	f.wg.Wait()
}
