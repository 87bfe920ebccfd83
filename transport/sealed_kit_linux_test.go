package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// hose is the wire below the TLS of a peer that blocks. While it is shut, what is
// written waits for spill, and then leaves in one piece.
type hose struct {
	*net.TCPConn
	shut  bool
	held  []byte
	spoil atomic.Bool // the next bytes that are read are not what was sent
}

func (h *hose) Write(p []byte) (int, error) {
	if !h.shut {
		return h.TCPConn.Write(p)
	}
	h.held = append(h.held, p...)
	return len(p), nil
}

// Read is what a handshake does next when it has written all it can.
func (h *hose) Read(p []byte) (int, error) {
	if h.shut && len(h.held) > 0 {
		if err := h.spill(); err != nil {
			return 0, err
		}
		h.shut = true
	}
	n, err := h.TCPConn.Read(p)
	if n > 0 && h.spoil.Load() {
		p[n-1] ^= 1
	}
	return n, err
}

// SetWriteDeadline does nothing: behind a close_notify of crypto/tls nothing could be
// written any more.
func (h *hose) SetWriteDeadline(time.Time) error { return nil }

func (h *hose) spill() error {
	_, err := h.TCPConn.Write(h.held)
	h.shut, h.held = false, nil
	return err
}

// sealing makes connections under TLS.
type sealing struct {
	p              *Poller
	server, client *tls.Config
}

func newSealing(t testing.TB, p *Poller, version uint16) *sealing {
	t.Helper()
	server, client := certificate(t)
	server.MaxVersion = version
	server.SessionTicketsDisabled = true // the peer of a server gets nothing but what we send
	client.ServerName = "example.com"
	return &sealing{p, server, client}
}

// sealedEnd is a Conn under TLS that is watched by a Poller, and its peer, which blocks.
type sealedEnd struct {
	c    *Conn // not started
	peer *tls.Conn
	wire *hose
	keys *bytes.Buffer // the secrets of the connection
}

// frame is a text message of the peer.
func (e *sealedEnd) frame(payload string) []byte {
	if e.c.Server() {
		return clientFrame(opText, payload)
	}
	return serverFrame(opText, payload)
}

// say makes the peer write p.
func (e *sealedEnd) say(t testing.TB, p []byte) {
	t.Helper()
	if _, err := e.peer.Write(p); err != nil {
		t.Fatal(err)
	}
}

// hear fails unless the peer reads want next.
func (e *sealedEnd) hear(t testing.TB, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(e.peer, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("the peer got other bytes")
	}
}

// waiting is the ciphertext that the socket has not taken, and what holds it.
func (e *sealedEnd) waiting() (n, held int) {
	s := e.c.s.(*sealedStream)
	s.out.Lock()
	defer s.out.Unlock()
	if s.cipher == nil {
		return 0, 0
	}
	return len(s.cipher.B) - s.sent, cap(s.cipher.B)
}

// pair returns a new connection as the Conn and as the peer get it.
func (k *sealing) pair(t testing.TB) (nc *net.TCPConn, wire *hose) {
	t.Helper()
	a, b := tcpPair(t)
	_ = a.SetDeadline(time.Now().Add(3 * patience))
	_ = a.SetReadBuffer(64 << 10) // whoever does not read is felt soon
	t.Cleanup(func() { _ = a.Close() })
	return b, &hose{TCPConn: a}
}

// asServer returns a Conn that is the server.
func (k *sealing) asServer(t testing.TB) *sealedEnd {
	t.Helper()
	e := &sealedEnd{keys: new(bytes.Buffer)}
	config := k.client.Clone()
	config.KeyLogWriter = e.keys
	nc, wire := k.pair(t)
	server := TLSServer(nc, k.server)
	e.wire, e.peer = wire, tls.Client(wire, config)
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	if err := errors.Join(e.peer.Handshake(), wait(t, shaken)); err != nil {
		t.Fatal(err)
	}
	e.c = connOn(t, server, ConnOptions{Server: true, Poller: k.p, Limits: &Limits{MaxMessage: -1}})
	return e
}

// asClient returns a Conn that a Dialer has made.
func (k *sealing) asClient(t testing.TB) *sealedEnd {
	t.Helper()
	e := &sealedEnd{keys: new(bytes.Buffer)}
	config := k.client.Clone()
	config.KeyLogWriter = e.keys
	nc, wire := k.pair(t)
	e.wire, e.peer = wire, tls.Server(wire, k.server)
	accepted := make(chan bool, 1)
	go func() { accepted <- accepting(e.peer, "") != nil }()
	e.c = dialOver(t, nc, &Dialer{TLSConfig: config, Poller: k.p, Limits: Limits{MaxMessage: -1}})
	if !wait(t, accepted) {
		t.Fatal("the server got no request")
	}
	return e
}

