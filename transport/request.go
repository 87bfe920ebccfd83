package transport

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Request is the opening handshake that a client sent (RFC 6455 §4.1). It is the
// same on both ways in. Nothing of it is vouched for: a client that is no
// browser writes what it likes.
type Request struct {
	// URI is the request target as it was sent. It always begins with "/".
	URI string
	// Path is its path, decoded but not cleaned: it may hold "..".
	Path string
	// RawQuery is its query without "?", not decoded. It often holds tokens.
	RawQuery string
	// Host is the Host header: a name or an address, maybe a port.
	Host string
	// Origin is the Origin header: the page that a browser shows. Empty if the
	// client is no browser.
	Origin string
	// Header is the rest of the header, without Host. Names are canonical
	// ("Sec-Websocket-Key").
	Header http.Header
	// Subprotocols are those that the client offers, the best first.
	Subprotocols []string
	// RemoteAddr is the peer: the client, or a proxy in front of us.
	RemoteAddr net.Addr
	// TLS is the state of the TLS connection; nil if there is none here.
	TLS *tls.ConnectionState
	// Context is the context of the HTTP request, which ends when its handler
	// returns; on a raw connection it never ends.
	Context context.Context

	pathValue func(name string) string // nil on a raw connection
}

// PathValue returns what stood in the path for a wildcard of the pattern by which
// http.ServeMux chose the handler, as http.Request.PathValue does; "" for other
// names and on a raw connection, where there was no pattern.
func (r *Request) PathValue(name string) string {
	if r.pathValue == nil {
		return ""
	}
	return r.pathValue(name)
}

// refuse makes the error of a request that is refused. The peer reads the
// detail, so nothing that it sent may stand there.
func refuse(status int, detail string) *HandshakeError {
	return &HandshakeError{Status: status, Detail: detail, Body: []byte(detail + "\n")}
}

func badRequest(detail string) *HandshakeError { return refuse(http.StatusBadRequest, detail) }

// upgradeRequired refuses what is no WebSocket handshake of a version that we
// know (RFC 6455 §4.4, RFC 9110 §15.5.22).
func upgradeRequired(detail string) *HandshakeError {
	e := refuse(http.StatusUpgradeRequired, detail)
	e.Header = http.Header{
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
	}
	return e
}

// parseRequestLine checks and splits the first line (RFC 9112 §3). The absolute
// form of a target is refused, though RFC 6455 §4.2.1 allows it: clients do not
// send it, and a second host in the request is what smuggling needs.
func parseRequestLine(line string) (method, uri string, bad *HandshakeError) {
	method, rest, _ := strings.Cut(line, " ")
	uri, version, ok := strings.Cut(rest, " ")
	switch {
	case !ok || !isToken(method) || !isHTTPVersion(version):
		return "", "", badRequest("malformed request line")
	case version != "HTTP/1.1":
		return "", "", refuse(http.StatusHTTPVersionNotSupported, "WebSocket needs HTTP/1.1")
	}
	return method, uri, nil
}

func isHTTPVersion(s string) bool {
	return len(s) == 8 && s[:5] == "HTTP/" && isDigits(s[5:6]) && s[6] == '.' && isDigits(s[7:])
}

// setURI checks the request target and takes it apart.
func (r *Request) setURI(uri string) *HandshakeError {
	if uri == "" || uri[0] != '/' {
		return badRequest("the request target must be a path")
	}
	for i := range len(uri) {
		if c := uri[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return badRequest("the request target has a character that must be escaped")
		}
	}
	if isPlainPath(uri) {
		r.URI, r.Path = uri, uri
		return nil
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return badRequest("malformed request target")
	}
	r.URI, r.Path, r.RawQuery = uri, u.Path, u.RawQuery
	return nil
}

// isPlainPath reports whether a target is nothing but a path of letters that mean
// themselves, for which url.ParseRequestURI has no work.
func isPlainPath(uri string) bool {
	if len(uri) > 1 && uri[1] == '/' {
		return false // it could be an authority
	}
	for i := range len(uri) {
		switch c := uri[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '/', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// checkHandshake checks everything but the line and syntax of the header. The
// order is: is it a request that everybody reads alike, is it a handshake, is
// it one of ours. It sets Origin and Subprotocols.
func (r *Request) checkHandshake(method string) *HandshakeError {
	if method != http.MethodGet {
		e := refuse(http.StatusMethodNotAllowed, "the method must be GET")
		e.Header = http.Header{"Allow": {http.MethodGet}}
		return e
	}
	if !isHostHeader(r.Host) {
		return badRequest("Host must be one host, maybe with a port")
	}
	if len(r.Header["Content-Length"]) > 0 || len(r.Header["Transfer-Encoding"]) > 0 {
		return badRequest("a handshake has no body")
	}
	for _, name := range [...]string{"Origin", "Sec-Websocket-Key", "Sec-Websocket-Version"} {
		if len(r.Header[name]) > 1 {
			return badRequest(name + " must not be repeated")
		}
	}
	if !listHas(r.Header["Upgrade"], "websocket") || !listHas(r.Header["Connection"], "upgrade") {
		return upgradeRequired("this is a WebSocket: Upgrade must be websocket and Connection must name it")
	}
	if r.Header.Get("Sec-Websocket-Version") != "13" {
		return upgradeRequired("Sec-WebSocket-Version must be 13")
	}
	if !isKey(r.key()) {
		return badRequest("Sec-WebSocket-Key must be 16 bytes in base64")
	}
	r.Origin = r.Header.Get("Origin")
	return r.setSubprotocols()
}

// key returns Sec-WebSocket-Key.
func (r *Request) key() string { return r.Header.Get("Sec-Websocket-Key") }

// isKey reports whether s is a nonce of RFC 6455 §4.1.
func isKey(s string) bool {
	if len(s) != 24 {
		return false
	}
	var nonce [18]byte // room for what 24 letters could decode to
	n, err := base64.StdEncoding.Decode(nonce[:], []byte(s))
	return err == nil && n == 16
}

// setSubprotocols reads Sec-WebSocket-Protocol: tokens, each once, on one line or
// more (RFC 6455 §11.3.4).
func (r *Request) setSubprotocols() *HandshakeError {
	for p := range listItems(r.Header["Sec-Websocket-Protocol"]) {
		if !isToken(p) {
			return badRequest("Sec-WebSocket-Protocol is not a list of tokens")
		}
		if !slices.Contains(r.Subprotocols, p) {
			r.Subprotocols = append(r.Subprotocols, p)
		}
	}
	return nil
}
