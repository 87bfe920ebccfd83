package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// The opcodes that the tests need (RFC 6455 §5.2).
const (
	opText  = 1
	opClose = 8
	opPing  = 9
)

// raw is the client's end of a WebSocket that does only what a test tells it to: it
// answers no ping and no close frame.
type raw struct {
	t      *testing.T
	nc     net.Conn
	r      *bufio.Reader
	answer *http.Response
}

// request sends an opening handshake with more header lines, and reads the answer.
func request(t *testing.T, url string, lines ...string) *raw {
	t.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "ws://"), "/")
	c := plug(t, host)
	head := "GET /" + path + " HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for _, l := range lines {
		head += l + "\r\n"
	}
	c.write([]byte(head + "\r\n"))
	answer, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.answer = answer
	if answer.StatusCode != http.StatusSwitchingProtocols {
		_ = answer.Body.Close()
	}
	return c
}

// plug connects a socket, and no more. No frame from it takes longer than limit, and the
// kernel keeps little for it while it is not read.
func plug(t *testing.T, host string) *raw {
	t.Helper()
	nc, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(limit))
	_ = nc.(*net.TCPConn).SetReadBuffer(64 << 10)
	return &raw{t: t, nc: nc, r: bufio.NewReader(nc)}
}

// open is a request that must be accepted.
func open(t *testing.T, url string, lines ...string) *raw {
	t.Helper()
	c := request(t, url, lines...)
	if c.answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %s", url, c.answer.Status)
	}
	return c
}

func (c *raw) write(p []byte) {
	c.t.Helper()
	if _, err := c.nc.Write(p); err != nil {
		c.t.Fatal(err)
	}
}

// send sends a message in one frame.
func (c *raw) send(payload string) {
	c.t.Helper()
	f := transport.AppendFrame(nil, opText, []byte(payload), true)
	transport.SealFrame(f)
	c.write(f)
}

// frame reads a frame.
func (c *raw) frame() (op byte, payload []byte, err error) {
	_ = c.nc.SetDeadline(time.Now().Add(limit))
	var head [2]byte
	var long [8]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1])
	switch n {
	case 126:
		_, err = io.ReadFull(c.r, long[6:])
		n = binary.BigEndian.Uint64(long[:])
	case 127:
		_, err = io.ReadFull(c.r, long[:])
		n = binary.BigEndian.Uint64(long[:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(c.r, payload)
	return head[0] & 0x0f, payload, err
}

// messages reads text messages until the close frame, whose code it returns; 1006 if
// none comes. Pings do not matter.
func (c *raw) messages() (all []string, code int) {
	for {
		op, payload, err := c.frame()
		switch {
		case err != nil:
			return all, 1006
		case op == opClose:
			return all, closeCode(payload)
		case op == opText:
			all = append(all, string(payload))
		}
	}
}

// next reads the next text message.
func (c *raw) next() string {
	c.t.Helper()
	for {
		op, payload, err := c.frame()
		if err != nil || op == opClose {
			c.t.Fatalf("no message, but op %d, %q, %v", op, payload, err)
		}
		if op == opText {
			return string(payload)
		}
	}
}

// numbered are messages of a length that tell their number.
func numbered(n, length int) (all []string) {
	for i := range n {
		text := fmt.Sprintf("%08d", i)
		all = append(all, text+strings.Repeat(".", max(0, length-len(text))))
	}
	return all
}
