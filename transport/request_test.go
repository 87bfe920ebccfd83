package transport

import (
	"strings"
	"testing"
)

const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// goodRequest is the handshake that the malformed ones are made of.
const goodRequest = "GET /chat?token=hunter2 HTTP/1.1\r\n" +
	"Host: example.com\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: " + sampleKey + "\r\n" +
	"Sec-WebSocket-Version: 13\r\n"

// badHandshake is a request and how it is answered.
type badHandshake struct {
	name   string
	raw    string
	status int // of Upgrade
	// viaHTTP is the status of UpgradeHTTP where net/http hides or mends the
	// fault; 0: the same; -1: net/http answers it with something else.
	viaHTTP int
}

// badHandshakes is the list of facts on smuggling and malformed requests.
func badHandshakes() []badHandshake {
	line := func(l string) string {
		return strings.Replace(goodRequest, "GET /chat?token=hunter2 HTTP/1.1", l, 1) + "\r\n"
	}
	with := func(extra string) string { return goodRequest + extra + "\r\n" }
	swap := func(old, repl string) string {
		if !strings.Contains(goodRequest, old) {
			panic(old)
		}
		return strings.Replace(goodRequest, old, repl, 1) + "\r\n"
	}
	const host, key = "Host: example.com\r\n", "Sec-WebSocket-Key: " + sampleKey + "\r\n"
	return []badHandshake{
		// The first line.
		{name: "empty first line", raw: "\r\n" + goodRequest + "\r\n", status: 400},
		{name: "no version", raw: line("GET /"), status: 400},
		{name: "no target", raw: line("GET HTTP/1.1"), status: 400},
		{name: "two spaces", raw: line("GET  / HTTP/1.1"), status: 400},
		{name: "tab between", raw: line("GET\t/ HTTP/1.1"), status: 400},
		{name: "words behind", raw: line("GET / HTTP/1.1 x"), status: 400},
		{name: "method no token", raw: line("G(T / HTTP/1.1"), status: 400},
		{name: "version no number", raw: line("GET / HTTP/1.?"), status: 400},
		{name: "version too long", raw: line("GET / HTTP/1.10"), status: 400},
		{name: "version in small letters", raw: line("GET / http/1.1"), status: 400},
		{name: "HTTP/0.9", raw: line("GET / HTTP/0.9"), status: 505},
		{name: "HTTP/1.0", raw: line("GET / HTTP/1.0"), status: 505},
		{name: "HTTP/2.0", raw: line("GET / HTTP/2.0"), status: 505},
		{name: "POST", raw: line("POST / HTTP/1.1"), status: 405},
		{name: "OPTIONS *", raw: line("OPTIONS * HTTP/1.1"), status: 405, viaHTTP: -1},
		{name: "absolute form", raw: line("GET http://example.com/ HTTP/1.1"), status: 400},
		{name: "target without slash", raw: line("GET chat HTTP/1.1"), status: 400},
		{name: "target *", raw: line("GET * HTTP/1.1"), status: 400},
		{name: "control character in target", raw: line("GET /\x01 HTTP/1.1"), status: 400},
		{name: "target not ASCII", raw: line("GET /\xc3\xbc HTTP/1.1"), status: 400},
		{name: "fragment in target", raw: line("GET /#x HTTP/1.1"), status: 400},
		{name: "bad escape in target", raw: line("GET /%zz HTTP/1.1"), status: 400},
		// The syntax of the header.
		{name: "bare LF", raw: swap(host, "Host: example.com\n"), status: 400, viaHTTP: 101},
		{name: "bare LF at the end", raw: goodRequest + "\n", status: 400, viaHTTP: 101},
		{name: "folded line", raw: with("X: a\r\n b\r\n"), status: 400, viaHTTP: 101},
		{name: "folded first line", raw: line("GET / HTTP/1.1\r\n X: a"), status: 400},
		{name: "space before colon", raw: swap("Host:", "Host :"), status: 400},
		{name: "no colon", raw: with("X\r\n"), status: 400},
		{name: "empty name", raw: with(": x\r\n"), status: 400},
		{name: "name no token", raw: with("X(y): x\r\n"), status: 400},
		{name: "name not ASCII", raw: with("X\xfc: x\r\n"), status: 400},
		{name: "NUL in value", raw: with("X: a\x00b\r\n"), status: 400},
		{name: "CR in value", raw: with("X: a\rb\r\n"), status: 400},
		{name: "control character in value", raw: with("X: a\x01b\r\n"), status: 400},
		{name: "DEL in value", raw: with("X: a\x7fb\r\n"), status: 400},
		// The host.
		{name: "no Host", raw: swap(host, ""), status: 400},
		{name: "empty Host", raw: swap(host, "Host:\r\n"), status: 400},
		{name: "two Hosts", raw: with("Host: evil.com\r\n"), status: 400},
		{name: "two equal Hosts", raw: with(host), status: 400},
		{name: "list of Hosts", raw: swap(host, "Host: example.com, evil.com\r\n"), status: 400},
		{name: "user in Host", raw: swap(host, "Host: example.com@evil.com\r\n"), status: 400},
		{name: "path in Host", raw: swap(host, "Host: example.com/x\r\n"), status: 400},
		// A body.
		{name: "Content-Length", raw: with("Content-Length: 5\r\n"), status: 400},
		{name: "Content-Length 0", raw: with("Content-Length: 0\r\n"), status: 400},
		{name: "Transfer-Encoding", raw: with("Transfer-Encoding: chunked\r\n"), status: 400},
		{name: "both", raw: with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), status: 400},
		{name: "unknown Transfer-Encoding", raw: with("Transfer-Encoding: x\r\n"), status: 400, viaHTTP: 501},
		// The handshake.
		{name: "no Upgrade", raw: swap("Upgrade: websocket\r\n", ""), status: 426},
		{name: "other Upgrade", raw: swap("Upgrade: websocket", "Upgrade: h2c"), status: 426},
		{name: "no Connection", raw: swap("Connection: Upgrade\r\n", ""), status: 426},
		{name: "other Connection", raw: swap("Connection: Upgrade", "Connection: keep-alive"), status: 426},
		{name: "no version of WebSocket", raw: swap("Sec-WebSocket-Version: 13\r\n", ""), status: 426},
		{name: "old version of WebSocket", raw: swap("Version: 13", "Version: 8"), status: 426},
		{name: "list of versions", raw: swap("Version: 13", "Version: 13, 8"), status: 426},
		{name: "two versions", raw: with("Sec-WebSocket-Version: 13\r\n"), status: 400},
		{name: "no key", raw: swap(key, ""), status: 400},
		{name: "two keys", raw: with(key), status: 400},
		{name: "short key", raw: swap(sampleKey, "dGhlIHNhbXBsZQ=="), status: 400},
		{name: "key of 18 bytes", raw: swap(sampleKey, "dGhlIHNhbXBsZSBub25jZSEh"), status: 400},
		{name: "key not base64", raw: swap(sampleKey, "dGhlIHNhbXBsZSBub25jZ!=="), status: 400},
		{name: "subprotocol no token", raw: with("Sec-WebSocket-Protocol: a b\r\n"), status: 400},
		{name: "subprotocol not ASCII", raw: with("Sec-WebSocket-Protocol: \xfc\r\n"), status: 400},
		{name: "two Origins", raw: with("Origin: http://example.com\r\nOrigin: http://example.com\r\n"), status: 400},
		{name: "foreign Origin", raw: with("Origin: http://evil.com\r\n"), status: 403},
		{name: "opaque Origin", raw: with("Origin: null\r\n"), status: 403},
		// The limits.
		{name: "too many lines", raw: with(strings.Repeat("X: y\r\n", 60)), status: 431},
		{name: "too big a line", raw: with("X: " + strings.Repeat("y", 8<<10) + "\r\n"), status: 431},
		{name: "too many bytes", raw: with(strings.Repeat("X: "+strings.Repeat("y", 200)+"\r\n", 45)), status: 431},
	}
}

