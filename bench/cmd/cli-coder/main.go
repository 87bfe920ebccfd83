// cli-coder is a client with coder/websocket: one goroutine for each connection.
package main

import (
	"context"

	"github.com/coder/websocket"

	"github.com/hawser-go/hawser/bench/internal/client"
)

// background bounds nothing: a context that can end would cost each read and write the
// watching of it.
var background = context.Background()

func main() { client.Main(dial) }

func dial(o client.Options, m *client.Meter, payload []byte) (begin func() error, err error) {
	c, _, err := websocket.Dial(background, o.URL, nil)
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(int64(o.Size)) // the default of 32 KiB is less than the largest size
	return func() error {
		go func() { client.Fail(run(o, m, c, payload)) }()
		return nil
	}, nil
}

// run ends with the error of the connection; when all is measured it never ends.
func run(o client.Options, m *client.Meter, c *websocket.Conn, payload []byte) error {
	for range o.InFlight {
		if err := c.Write(background, websocket.MessageText, payload); err != nil {
			return err
		}
	}
	for {
		_, p, err := c.Read(background)
		if err != nil {
			return err
		}
		if !m.Received(len(p)) {
			continue
		}
		if err := c.Write(background, websocket.MessageText, payload); err != nil {
			return err
		}
	}
}
