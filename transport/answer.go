package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

const (
	// maxInterim is how many 1xx answers may come before the real one.
	maxInterim = 8
	// maxBody is how much of the body of a refusal is kept.
	maxBody = 4 << 10
	// maxRawBody is how much is read for it: the chunked coding can need more.
	maxRawBody = 32 << 10
	// bodyPatience is how long it may take. The status is known; nobody should
	// wait long for its explanation.
	bodyPatience = time.Second
)

// answer is what comes back when we ask for an upgrade or a tunnel.
type answer struct {
	nc      net.Conn
	h       *headReader
	version string // "HTTP/1.1"
	status  int
	header  http.Header
	head    []byte // as it came; valid until h is released

	subprotocol string
	compression Compression    // what was offered
	deflate     *deflateParams // what the server agreed to
}

func (d *Dialer) newAnswer(nc net.Conn) *answer {
	h := newHeadReader(d.MaxHeaderBytes, d.MaxHeaders)
	h.prefix = "HTTP/"
	return &answer{nc: nc, h: h, compression: d.Compression}
}

// read reads the status line and header of the first answer that is no interim
// one (RFC 9110 §15.2). All together share the limit of one.
func (a *answer) read() error {
	for range maxInterim {
		head, err := a.h.next(a.nc)
		if err != nil {
			return err
		}
		line, header, err := parseHead(head)
		if err != nil {
			return err
		}
		if err := a.setStatus(line); err != nil {
			return err
		}
		a.head, a.header = head, header
		if a.status >= 200 || a.status == http.StatusSwitchingProtocols {
			return nil
		}
	}
	return errors.New("too many interim answers")
}

var errStatusLine = errors.New("malformed status line")

func (a *answer) setStatus(line string) error {
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	if !isHTTPVersion(version) || version[5] != '1' || len(code) != 3 || !isDigits(code) || code < "100" {
		return errStatusLine
	}
	a.version = version
	a.status, _ = strconv.Atoi(code)
	return nil
}

// handshake asks for the upgrade over nc and checks the answer. gobwas writes
// the request and checks what it must check; before, we read the answer within
// our limits and refuse what it would let through.
func (d *Dialer) handshake(ctx context.Context, nc net.Conn, u *url.URL) (*answer, error) {
	a := d.newAnswer(nc)
	host := d.Host
	if host == "" {
		host = hostHeader(u)
	}
	offer := ""
	if d.Compression.Enabled {
		offer = d.Compression.offer()
	}
	dialer := ws.Dialer{Host: host, Protocols: d.Subprotocols, Header: handshakeHeader(d.Header, offer)}
	exchange := &upgradeExchange{a: a}
	_, hs, err := dialer.Upgrade(exchange, u)
	a.subprotocol = hs.Protocol
	switch {
	case exchange.err != nil:
		return a, a.unreadable(ctx, exchange.err, u)
	case a.status != 0 && a.status != http.StatusSwitchingProtocols:
		return a, a.refused(ctx, u)
	case err != nil:
		return a, &HandshakeError{Header: a.header, Detail: "the server's answer is no WebSocket handshake", Err: because(ctx, err)}
	}
	return a, nil
}

// upgradeExchange is the connection as gobwas sees it: what it writes goes out,
// what it reads is the answer after our checks.
type upgradeExchange struct {
	a   *answer
	in  *bytes.Reader
	err error
}

func (x *upgradeExchange) Write(p []byte) (int, error) {
	n, err := x.a.nc.Write(p)
	if err != nil {
		x.err = err
	}
	return n, err
}

func (x *upgradeExchange) Read(p []byte) (int, error) {
	if x.in == nil {
		if x.err = x.a.read(); x.err != nil {
			return 0, x.err
		}
		if x.a.status != http.StatusSwitchingProtocols {
			return 0, ws.StatusError(x.a.status)
		}
		if err := x.a.checkSwitch(); err != nil {
			return 0, err
		}
		x.in = bytes.NewReader(x.a.plain())
	}
	return x.in.Read(p)
}