func TestRequestIsTheSameOnBothWaysIn(t *testing.T) {
	const extra = "Origin: http://example.com\r\n" +
		"Sec-WebSocket-Protocol: chat, , mqtt\r\nSec-WebSocket-Protocol: chat,v2\r\n" +
		"X-Own: 1\r\nx-own: 2\r\n"
	raw := strings.Replace(goodRequest, "/chat?token=hunter2", "/a%2Fb/../c?token=hunter2&x", 1) + extra + "\r\n"
	for name, up := range waysIn {
		t.Run(name, func(t *testing.T) {
			var got *Request
			u := &Upgrader{Authorize: func(r *Request) error { got = r; return nil }}
			resp, _, _ := up(t, u, raw)
			if resp.StatusCode != 101 || got == nil {
				t.Fatal(resp.Status)
			}
			if got.URI != "/a%2Fb/../c?token=hunter2&x" || got.Path != "/a/b/../c" || got.RawQuery != "token=hunter2&x" {
				t.Errorf("target: %q %q %q", got.URI, got.Path, got.RawQuery)
			}
			if got.Host != "example.com" || got.Origin != "http://example.com" || got.Header["Host"] != nil {
				t.Errorf("host %q, origin %q", got.Host, got.Origin)
			}
			if strings.Join(got.Subprotocols, "|") != "chat|mqtt|v2" || strings.Join(got.Header["X-Own"], "|") != "1|2" {
				t.Errorf("subprotocols %q, header %v", got.Subprotocols, got.Header)
			}
			if got.RemoteAddr == nil || got.Context == nil || got.TLS != nil {
				t.Errorf("address %v, context %v, TLS %v", got.RemoteAddr, got.Context, got.TLS)
			}
		})
	}
}
