package load

import (
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"
)

// listen opens a listener for the length of the test.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// accept calls handle for every connection of a listener, in a goroutine of its own.
func accept(listener net.Listener, handle func(net.Conn)) netip.AddrPort {
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				handle(c)
			}()
		}
	}()
	return netip.MustParseAddrPort(listener.Addr().String())
}

// serve runs a WebSocket server whose connections are handled by handle until it errs.
func serve(t *testing.T, handle func(net.Conn) error) netip.AddrPort {
	t.Helper()
	return accept(listen(t), upgradeAnd(handle))
}

func upgradeAnd(handle func(net.Conn) error) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := ws.Upgrade(c); err != nil {
			return
		}
		for handle(c) == nil {
		}
	}
}

func echo(c net.Conn) error {
	p, op, err := wsutil.ReadClientData(c)
	if err != nil {
		return err
	}
	return wsutil.WriteServerMessage(c, op, p)
}

// serveDeflated runs a server that answers every message with answer, compressed without
// context takeover.
func serveDeflated(t *testing.T, answer func([]byte) []byte) netip.AddrPort {
	t.Helper()
	return accept(listen(t), func(c net.Conn) {
		e := wsflate.Extension{Parameters: wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true}}
		upgrader := ws.Upgrader{Negotiate: e.Negotiate}
		if _, err := upgrader.Upgrade(c); err != nil {
			return
		}
		for {
			f, err := readFrame(c)
			if err == nil {
				f, err = wsflate.DecompressFrame(f)
			}
			if err == nil {
				f, err = wsflate.CompressFrame(ws.NewTextFrame(answer(f.Payload)))
			}
			if err != nil || ws.WriteFrame(c, f) != nil {
				return
			}
		}
	})
}

// hub is a server that sends what comes from /pub to all connections of /sub.
type hub struct {
	mu   sync.Mutex
	subs []net.Conn

	// deliver sends a message to the subscriber with this number. nil: as it is.
	deliver func(to net.Conn, number int, p []byte) error
	// confirm is what the publisher gets for each message. nil: nothing.
	confirm func(to net.Conn) error
}

func (h *hub) serve(t *testing.T) netip.AddrPort {
	t.Helper()
	return accept(listen(t), func(c net.Conn) {
		path := ""
		upgrader := ws.Upgrader{OnRequest: func(uri []byte) error {
			path = string(uri)
			return nil
		}}
		// A subscriber is known before its handshake is answered, so no test needs to wait.
		upgrader.OnBeforeUpgrade = func() (ws.HandshakeHeader, error) {
			if path == "/sub" {
				h.mu.Lock()
				h.subs = append(h.subs, c)
				h.mu.Unlock()
			}
			return nil, nil
		}
		if _, err := upgrader.Upgrade(c); err != nil {
			return
		}
		for {
			p, _, err := wsutil.ReadClientData(c)
			if err != nil || path == "/pub" && h.publish(c, p) != nil {
				return
			}
		}
	})
}

func (h *hub) publish(from net.Conn, p []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, c := range h.subs {
		deliver := h.deliver
		if deliver == nil {
			deliver = func(to net.Conn, _ int, p []byte) error { return wsutil.WriteServerText(to, p) }
		}
		if err := deliver(c, i, p); err != nil {
			return err
		}
	}
	if h.confirm == nil {
		return nil
	}
	return h.confirm(from)
}
