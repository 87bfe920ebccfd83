package wire

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
)

// guid is the constant of RFC 6455 §1.3.
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Upgrade appends the answer to the upgrade request in p to out; it appends nothing
// while the request is incomplete. rest is what follows the request, and path what it
// asks for.
func Upgrade(out, p []byte) (answer, rest []byte, path string, err error) {
	head, rest, ok := bytes.Cut(p, []byte("\r\n\r\n"))
	if !ok {
		return out, p, "", nil
	}
	key, err := headerValue(head, "sec-websocket-key")
	if err != nil {
		return out, p, "", err
	}
	first, _, _ := bytes.Cut(head, []byte("\r\n"))
	line := bytes.Fields(first)
	if len(line) != 3 {
		return out, p, "", errors.New("the request line is not METHOD PATH VERSION")
	}
	sum := sha1.Sum(append(bytes.Clone(key), guid...))
	out = append(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	out = base64.StdEncoding.AppendEncode(out, sum[:])
	return append(out, "\r\n\r\n"...), rest, string(line[1]), nil
}

func headerValue(head []byte, name string) ([]byte, error) {
	for line := range bytes.Lines(head) {
		key, value, ok := bytes.Cut(line, []byte(":"))
		if ok && bytes.EqualFold(key, []byte(name)) {
			return bytes.TrimSpace(value), nil
		}
	}
	return nil, errors.New("no " + name + " in the request")
}
