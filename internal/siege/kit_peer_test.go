//go:build linux

package siege

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// dial opens a socket. Closing it resets it, so that thousands of them leave no
// port waiting.
func dial(addr string) (*net.TCPConn, error) { return dialFrom("", addr) }

// dialFrom is dial from another address of this machine, such as 127.0.0.2.
func dialFrom(source, addr string) (*net.TCPConn, error) {
	d := net.Dialer{Timeout: patience, KeepAlive: -1}
	if source != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(source)}
	}
	nc, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	tc := nc.(*net.TCPConn)
	return tc, errors.Join(tc.SetLinger(0), tc.SetDeadline(time.Now().Add(3*patience)))
}

// request is a good handshake. lines are more header lines, without their CRLF.
func request(path string, lines ...string) string {
	head := "GET " + path + " HTTP/1.1\r\nHost: siege.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for _, l := range lines {
		head += l + "\r\n"
	}
	return head + "\r\n"
}

// reply is what came back for a handshake.
type reply struct {
	status int
	header http.Header
	err    error // there was no whole answer
}

// readReply reads the header of an answer, and nothing behind it.
func readReply(br *bufio.Reader) reply {
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return reply{err: err}
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		_ = resp.Body.Close() // what is left of the body is read by whoever wants it
	}
	return reply{status: resp.StatusCode, header: resp.Header}
}

// peer is a client by hand. Its methods may be called from any goroutine, reading
// from one and writing from one at a time; none of them fails a test.
type peer struct {
	nc      *net.TCPConn
	br      *bufio.Reader
	deflate bool // permessage-deflate was agreed on
	open    bool // a fragmented message is under way
	closed  bool // the server's close frame has come
	pongs   int
}

// shake does the handshake on nc. When the answer is not 101 the peer must not be
// used; nc is the caller's still.
func shake(nc *net.TCPConn, path string, lines ...string) (*peer, reply) {
	p := &peer{nc: nc, br: bufio.NewReaderSize(nc, 2048)}
	if _, err := io.WriteString(nc, request(path, lines...)); err != nil {
		return p, reply{err: err}
	}
	r := readReply(p.br)
	p.deflate = strings.HasPrefix(r.header.Get("Sec-Websocket-Extensions"), "permessage-deflate")
	return p, r
}

// meet dials and shakes hands, and returns an error unless the answer is 101.
func meet(addr, path string, lines ...string) (*peer, error) {
	return meetFrom("", addr, path, lines...)
}

// meetFrom is meet from another address of this machine.
func meetFrom(source, addr, path string, lines ...string) (*peer, error) {
	nc, err := dialFrom(source, addr)
	if err != nil {
		return nil, err
	}
	p, r := shake(nc, path, lines...)
	if r.err == nil && r.status != http.StatusSwitchingProtocols {
		r.err = fmt.Errorf("siege: answered %d", r.status)
	}
	if r.err != nil {
		_ = nc.Close()
		return nil, r.err
	}
	return p, nil
}

// join is meet for the test's own goroutine, from f.home. The socket ends with the test.
func (f *fort) join(addr, path string, lines ...string) *peer {
	f.t.Helper()
	p, err := meetFrom(f.home, addr, path, lines...)
	if err != nil {
		f.t.Fatalf("handshake: %v", err)
	}
	f.t.Cleanup(p.reset)
	return p
}

// reset ends the socket at once.
func (p *peer) reset() { _ = p.nc.Close() }

func (p *peer) write(b []byte) error {
	_, err := p.nc.Write(b)
	return err
}

// text sends a whole text message.
func (p *peer) text(s string) error { return p.write(appendFrame(nil, fin|opText, []byte(s))) }

// next reads a frame, and checks its place among the others.
func (p *peer) next() (frame, error) {
	f, err := readFrame(p.br, p.deflate)
	switch {
	case err != nil:
		return f, err
	case p.closed:
		return f, illegal("a frame behind its close frame")
	case f.op == opContinuation && !p.open, (f.op == opText || f.op == opBinary) && p.open:
		return f, illegal("fragments out of order")
	case f.op == opPong:
		p.pongs++
	case f.op == opClose:
		p.closed = true
	}
	if f.op < opClose {
		p.open = !f.fin
	}
	return f, nil
}

// offer is the header line with which a client asks for compression (RFC 7692 §7.1).
// It lets the server remember nothing, and so does not have to remember itself.
const offer = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"

// message reads up to the end of a message and returns it. Pings are not answered. A
// close frame is an error, a *closeError.
func (p *peer) message() ([]byte, error) {
	var whole []byte
	packed := false
	for {
		f, err := p.next()
		switch {
		case err != nil:
			return nil, err
		case f.op == opClose:
			return nil, &closeError{code: f.code(), reason: string(f.payload[min(2, len(f.payload)):])}
		case f.op < opClose:
			whole = append(whole, f.payload...)
			packed = packed || f.packed
			if f.fin && packed {
				return inflate(whole)
			}
			if f.fin {
				return whole, nil
			}
		}
	}
}

// inflate undoes the compression of a message (RFC 7692 §7.2.2).
func inflate(p []byte) ([]byte, error) {
	const tail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"
	r := flate.NewReader(io.MultiReader(bytes.NewReader(p), strings.NewReader(tail)))
	return io.ReadAll(io.LimitReader(r, maxFrame))
}

// closeError is the server's close frame, met where a message was wanted.
type closeError struct {
	code   int
	reason string
}

func (e *closeError) Error() string { return fmt.Sprintf("siege: closed with %d %q", e.code, e.reason) }

// echoed sends a message and waits for the same to come back.
func (p *peer) echoed(s string) error {
	if err := p.text(s); err != nil {
		return err
	}
	got, err := p.message()
	if err == nil && string(got) != s {
		err = fmt.Errorf("siege: %d bytes came back as %d others", len(s), len(got))
	}
	return err
}

// ending is how a connection ended for its peer.
type ending struct {
	code     int    // of the server's close frame; 0: none came
	reason   string // of it
	messages int    // before it
	err      error  // how the stream ended: io.EOF if properly
}

func (e ending) String() string {
	return fmt.Sprintf("close %d %q, %d messages before, then %v", e.code, e.reason, e.messages, e.err)
}

// end reads to the end of the stream and answers the close frame on the way.
func (p *peer) end() (e ending) {
	for {
		_, err := p.message()
		if c, ok := errors.AsType[*closeError](err); ok {
			e.code, e.reason = c.code, c.reason
			_ = p.write(appendFrame(nil, fin|opClose, nil))
			continue
		}
		if err != nil {
			e.err = err
			return e
		}
		e.messages++
	}
}

// leave closes with 1000 and reports how that went; nil if as it should.
func (p *peer) leave() error {
	defer p.reset()
	if err := p.write(appendFrame(nil, fin|opClose, []byte{0x03, 0xe8})); err != nil {
		return err
	}
	for {
		f, err := p.next()
		switch {
		case p.closed && err == io.EOF:
			return nil
		case err != nil:
			return err
		case f.op == opClose && f.code() != 1000:
			return illegal("close %d as the answer to 1000", f.code())
		}
	}
}
