package main

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455 §4.2.2 asks for it
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
)

// peer is the server's end of a WebSocket, as plain as it can be.
type peer struct {
	nc  net.Conn
	r   *bufio.Reader
	req *http.Request
}

// upgrade does the opening handshake (RFC 6455 §4.2.2).
func upgrade(nc net.Conn) (*peer, error) {
	p := &peer{nc: nc, r: bufio.NewReader(nc)}
	req, err := http.ReadRequest(p.r)
	if err != nil {
		return nil, err
	}
	p.req = req
	sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	_, err = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "+base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
	return p, err
}

// frame reads a frame of at most 64 KiB.
func (p *peer) frame() (op byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(head[1] & 0x7f)
	if n == 126 {
		var long [2]byte
		if _, err := io.ReadFull(p.r, long[:]); err != nil {
			return 0, nil, err
		}
		n = int(binary.BigEndian.Uint16(long[:]))
	}
	body := make([]byte, 4+n)
	if _, err := io.ReadFull(p.r, body); err != nil {
		return 0, nil, err
	}
	for i := range body[4:] {
		body[4+i] ^= body[i%4]
	}
	return head[0] & 0x0f, body[4:], nil
}

// send writes a short frame.
func (p *peer) send(op byte, payload string) {
	_, _ = p.nc.Write(append([]byte{0x80 | op, byte(len(payload))}, payload...))
}

// closeCode is what stands in the payload of a close frame.
func closeCode(payload []byte) int {
	if len(payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(payload))
}

// closing reads until a close frame, answers it, and returns its code.
func (p *peer) closing() int {
	for {
		op, payload, err := p.frame()
		if err != nil {
			return 1006
		}
		if op == 8 {
			p.send(8, string(payload))
			_, _, _ = p.frame() // until the client has closed
			return closeCode(payload)
		}
	}
}
