// srv-gorilla echoes with gorilla/websocket on net/http. Variant "tuned": no write
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
	upgrader := &websocket.Upgrader{}
	loop := echo
	if peer.Variant("tuned") {
		upgrader = &websocket.Upgrader{WriteBufferPool: new(sync.Pool), ReadBufferSize: 1024, WriteBufferSize: 1024}
		loop = echoReusing
	}
	mux := http.NewServeMux()
	mux.Handle("/echo", handler(upgrader, func(c *websocket.Conn) error { return loop(c, func() {}) }))
	mux.Handle(peer.SlowPath, handler(upgrader, func(c *websocket.Conn) error { return loop(c, peer.Stall) }))
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
func echo(c *websocket.Conn, work func()) error {
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

func echoReusing(c *websocket.Conn, work func()) error {
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
