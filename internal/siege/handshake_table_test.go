//go:build linux

package siege

import "strings"

// badRequest is a request that must never be answered with 101.
type badRequest struct {
	name   string
	raw    string
	status int
	// hidden: net/http reads it as a good request and does not show us what was
	// wrong; this row is for Serve alone.
	hidden bool
	// web is the status that net/http gives before we are asked; 0: as status.
	web int
}

const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// badRequests are what smugglers and broken clients send.
func badRequests() []badRequest {
	all := append(badLines(), badHeaders()...)
	return append(all, badHandshakes()...)
}

func goodLines() string { return strings.TrimSuffix(request("/?token=hunter2"), "\r\n") }

// with is a good request with more at the end of its header.
func with(extra string) string { return goodLines() + extra + "\r\n" }

// swap is a good request of which one part is another.
func swap(old, repl string) string {
	if !strings.Contains(goodLines(), old) {
		panic(old)
	}
	return strings.Replace(goodLines(), old, repl, 1) + "\r\n"
}

// line is a good request with another first line.
func line(l string) string { return swap("GET /?token=hunter2 HTTP/1.1", l) }

func badLines() []badRequest {
	return []badRequest{
		{name: "empty first line", raw: "\r\n" + with(""), status: 400},
		{name: "no version", raw: line("GET /"), status: 400},
		{name: "no target", raw: line("GET HTTP/1.1"), status: 400},
		{name: "two spaces", raw: line("GET  / HTTP/1.1"), status: 400},
		{name: "tab between", raw: line("GET\t/ HTTP/1.1"), status: 400},
		{name: "words behind", raw: line("GET / HTTP/1.1 x"), status: 400},
		{name: "method no token", raw: line("G(T / HTTP/1.1"), status: 400},
		{name: "version no number", raw: line("GET / HTTP/1.?"), status: 400},
		{name: "version too long", raw: line("GET / HTTP/1.10"), status: 400},
		{name: "version in small letters", raw: line("GET / http/1.1"), status: 400},
		{name: "HTTP/1.0", raw: line("GET / HTTP/1.0"), status: 505},
		{name: "HTTP/2.0", raw: line("GET / HTTP/2.0"), status: 505},
		{name: "HTTP/2 preface", raw: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 505},
		{name: "POST", raw: line("POST / HTTP/1.1"), status: 405},
		{name: "CONNECT", raw: line("CONNECT siege.test:443 HTTP/1.1"), status: 405},
		{name: "absolute form", raw: line("GET http://siege.test/ HTTP/1.1"), status: 400},
		{name: "target without slash", raw: line("GET chat HTTP/1.1"), status: 400},
		{name: "control character in target", raw: line("GET /\x01 HTTP/1.1"), status: 400},
		{name: "target not ASCII", raw: line("GET /\xc3\xbc HTTP/1.1"), status: 400},
		{name: "fragment in target", raw: line("GET /#x HTTP/1.1"), status: 400},
		{name: "bad escape in target", raw: line("GET /%zz HTTP/1.1"), status: 400},
		{name: "TLS on a plain port", raw: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\xaa", 64), status: 400},
	}
}

func badHeaders() []badRequest {
	const host = "Host: siege.test\r\n"
	return []badRequest{
		{name: "bare LF", raw: swap(host, "Host: siege.test\n"), status: 400, hidden: true},
		{name: "bare LF at the end", raw: goodLines() + "\n", status: 400, hidden: true},
		{name: "folded line", raw: with("X: a\r\n b\r\n"), status: 400, hidden: true},
		{name: "folded first line", raw: line("GET / HTTP/1.1\r\n X: a"), status: 400},
		{name: "space before colon", raw: swap("Host:", "Host :"), status: 400},
		{name: "no colon", raw: with("X\r\n"), status: 400},
		{name: "empty name", raw: with(": x\r\n"), status: 400},
		{name: "name no token", raw: with("X(y): x\r\n"), status: 400},
		{name: "name not ASCII", raw: with("X\xfc: x\r\n"), status: 400},
		{name: "NUL in value", raw: with("X: a\x00b\r\n"), status: 400},
		{name: "CR in value", raw: with("X: a\rb\r\n"), status: 400},
		{name: "control character in value", raw: with("X: a\x01b\r\n"), status: 400},
		{name: "no Host", raw: swap(host, ""), status: 400},
		{name: "two Hosts", raw: with("Host: evil.test\r\n"), status: 400},
		{name: "two equal Hosts", raw: with(host), status: 400},
		{name: "list of Hosts", raw: swap(host, "Host: siege.test, evil.test\r\n"), status: 400},
		{name: "user in Host", raw: swap(host, "Host: siege.test@evil.test\r\n"), status: 400},
		{name: "path in Host", raw: swap(host, "Host: siege.test/x\r\n"), status: 400},
		{name: "Content-Length and a body", raw: with("Content-Length: 5\r\n") + "hello", status: 400},
		{name: "Content-Length 0", raw: with("Content-Length: 0\r\n"), status: 400},
		{name: "two Content-Lengths", raw: with("Content-Length: 5\r\nContent-Length: 6\r\n"), status: 400},
		{name: "Transfer-Encoding and a frame", raw: with("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n\x81\x80aaaa", status: 400},
		{name: "Content-Length and Transfer-Encoding", raw: with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", status: 400},
		{name: "unknown Transfer-Encoding", raw: with("Transfer-Encoding: x\r\n"), status: 400, web: 501},
		{name: "too many lines", raw: with(strings.Repeat("X: y\r\n", 60)), status: 431},
		{name: "too big a line", raw: with("X: " + strings.Repeat("y", 8<<10) + "\r\n"), status: 431},
		{name: "too many bytes", raw: with(strings.Repeat("X: "+strings.Repeat("y", 200)+"\r\n", 45)), status: 431},
	}
}

func badHandshakes() []badRequest {
	const key = "Sec-WebSocket-Key: " + sampleKey + "\r\n"
	return []badRequest{
		{name: "no Upgrade", raw: swap("Upgrade: websocket\r\n", ""), status: 426},
		{name: "other Upgrade", raw: swap("Upgrade: websocket", "Upgrade: h2c"), status: 426},
		{name: "no Connection", raw: swap("Connection: Upgrade\r\n", ""), status: 426},
		{name: "other Connection", raw: swap("Connection: Upgrade", "Connection: keep-alive"), status: 426},
		{name: "no version of WebSocket", raw: swap("Sec-WebSocket-Version: 13\r\n", ""), status: 426},
		{name: "old version of WebSocket", raw: swap("Version: 13", "Version: 8"), status: 426},
		{name: "two versions", raw: with("Sec-WebSocket-Version: 13\r\n"), status: 400},
		{name: "no key", raw: swap(key, ""), status: 400},
		{name: "two keys", raw: with(key), status: 400},
		{name: "short key", raw: swap(sampleKey, "dGhlIHNhbXBsZQ=="), status: 400},
		{name: "key of 18 bytes", raw: swap(sampleKey, "dGhlIHNhbXBsZSBub25jZSEh"), status: 400},
		{name: "key not base64", raw: swap(sampleKey, "dGhlIHNhbXBsZSBub25jZ!=="), status: 400},
		{name: "subprotocol no token", raw: with("Sec-WebSocket-Protocol: a b\r\n"), status: 400},
		{name: "subprotocol not ASCII", raw: with("Sec-WebSocket-Protocol: \xfc\r\n"), status: 400},
		{name: "two Origins", raw: with("Origin: http://siege.test\r\nOrigin: http://siege.test\r\n"), status: 400},
		{name: "foreign Origin", raw: with("Origin: http://evil.test\r\n"), status: 403},
		{name: "opaque Origin", raw: with("Origin: null\r\n"), status: 403},
	}
}
