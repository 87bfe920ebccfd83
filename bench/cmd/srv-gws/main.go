// srv-gws is a server with lxzan/gws on its own accept loop (gws.Server). Variant
// "async": it echoes with WriteAsync.
package main

import (
	"bufio"
	"net"
	"net/http"

	"github.com/lxzan/gws"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

func main() {
	peer.Know("async", peer.Deflate, peer.TLS)
	reply := write
	if peer.Variant("async") {
		reply = writeAsync
	}
	var h hub
	routes := map[string]*gws.Upgrader{
		peer.SlowPath: gws.NewUpgrader(&echo{work: peer.Stall, reply: reply}, option()),
		peer.SubPath:  gws.NewUpgrader(&subscriber{hub: &h}, option()),
		peer.PubPath:  gws.NewUpgrader(&publisher{hub: &h}, option()),
	}
	server := gws.NewServer(&echo{work: peer.None, reply: reply}, option())
	server.OnError = func(net.Conn, error) {} // the runner's resets are no news
	server.OnRequest = func(c net.Conn, br *bufio.Reader, r *http.Request) {
		upgrader := server.GetUpgrader()
		if other := routes[r.URL.Path]; other != nil {
			upgrader = other
		}
		socket, err := upgrader.UpgradeFromConn(c, br, r)
		if err != nil {
			return
		}
		socket.ReadLoop()
	}
	peer.Fail(server.RunListener(peer.Listen()))
}

func option() *gws.ServerOption {
	return &gws.ServerOption{
		ReadMaxPayloadSize: peer.MaxMessage,
		PermessageDeflate:  gws.PermessageDeflate{Enabled: peer.Variant(peer.Deflate)},
	}
}

// echo sends every message back. gws calls it on the goroutine of the connection.
type echo struct {
	gws.BuiltinEventHandler
	work  peer.Work
	reply func(*gws.Conn, *gws.Message)
}

// OnMessage echoes.
func (e *echo) OnMessage(c *gws.Conn, m *gws.Message) {
	e.work()
	e.reply(c, m)
}

func write(c *gws.Conn, m *gws.Message) {
	_ = c.WriteMessage(m.Opcode, m.Bytes()) // a dead connection ends in OnClose
	_ = m.Close()
}

// writeAsync gives the message back when it has been written.
func writeAsync(c *gws.Conn, m *gws.Message) {
	c.WriteAsync(m.Opcode, m.Bytes(), func(error) { _ = m.Close() })
}
