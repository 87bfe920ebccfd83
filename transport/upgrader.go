package transport

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 §4.2.2
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gobwas/ws"
)

// defaultUpgradeTimeout is how long a client may take for its handshake.
const defaultUpgradeTimeout = 5 * time.Second

// Upgrader answers opening handshakes (RFC 6455 §4.2). The zero value is the
// good default. It may be copied before use and must not change while in use;
// its methods may be called from many goroutines.
type Upgrader struct {
	// Timeout is how long Upgrade may take from its call to the last byte of the
	// answer, TLS included, however the bytes trickle. A refusal gets a tenth
	// more to go out. With UpgradeHTTP the request has been read already, so set
	// http.Server.ReadHeaderTimeout; Timeout then bounds the answer. Authorize
	// and CheckOrigin count but are not interrupted. Default 5 s; negative: none.
	Timeout time.Duration
	// Subprotocols are those that we speak, the best first: the first that the
	// client offers is chosen. If none fits, the connection has none
	// (RFC 6455 §4.2.2). Default: none.
	Subprotocols []string
	// CheckOrigin says whether the page that a browser shows may connect
	// (RFC 6455 §10.2). False, and a panic, refuse. Default: SameHost.
	CheckOrigin func(*Request) bool
	// Header goes into the answer that accepts. It must not set what the
	// handshake sets.
	Header http.Header
	// Authorize has the last word on a request that is otherwise good. A
	// *HandshakeError is answered with its Status (300–599), Header, RetryAfter
	// and Body; any other error with 403, and its text does not go out. A panic
	// refuses with 500. Default: everybody.
	Authorize func(*Request) error
	// Limits bound what a client may send. Default: see Limits.
	Limits Limits
	// Compression is accepted where it is offered (RFC 7692). Default: not.
	Compression Compression
	// Poller watches the connections. Default nil: a goroutine for each.
	Poller *Poller
	// MaxHeaderBytes is the longest request header. Default, also for negative
	// values: 8 KiB.
	MaxHeaderBytes int
	// MaxHeaders is how many lines it may have. Default, also for negative
	// values: 64.
	MaxHeaders int
}

// Check reports what of the settings could not be used for any answer. Who does not
// ask finds out at the first handshake, which is refused with 500.
func (u *Upgrader) Check() error {
	return errors.Join(checkHeader(u.Header), checkSubprotocols(u.Subprotocols), u.Compression.check())
}

// PanicError is a panic of a function that the user gave us.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the panic's value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Upgrade reads a handshake from nc, which has just been accepted, and answers
// it. It owns nc from the call on: when it fails, it has answered with a status
// as far as that was possible, and nc is closed. The Request is not nil when it
// could be read, also beside an error. Errors are *HandshakeError.
//
// To end it early, close nc.
func (u *Upgrader) Upgrade(nc net.Conn) (*Conn, *Request, error) {
	done := false
	defer func() {
		if !done { // also when Authorize ends the goroutine
			_ = nc.Close()
		}
	}()
	d := u.startDeadlines(nc)
	if err := serverTLS(nc, d); err != nil {
		return nil, nil, err
	}
	h := newHeadReader(u.MaxHeaderBytes, u.MaxHeaders)
	defer h.release()
	r, refusal := readRequest(nc, h)
	var agreed terms
	if refusal == nil {
		agreed, refusal = u.decide(r)
	}
	if refusal != nil {
		d.answer(nc, refusal)
		return nil, r, refusal
	}
	if err := u.accept(nc, r, agreed); err != nil {
		return nil, r, err
	}
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return nil, r, &HandshakeError{Detail: "the deadline cannot be lifted", Err: err}
	}
	done = true
	return u.newConn(nc, h.rest(), agreed), r, nil
}

// terms are what a handshake agrees on.
type terms struct {
	subprotocol string
	deflate     *deflateParams // nil: no compression
}

func (u *Upgrader) newConn(nc net.Conn, leftover []byte, agreed terms) *Conn {
	return NewConn(nc, u.connOptions(leftover, agreed))
}

func (u *Upgrader) connOptions(leftover []byte, agreed terms) ConnOptions {
	return ConnOptions{
		Server: true, Poller: u.Poller, Leftover: leftover, Subprotocol: agreed.subprotocol,
		deflate: newDeflation(true, u.Compression, agreed.deflate),
		Limits:  shared(u.Limits.withDefaults(DefaultServerMaxMessage)),
	}
}

// readRequest reads the request and checks what can be checked without knowing
// what the server wants.
func readRequest(nc net.Conn, h *headReader) (*Request, *HandshakeError) {
	head, err := h.next(nc)
	if err != nil {
		return nil, unreadable(err)
	}
	line, header, err := parseHead(head)
	if err != nil {
		return nil, unreadable(err)
	}
	r := &Request{Header: header, RemoteAddr: nc.RemoteAddr(), Context: context.Background()}
	if tc, ok := nc.(tlsConn); ok {
		state := tc.ConnectionState()
		r.TLS = &state
	}
	if bad := r.parse(line); bad != nil {
		return r.orNil(), bad
	}
	return r, nil
}

// orNil returns r if it is worth looking at: its first line could be read.
func (r *Request) orNil() *Request {
	if r.URI == "" {
		return nil
	}
	return r
}

