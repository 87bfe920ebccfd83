// srv-gorilla is a server with gorilla/websocket on net/http. Variant "tuned": no write
// buffer while idle (WriteBufferPool), read buffers of 1 KiB, and messages are read into
// a buffer that the connection keeps.
package main

import (
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

func main() {
	peer.Know("tuned", peer.Deflate, peer.TLS)
	upgrader := &websocket.Upgrader{}
	loop := echo
	if peer.Variant("tuned") {
		upgrader = &websocket.Upgrader{WriteBufferPool: new(sync.Pool), ReadBufferSize: 1024, WriteBufferSize: 1024}
		loop = echoReusing
	}
	upgrader.EnableCompression = peer.Variant(peer.Deflate)
	var h hub
	t := newTyped()
	mux := http.NewServeMux()
	mux.Handle(peer.EchoPath, handler(upgrader, func(c *websocket.Conn) error { return loop(c, peer.None) }))
	mux.Handle(peer.SlowPath, handler(upgrader, func(c *websocket.Conn) error { return loop(c, peer.Stall) }))
	mux.Handle(peer.SubPath, handler(upgrader, h.subscribe))
	mux.Handle(peer.PubPath, handler(upgrader, h.publish))
	mux.Handle(peer.TypedPath, handler(upgrader, t.serve))
	peer.Fail(http.Serve(peer.Listen(), mux))
}

func handler(upgrader *websocket.Upgrader, loop func(*websocket.Conn) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return // Upgrade has answered
		}
		c.SetReadLimit(peer.MaxMessage)
		_ = loop(c) // it ends when the client goes
		_ = c.Close()
	})
}

// echo is the loop of gorilla's own examples.
func echo(c *websocket.Conn, work peer.Work) error {
	for {
		kind, p, err := c.ReadMessage()
		if err != nil {
			return err
		}
		work()
		if err := c.WriteMessage(kind, p); err != nil {
			return err
		}
	}
}

func echoReusing(c *websocket.Conn, work peer.Work) error {
	buffer := make([]byte, 0, 512)
	for {
		kind, r, err := c.NextReader()
		if err != nil {
			return err
		}
		if buffer, err = readAll(r, buffer[:0]); err != nil {
			return err
		}
		work()
		if err := c.WriteMessage(kind, buffer); err != nil {
			return err
		}
	}
}
