package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// lingerTime and lingerBytes bound what is still read behind a refusal. If a
	// socket is closed with bytes unread, the kernel resets it and the answer is
	// lost on its way.
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
	// answerTime is how long a refusal may take when there is no deadline.
	answerTime = 500 * time.Millisecond
	// longestTimeout is as long as for ever: a tenth more can still be reckoned with.
	longestTimeout = 50 * 365 * 24 * time.Hour
)

// handshakeDeadlines are absolute: one for the handshake, and one a bit later by
// which also its refusal is over.
type handshakeDeadlines struct {
	refusal time.Time // zero: no deadline
}

func (u *Upgrader) startDeadlines(nc net.Conn) handshakeDeadlines {
	timeout := u.timeout()
	if timeout == 0 {
		return handshakeDeadlines{}
	}
	now := time.Now()
	// A connection that has no deadlines fails when they are lifted.
	_ = nc.SetDeadline(now.Add(timeout))
	return handshakeDeadlines{refusal: now.Add(timeout + timeout/10)}
}

// timeout is how long a handshake may take; 0: for ever.
func (u *Upgrader) timeout() time.Duration {
	if u.Timeout == 0 {
		return defaultUpgradeTimeout
	}
	return min(max(u.Timeout, 0), longestTimeout)
}

// answer sends a refusal and closes nc. It waits a moment for the peer's end, so
// that the peer can read what we say.
func (d handshakeDeadlines) answer(nc net.Conn, e *HandshakeError) {
	if e.Status == 0 {
		return // there is nobody to talk to
	}
	now := time.Now()
	last := d.refusal
	if last.IsZero() {
		last = now.Add(answerTime)
	}
	if nc.SetDeadline(last) != nil {
		return
	}
	if _, err := nc.Write(appendRefusal(nil, e)); err != nil || e.Status == http.StatusRequestTimeout {
		return
	}
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	if soon := now.Add(lingerTime); soon.Before(last) && nc.SetDeadline(soon) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, nc, lingerBytes)
}

// appendRefusal appends the whole HTTP answer.
func appendRefusal(dst []byte, e *HandshakeError) []byte {
	header, body := e.answerHeader(), e.answerBody()
	dst = fmt.Appendf(dst, "HTTP/1.1 %d %s\r\n", e.Status, http.StatusText(e.Status))
	var lines strings.Builder
	_ = header.Write(&lines) // a Builder does not fail
	dst = append(dst, lines.String()...)
	dst = fmt.Appendf(dst, "Content-Length: %d\r\n", len(body))
	if e.Status == http.StatusUpgradeRequired {
		dst = append(dst, "Connection: Upgrade, close\r\n\r\n"...)
	} else {
		dst = append(dst, "Connection: close\r\n\r\n"...)
	}
	return append(dst, body...)
}

// answerHeader returns the header of a refusal: Header as far as it is legal and
// not about the connection, and what the status asks for.
func (e *HandshakeError) answerHeader() http.Header {
	h := make(http.Header, len(e.Header)+3)
	for name, values := range e.Header {
		name = http.CanonicalHeaderKey(name)
		if !isToken(name) || ownedHeaders[name] && name != "Upgrade" {
			continue
		}
		for _, v := range values {
			if isFieldValue(v) {
				h.Add(name, v)
			}
		}
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	if e.RetryAfter > 0 {
		h.Set("Retry-After", formatRetryAfter(e.RetryAfter))
	}
	return h
}

func (e *HandshakeError) answerBody() []byte {
	if e.Body != nil {
		return e.Body
	}
	return []byte(http.StatusText(e.Status) + "\n")
}

// plainOnTLS is what a client reads that speaks plain HTTP to us.
const plainOnTLS = "this port speaks TLS: use wss://"

// serverTLS does the TLS handshake if nc is a TLS connection, within nc's
// deadline. Who speaks plain HTTP there is told so in plain HTTP.
func serverTLS(nc net.Conn, d handshakeDeadlines) error {
	tc, ok := nc.(tlsConn)
	if !ok {
		return nil
	}
	err := tc.HandshakeContext(context.Background())
	if err == nil {
		return nil
	}
	var bad tls.RecordHeaderError
	if errors.As(err, &bad) && bad.Conn != nil && looksLikeHTTP(bad.RecordHeader[:]) {
		e := badRequest(plainOnTLS)
		d.answer(bad.Conn, e)
		return e
	}
	return &HandshakeError{Detail: "TLS", Err: err}
}

// looksLikeHTTP reports whether p begins as a request does.
func looksLikeHTTP(p []byte) bool {
	for _, c := range p {
		if (c < 'A' || c > 'Z') && c != ' ' && c != '/' {
			return false
		}
	}
	return true
}
