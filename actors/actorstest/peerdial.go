package actorstest

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// DialPeer connects to a server under test and returns a client that does what
// the test tells it. The Dialer says how: NetDial for a listener in memory such as
// [transporttest.Listener], Header, Subprotocols, TLSConfig for wss. Without
// Proxy none is used, and without Limits there are none. If no connection comes
// about the test fails; to see a refusal, use the Dialer itself.
//
// It ends with the test.
func DialPeer(t testing.TB, url string, d transport.Dialer) *PeerConn {
	t.Helper()
	s := newStage(t)
	if d.NetDial == nil {
		d.NetDial = (&net.Dialer{Resolver: d.Resolver}).DialContext
	}
	if d.Proxy == nil {
		d.Proxy = transport.NoProxy
	}
	if d.Limits == (transport.Limits{}) {
		d.Limits = generous
	}
	link := transporttest.NewLink()
	dial := d.NetDial
	d.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		s.splice(nc, link.Server())
		return link.Client(), nil
	}
	conn, _, err := d.Dial(context.Background(), url)
	if err != nil {
		s.fatal("dial: %v", err)
	}
	c := s.adopt(conn, link, transporttest.ToClient, transporttest.ToServer)
	s.update(func() { c.log.add("connected") })
	conn.Start((*socket)(c))
	return c
}

// splice joins a real connection with an end of a Link, whose faults it then has,
// until both have ended.
func (s *stage) splice(nc, end net.Conn) {
	s.atEnd(func() {
		_ = end.Close()
		_ = nc.Close()
	})
	s.do(func() { forward(end, nc) })
	s.do(func() { forward(nc, end) })
}

// forward copies from one connection to another, and its end too: a reset as a
// reset, an end of what is written as that.
func forward(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		reset(to)
		reset(from)
		return
	}
	if half, ok := to.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		_ = to.Close()
	}
}

// reset closes a connection with a reset, if it knows such a thing.
func reset(nc net.Conn) {
	base := nc
	for {
		t, ok := base.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		base = t.NetConn()
	}
	if l, ok := base.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = base.Close()
}
