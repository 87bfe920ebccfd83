// srv-gobwas echoes with gobwas/ws, one goroutine for each connection: with the wsutil
// helpers, or as variant "raw" with a hand-made loop that answers all the messages of
// one read with one write.
package main

import (
	"net"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

func main() {
	loop := echo
	if peer.Variant("raw") {
		loop = echoRaw
	}
	listener := peer.Listen()
	for {
		c, err := listener.Accept()
		if err != nil {
			peer.Fail(err)
		}
		go serve(c, loop)
	}
}

func serve(c net.Conn, loop func(c net.Conn, work func()) error) {
	defer func() { _ = c.Close() }()
	work := func() {}
	upgrader := ws.Upgrader{OnRequest: func(uri []byte) error {
		if string(uri) == peer.SlowPath {
			work = peer.Stall
		}
		return nil
	}}
	if _, err := upgrader.Upgrade(c); err != nil {
		return
	}
	_ = loop(c, work) // it ends when the client goes
}

// echo is the loop of gobwas' README.
func echo(c net.Conn, work func()) error {
	for {
		p, op, err := wsutil.ReadClientData(c)
		if err != nil {
			return err
		}
		work()
		if err := wsutil.WriteServerMessage(c, op, p); err != nil {
			return err
		}
	}
}
