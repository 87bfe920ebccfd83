package load

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// maxAnswer bounds the answer to an upgrade request, in bytes.
const maxAnswer = 4 << 10

var headEnd = []byte("\r\n\r\n")

// upgradeRequest asks for path, with deflate also for permessage-deflate without context
// takeover on either side (RFC 7692 §7.1.1).
func upgradeRequest(addr netip.AddrPort, path string, deflate bool) []byte {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	extensions := ""
	if deflate {
		extensions = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"
	}
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %v\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, addr, base64.StdEncoding.EncodeToString(key[:]), extensions)
}

// handshake upgrades the connection.
func handshake(c io.ReadWriter, request []byte, deflate bool) error {
	if _, err := c.Write(request); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	answer := make([]byte, 0, maxAnswer)
	for {
		n, err := c.Read(answer[len(answer):cap(answer)])
		if err != nil {
			return fmt.Errorf("handshake: %w", err)
		}
		answer = answer[:len(answer)+n]
		whole, err := upgraded(answer, deflate)
		if whole || err != nil {
			return err
		}
		if len(answer) == cap(answer) {
			return fmt.Errorf("handshake: the answer is longer than %d bytes", maxAnswer)
		}
	}
}

// upgraded reports whether answer is a whole answer that agrees to the upgrade. It does
// not check Sec-WebSocket-Accept: this is a load generator, and a server that got it
// wrong fails its own tests.
func upgraded(answer []byte, deflate bool) (bool, error) {
	end := bytes.Index(answer, headEnd)
	switch {
	case end < 0:
		return false, nil
	case !bytes.HasPrefix(answer, []byte("HTTP/1.1 101 ")):
		return false, fmt.Errorf("handshake: %.200q", answer)
	case len(answer) != end+len(headEnd):
		return false, errors.New("handshake: the server spoke before it was spoken to")
	case deflate && !bytes.Contains(answer, []byte("permessage-deflate")):
		return false, errors.New("handshake: the server did not accept permessage-deflate")
	case deflate && !bytes.Contains(answer, []byte("server_no_context_takeover")):
		return false, errors.New("handshake: the server did not accept server_no_context_takeover")
	}
	return true, nil
}