// dialOver makes d dial by wss over nc.
func dialOver(t testing.TB, nc net.Conn, d *Dialer) *Conn {
	t.Helper()
	d.NetDial = func(context.Context, string, string) (net.Conn, error) { return nc, nil }
	c, _, err := d.Dial(t.Context(), "wss://127.0.0.1/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeConn(t, c) })
	return c
}

// eachVersion runs f with TLS 1.2 and 1.3.
func eachVersion(t *testing.T, f func(t *testing.T, k *sealing)) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			f(t, newSealing(t, newTestPoller(t, PollerOptions{}), version))
		})
	}
}

// eachRole runs f with the Conn as server and as client.
func (k *sealing) eachRole(t *testing.T, f func(t *testing.T, e *sealedEnd)) {
	roles := []struct {
		name string
		end  func(t testing.TB) *sealedEnd
	}{{"server", k.asServer}, {"client", k.asClient}}
	for _, r := range roles {
		t.Run(r.name, func(t *testing.T) {
			e := r.end(t)
			if !e.c.Polled() {
				t.Fatal("it is not polled")
			}
			f(t, e)
		})
	}
}

func eachSealed(t *testing.T, f func(t *testing.T, e *sealedEnd)) {
	eachVersion(t, func(t *testing.T, k *sealing) { k.eachRole(t, f) })
}

// ends returns both ends of a connection as Conns. The client dials what via makes
// of the server's address.
func (k *sealing) ends(t *testing.T, via func(addr string) string) (server, client *Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	limits := Limits{MaxMessage: -1}
	u := &Upgrader{Poller: k.p, Limits: limits}
	done := make(chan upgraded, 1)
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			done <- upgraded{err: err}
			return
		}
		c, r, err := u.Upgrade(TLSServer(nc, k.server))
		done <- upgraded{c, r, err}
	}()
	d := &Dialer{TLSConfig: k.client, Poller: k.p, Limits: limits}
	client, _, err = d.Dial(t.Context(), "wss://"+via(ln.Addr().String())+"/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeConn(t, client) })
	up := wait(t, done)
	if up.err != nil {
		t.Fatal(up.err)
	}
	t.Cleanup(func() { closeConn(t, up.c) })
	return up.c, client
}

// tap sees what a Conn has read.
type tap struct {
	c    atomic.Pointer[Conn]
	read chan struct{}
}

// open starts c.
func (a *tap) open(c *Conn, h funcs) {
	a.read = make(chan struct{}, 1)
	a.c.Store(c)
	c.Start(funcs{func(c *Conn) {
		h.Readable(c)
		select {
		case a.read <- struct{}{}:
		default:
		}
	}, h.writable})
}

// drained waits until the Conn, if there is one yet, has read what there was. It
// reports false if it is closed.
func (a *tap) drained() bool {
	for c := a.c.Load(); c != nil && !c.Exhausted(); {
		select {
		case <-a.read:
		case <-c.Done():
			return false
		}
	}
	return true
}

// relay passes on all that goes to an address and comes back, in pieces. A Conn that
// is known at an end has read each piece before the next one comes.
type relay struct{ server, client tap }

// start returns the address of r.
func (r *relay) start(t *testing.T, addr string, toServer, toClient func() int) string {
	return scripted(t, func(client net.Conn) {
		server, err := net.Dial("tcp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		defer server.Close()
		_ = server.SetDeadline(time.Now().Add(3 * patience))
		_ = client.SetDeadline(time.Now().Add(3 * patience))
		back := make(chan struct{})
		go func() {
			defer close(back)
			pass(client, server, toClient, &r.client)
		}()
		pass(server, client, toServer, &r.server)
		<-back
	})
}

// pass copies src to dst in pieces, until either ends.
func pass(dst, src net.Conn, piece func() int, to *tap) {
	defer dst.Close()
	defer src.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		for p := buf[:n]; len(p) > 0; {
			m := min(piece(), len(p))
			if _, err := dst.Write(p[:m]); err != nil || !to.drained() {
				return
			}
			p = p[m:]
		}
		if err != nil {
			return
		}
	}
}
