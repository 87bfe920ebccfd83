package transport

import (
	"bytes"
	"context"
	"crypto/tls"
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

// extensions is the value of Sec-WebSocket-Extensions, or "".
func (t terms) extensions() string {
	if t.deflate == nil {
		return ""
	}
	return t.deflate.String()
}

func (u *Upgrader) newConn(nc net.Conn, leftover []byte, agreed terms) *Conn {
	o := ConnOptions{
		Server: true, Poller: u.Poller, Leftover: leftover, Subprotocol: agreed.subprotocol,
		deflate: newDeflation(true, u.Compression, agreed.deflate),
	}
	if u.Limits != (Limits{}) {
		l := u.Limits.withDefaults(DefaultServerMaxMessage)
		o.Limits = &l
	}
	return NewConn(nc, o)
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
	method, uri, bad := parseRequestLine(line)
	if bad != nil {
		return nil, bad
	}
	r := &Request{Header: header, RemoteAddr: nc.RemoteAddr(), Context: context.Background()}
	if bad := r.setURI(uri); bad != nil && method == http.MethodGet {
		return nil, bad
	}
	if hosts := header["Host"]; len(hosts) == 1 {
		r.Host = hosts[0]
	}
	delete(header, "Host")
	if tc, ok := nc.(tlsConn); ok {
		state := tc.ConnectionState()
		r.TLS = &state
	}
	return r, r.checkHandshake(method)
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
	defer func() {
		if v := recover(); v != nil {
			err := &PanicError{Value: v, Stack: debug.Stack()}
			refusal = &HandshakeError{Status: http.StatusInternalServerError, Detail: "CheckOrigin or Authorize", Err: err}
		}
	}()
	if err := u.Check(); err != nil {
		return terms{}, &HandshakeError{Status: http.StatusInternalServerError, Detail: "Upgrader", Err: err}
	}
	allowed := u.CheckOrigin
	if allowed == nil {
		allowed = SameHost
	}
	if !allowed(r) {
		return terms{}, refuse(http.StatusForbidden, "origin not allowed")
	}
	if u.Authorize != nil {
		if err := u.Authorize(r); err != nil {
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
	answer, err := switchProtocols(r.key(), agreed, u.Header)
	if err == nil {
		_, err = nc.Write(answer)
	}
	if err != nil {
		return &HandshakeError{Detail: "the answer could not be written", Err: err}
	}
	return nil
}

// switchProtocols lets gobwas make the 101. It gets a request of our own making
// that says what we understood, so that nothing can be understood differently.
func switchProtocols(key string, agreed terms, header http.Header) ([]byte, error) {
	var in, out bytes.Buffer
	in.WriteString("GET / HTTP/1.1\r\nHost: -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n")
	if agreed.subprotocol != "" {
		in.WriteString("Sec-WebSocket-Protocol: " + agreed.subprotocol + "\r\n")
	}
	in.Write(crlf)
	upgrader := ws.Upgrader{
		Protocol: func([]byte) bool { return true },
		Header:   handshakeHeader(header, agreed.extensions()),
	}
	_, err := upgrader.Upgrade(struct {
		io.Reader
		io.Writer
	}{&in, &out})
	return out.Bytes(), err
}

// handshakeHeader is what gobwas writes behind its own lines: the extensions,
// which it would parse and choose in its own way, and the user's.
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
