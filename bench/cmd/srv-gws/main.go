// srv-gws echoes with lxzan/gws on its own accept loop (gws.Server).
package main

import (
	"bufio"
	"net"
	"net/http"

	"github.com/lxzan/gws"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

type handler struct {
	gws.BuiltinEventHandler
	slow bool
}

// OnMessage echoes. gws calls it on the goroutine of the connection.
func (h *handler) OnMessage(c *gws.Conn, m *gws.Message) {
	if h.slow {
		peer.Stall()
	}
	_ = c.WriteMessage(m.Opcode, m.Bytes()) // a dead connection ends in OnClose
	_ = m.Close()
}

func main() {
	option := func() *gws.ServerOption { return &gws.ServerOption{ReadMaxPayloadSize: peer.MaxMessage} }
	server := gws.NewServer(&handler{}, option())
	slow := gws.NewUpgrader(&handler{slow: true}, option())
	server.OnError = func(net.Conn, error) {} // the runner's resets are no news
	server.OnRequest = func(c net.Conn, br *bufio.Reader, r *http.Request) {
		upgrader := server.GetUpgrader()
		if r.URL.Path == peer.SlowPath {
			upgrader = slow
		}
		socket, err := upgrader.UpgradeFromConn(c, br, r)
		if err != nil {
			return
		}
		socket.ReadLoop()
	}
	peer.Fail(server.RunListener(peer.Listen()))
}
