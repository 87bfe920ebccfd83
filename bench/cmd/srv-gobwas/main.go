// srv-gobwas is a server with gobwas/ws, one goroutine for each connection: with the
// wsutil helpers, with "deflate" the streams of wsflate. As variant "raw" the echo of a
// connection that is not compressed is a hand-made loop, which answers all the messages
// of one read with one write.
package main

import (
	"net"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

func main() {
	peer.Know("raw", peer.Deflate, peer.TLS)
	wsutil.SetMaxMessageSize(peer.MaxMessage)
	s := &server{raw: peer.Variant("raw"), deflate: peer.Variant(peer.Deflate)}
	listener := peer.Listen()
	for {
		c, err := listener.Accept()
		if err != nil {
			peer.Fail(err)
		}
		go s.serve(c)
	}
}

type server struct {
	raw, deflate bool
	hub          hub
}

func (s *server) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	var path string
	upgrader := ws.Upgrader{OnRequest: func(uri []byte) error {
		path = string(uri)
		return nil
	}}
	extension := wsflate.Extension{Parameters: wsflate.Parameters{
		ServerNoContextTakeover: true, ClientNoContextTakeover: true,
	}}
	if s.deflate {
		upgrader.Negotiate = extension.Negotiate
	}
	if _, err := upgrader.Upgrade(c); err != nil {
		return
	}
	_, deflated := extension.Accepted()
	var m messages = plain{c}
	if deflated {
		m = newCompressed(c)
	}
	work := peer.None
	if path == peer.SlowPath {
		work = peer.Stall
	}
	switch { // all loops end when the client goes
	case path == peer.SubPath:
		s.hub.subscribe(subscriber{c, deflated}, m)
	case path == peer.PubPath:
		s.hub.publish(m)
	case s.raw && !deflated:
		_ = echoRaw(c, work)
	default:
		_ = echo(m, work)
	}
}

// messages is a connection of which messages are read and written whole.
type messages interface {
	// read returns the next message, which is valid until the one after it is read.
	read() (ws.OpCode, []byte, error)
	write(op ws.OpCode, p []byte) error
}

func echo(m messages, work peer.Work) error {
	for {
		op, p, err := m.read()
		if err != nil {
			return err
		}
		work()
		if err := m.write(op, p); err != nil {
			return err
		}
	}
}

// plain reads and writes as gobwas' README does.
type plain struct{ conn net.Conn }

func (c plain) read() (ws.OpCode, []byte, error) {
	p, op, err := wsutil.ReadClientData(c.conn)
	return op, p, err
}

func (c plain) write(op ws.OpCode, p []byte) error {
	return wsutil.WriteServerMessage(c.conn, op, p)
}