// checkSwitch checks what gobwas does not.
func (a *answer) checkSwitch() error {
	h := a.header
	switch {
	case a.version != "HTTP/1.1":
		return errors.New("a 101 must be HTTP/1.1")
	case len(h["Transfer-Encoding"]) > 0 || len(h["Content-Length"]) > 0 && h.Get("Content-Length") != "0":
		return errors.New("a 101 has no body")
	case !listHas(h["Upgrade"], "websocket"):
		return errors.New("the answer upgrades to something else")
	case !listHas(h["Connection"], "upgrade"):
		return errors.New("the answer's Connection does not name Upgrade")
	case len(h["Sec-Websocket-Accept"]) != 1:
		return errors.New("there must be one Sec-WebSocket-Accept")
	case len(h["Sec-Websocket-Extensions"]) > 0 && !a.compression.Enabled:
		return errors.New("an extension that nobody asked for")
	case len(h["Sec-Websocket-Protocol"]) > 1:
		return errors.New("more than one subprotocol")
	}
	var err error
	a.deflate, err = a.compression.accept(h["Sec-Websocket-Extensions"])
	return err
}

// plain writes down what we understood, for gobwas. It takes Connection and
// Upgrade only if they hold one token, which RFC 6455 §4.1 does not ask for.
func (a *answer) plain() []byte {
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
	for _, name := range [...]string{"Sec-Websocket-Accept", "Sec-Websocket-Protocol"} {
		for _, v := range a.header[name] {
			b.WriteString(name + ": " + v + "\r\n")
		}
	}
	b.Write(crlf)
	return b.Bytes()
}

// unreadable says what came instead of an answer.
func (a *answer) unreadable(ctx context.Context, err error, u *url.URL) error {
	e := &HandshakeError{Err: because(ctx, err)}
	var fault *headFault
	switch {
	case ctx.Err() != nil:
		e.Detail = "no whole answer in time"
	case errors.Is(err, errNotHTTP):
		e.Detail, e.Err = notHTTP(a.h.bytes()[a.h.start:]), nil
	case errors.As(err, &fault), errors.Is(err, errStatusLine):
		e.Detail = "malformed answer"
	case errors.Is(err, io.EOF) && u.Scheme == "ws":
		e.Detail = "the server closed without an answer (as a TLS port may: then use wss://)"
	case errors.Is(err, io.EOF):
		e.Detail = "the server closed without an answer"
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Detail = "the answer ends in its header"
	default:
		e.Detail = "no answer"
	}
	return e
}

// notHTTP describes an answer by its first bytes. It quotes few of them: an echo
// server sends our own request back, with all its secrets.
func notHTTP(p []byte) string {
	const tlsAlert, tlsHandshake, tlsMajor = 0x15, 0x16, 0x03
	if len(p) > 1 && (p[0] == tlsAlert || p[0] == tlsHandshake) && p[1] == tlsMajor || len(p) == 1 && p[0] == tlsAlert {
		return "the server speaks TLS on this port: use wss://"
	}
	if p[0] == '<' {
		return "the answer is a page without an HTTP header"
	}
	return "the answer is not HTTP: it begins with " + strconv.Quote(string(p[:min(len(p), 4)]))
}

// refused makes the error of an answer that is not 101.
func (a *answer) refused(ctx context.Context, u *url.URL) *HandshakeError {
	e := &HandshakeError{
		Status:     a.status,
		RetryAfter: retryAfter(a.header, time.Now()),
		Header:     a.header,
		Body:       a.body(),
		Err:        context.Cause(ctx),
	}
	isPage := strings.HasPrefix(strings.ToLower(a.header.Get("Content-Type")), "text/html")
	switch {
	case a.status == http.StatusBadRequest && u.Scheme == "ws" && mentionsTLS(e.Body):
		e.Detail = "the server speaks TLS on this port: use wss://"
	case a.status >= 300 && a.status < 400:
		e.Detail = "redirects are not followed: dial the address that Header names, if you trust it"
	case a.status < 300 && isPage:
		e.Detail = "the server answered with a page, not a WebSocket: is the URL's path right?"
	case a.status < 300:
		e.Detail = "the server did not switch to WebSocket: is the URL's path right?"
	}
	return e
}

// mentionsTLS knows what net/http, nginx and Apache tell plain clients.
func mentionsTLS(body []byte) bool {
	return bytes.Contains(body, []byte("HTTPS")) || bytes.Contains(body, []byte("SSL-enabled")) ||
		bytes.Contains(body, []byte("speaks TLS"))
}

// body reads the start of the body, as much as comes soon.
func (a *answer) body() []byte {
	rest := a.h.rest()
	if a.nc.SetReadDeadline(time.Now().Add(bodyPatience)) != nil {
		return nil
	}
	raw := io.LimitReader(io.MultiReader(bytes.NewReader(rest), a.nc), maxRawBody)
	br := bufio.NewReader(io.MultiReader(bytes.NewReader(a.head), raw))
	resp, err := http.ReadResponse(br, &http.Request{Method: http.MethodGet})
	if err != nil {
		return nil
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody)) // an error: it is shorter
	return body
}