// parse takes the first line of the request apart, and checks it and the header.
func (r *Request) parse(line string) *HandshakeError {
	method, uri, bad := parseRequestLine(line)
	if bad != nil {
		return bad
	}
	if bad := r.setURI(uri); bad != nil && method == http.MethodGet {
		return bad
	}
	if hosts := r.Header["Host"]; len(hosts) == 1 {
		r.Host = hosts[0]
	}
	delete(r.Header, "Host")
	return r.checkHandshake(method)
}

// unreadable says what to answer when no whole, clean header came.
func unreadable(err error) *HandshakeError {
	var fault *headFault
	switch {
	case errors.As(err, &fault):
		return refuse(fault.status, fault.detail)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "the handshake took too long")
	case err == io.ErrUnexpectedEOF:
		return badRequest("the request ends in its header")
	case err == io.EOF:
		return &HandshakeError{Detail: "the peer left without a request", Err: err}
	}
	return &HandshakeError{Detail: "the request could not be read", Err: err}
}

// decide asks the user's functions about a good request.
func (u *Upgrader) decide(r *Request) (agreed terms, refusal *HandshakeError) {
	if err := u.Check(); err != nil {
		return terms{}, &HandshakeError{Status: http.StatusInternalServerError, Detail: "Upgrader", Err: err}
	}
	return u.judge(r, u.Authorize)
}

// judge is decide for an Upgrader that has been checked.
func (u *Upgrader) judge(r *Request, authorize func(*Request) error) (agreed terms, refusal *HandshakeError) {
	defer func() {
		if v := recover(); v != nil {
			err := &PanicError{Value: v, Stack: debug.Stack()}
			refusal = &HandshakeError{Status: http.StatusInternalServerError, Detail: "CheckOrigin or Authorize", Err: err}
		}
	}()
	allowed := u.CheckOrigin
	if allowed == nil {
		allowed = SameHost
	}
	if !allowed(r) {
		return terms{}, refuse(http.StatusForbidden, "origin not allowed")
	}
	if authorize != nil {
		if err := authorize(r); err != nil {
			return terms{}, notAuthorized(err)
		}
	}
	for _, p := range u.Subprotocols {
		if slices.Contains(r.Subprotocols, p) {
			agreed.subprotocol = p
			break
		}
	}
	agreed.deflate = u.Compression.answer(r.Header["Sec-Websocket-Extensions"])
	return agreed, nil
}

// notAuthorized makes a refusal of what Authorize returned.
func notAuthorized(err error) *HandshakeError {
	var e *HandshakeError
	if !errors.As(err, &e) || e == nil || e.Status < 300 || e.Status > 599 {
		return &HandshakeError{Status: http.StatusForbidden, Detail: "not authorized", Err: err}
	}
	own := *e // it may be shared between requests
	return &own
}

// accept writes the answer that switches protocols, in one write.
func (u *Upgrader) accept(nc net.Conn, r *Request, agreed terms) error {
	answer := NewBuffer(512)
	defer answer.Release()
	answer.B = switchProtocols(answer.B, r.key(), agreed, u.Header)
	if _, err := nc.Write(answer.B); err != nil {
		return &HandshakeError{Detail: "the answer could not be written", Err: err}
	}
	return nil
}

// acceptGUID is what the answer to a key is made with (RFC 6455 §1.3).
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// switchProtocols appends the 101 (RFC 6455 §4.2.2).
func switchProtocols(dst []byte, key string, agreed terms, header http.Header) []byte {
	const keySize = 24 // isKey
	var salted [keySize + len(acceptGUID)]byte
	copy(salted[copy(salted[:], key):], acceptGUID)
	sum := sha1.Sum(salted[:]) //nolint:gosec // RFC 6455 asks for it
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = append(base64.StdEncoding.AppendEncode(dst, sum[:]), crlf...)
	if agreed.subprotocol != "" {
		dst = append(append(append(dst, "Sec-WebSocket-Protocol: "...), agreed.subprotocol...), crlf...)
	}
	if agreed.deflate != nil {
		dst = append(append(append(dst, "Sec-WebSocket-Extensions: "...), agreed.deflate.String()...), crlf...)
	}
	if len(header) > 0 {
		var lines bytes.Buffer
		_ = header.Write(&lines) // a Buffer does not fail
		dst = append(dst, lines.Bytes()...)
	}
	return append(dst, crlf...)
}

// handshakeHeader is what gobwas writes behind its own lines of a request: the
// extensions, which it would parse and choose in its own way, and the user's.
func handshakeHeader(user http.Header, extensions string) ws.HandshakeHeader {
	if len(user) == 0 && extensions == "" {
		return nil
	}
	return ws.HandshakeHeaderFunc(func(w io.Writer) (int64, error) {
		if extensions != "" {
			if _, err := io.WriteString(w, "Sec-WebSocket-Extensions: "+extensions+"\r\n"); err != nil {
				return 0, err
			}
		}
		return ws.HandshakeHeaderHTTP(user).WriteTo(w)
	})
}

// tlsConn is a *tls.Conn, or what embeds one.
type tlsConn interface {
	ConnectionState() tls.ConnectionState
	HandshakeContext(context.Context) error
}
