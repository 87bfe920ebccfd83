// srv-coder is a server with coder/websocket on net/http.
package main

import (
	"context"
	"net/http"

	"github.com/coder/websocket"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

func main() {
	peer.Know(peer.Deflate, peer.TLS)
	options := &websocket.AcceptOptions{}
	if peer.Variant(peer.Deflate) {
		options.CompressionMode = websocket.CompressionNoContextTakeover
	}
	var h hub
	mux := http.NewServeMux()
	mux.Handle(peer.EchoPath, handler(options, func(c *websocket.Conn) error { return echo(c, peer.None) }))
	mux.Handle(peer.SlowPath, handler(options, func(c *websocket.Conn) error { return echo(c, peer.Stall) }))
	mux.Handle(peer.SubPath, handler(options, h.subscribe))
	mux.Handle(peer.PubPath, handler(options, h.publish))
	peer.Fail(http.Serve(peer.Listen(), mux))
}

func handler(options *websocket.AcceptOptions, loop func(*websocket.Conn) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, options)
		if err != nil {
			return // Accept has answered
		}
		c.SetReadLimit(peer.MaxMessage)
		_ = loop(c) // it ends when the client goes
		_ = c.CloseNow()
	})
}

// background bounds nothing: a context that can end would cost each read and write the
// watching of it.
var background = context.Background()

func echo(c *websocket.Conn, work peer.Work) error {
	for {
		kind, p, err := c.Read(background)
		if err != nil {
			return err
		}
		work()
		if err := c.Write(background, kind, p); err != nil {
			return err
		}
	}
}

// hub writes to one subscriber after the other: coder has no prepared messages.
type hub struct {
	all peer.Subscribers[*websocket.Conn]
}

// subscribe ends when the client goes. What it sends is ignored; CloseRead would end the
// connection for it.
func (h *hub) subscribe(c *websocket.Conn) error {
	h.all.Add(c)
	defer h.all.Remove(c)
	for {
		if _, _, err := c.Read(background); err != nil {
			return err
		}
	}
}

// publish ends when the client goes.
func (h *hub) publish(c *websocket.Conn) error {
	for {
		kind, p, err := c.Read(background)
		if err != nil {
			return err
		}
		h.all.Each(func(s *websocket.Conn) {
			_ = s.Write(background, kind, p) // a dead connection ends in subscribe
		})
	}
}
