// cli-gorilla is a client with gorilla/websocket: one goroutine for each connection.
package main

import (
	"github.com/gorilla/websocket"

	"github.com/hawser-go/hawser/bench/internal/client"
)

func main() { client.Main(dial) }

func dial(o client.Options, m *client.Meter, payload []byte) (begin func() error, err error) {
	c, _, err := websocket.DefaultDialer.Dial(o.URL, nil)
	if err != nil {
		return nil, err
	}
	return func() error {
		go func() { client.Fail(run(o, m, c, payload)) }()
		return nil
	}, nil
}

// run ends with the error of the connection; when all is measured it never ends.
func run(o client.Options, m *client.Meter, c *websocket.Conn, payload []byte) error {
	for range o.InFlight {
		if err := c.WriteMessage(websocket.TextMessage, payload); err != nil {
			return err
		}
	}
	for {
		_, p, err := c.ReadMessage()
		if err != nil {
			return err
		}
		if !m.Received(len(p)) {
			continue
		}
		if err := c.WriteMessage(websocket.TextMessage, payload); err != nil {
			return err
		}
	}
}
