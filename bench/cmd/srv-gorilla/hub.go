package main

import (
	"sync"

	"github.com/gorilla/websocket"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

// hub writes a prepared message to one subscriber after the other.
type hub struct{ all peer.Subscribers[*subscriber] }

type subscriber struct {
	*websocket.Conn
	writing sync.Mutex // a connection takes one writer at a time
}

// subscribe ends when the client goes. What it sends is ignored.
func (h *hub) subscribe(c *websocket.Conn) error {
	s := &subscriber{Conn: c}
	h.all.Add(s)
	defer h.all.Remove(s)
	for {
		if _, _, err := c.NextReader(); err != nil {
			return err
		}
	}
}

// publish ends when the client goes.
func (h *hub) publish(c *websocket.Conn) error {
	for {
		kind, p, err := c.ReadMessage()
		if err != nil {
			return err
		}
		m, err := websocket.NewPreparedMessage(kind, p)
		if err != nil {
			return err
		}
		h.all.Each(func(s *subscriber) {
			s.writing.Lock()
			defer s.writing.Unlock()
			_ = s.WritePreparedMessage(m) // a dead connection ends in subscribe
		})
	}
}
