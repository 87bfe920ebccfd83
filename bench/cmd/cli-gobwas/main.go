// cli-gobwas is a client with gobwas/ws and its wsutil helpers: one goroutine for each
// connection.
package main

import (
	"context"
	"errors"
	"net"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/hawser-go/hawser/bench/internal/client"
)

func main() { client.Main(dial) }

func dial(o client.Options, m *client.Meter, payload []byte) (begin func() error, err error) {
	c, early, _, err := ws.Dial(context.Background(), o.URL)
	if err != nil {
		return nil, err
	}
	if early != nil {
		return nil, errors.New("the server spoke before it was spoken to")
	}
	return func() error {
		go func() { client.Fail(run(o, m, c, payload)) }()
		return nil
	}, nil
}

// run ends with the error of the connection; when all is measured it never ends.
func run(o client.Options, m *client.Meter, c net.Conn, payload []byte) error {
	for range o.InFlight {
		if err := wsutil.WriteClientText(c, payload); err != nil {
			return err
		}
	}
	for {
		p, _, err := wsutil.ReadServerData(c)
		if err != nil {
			return err
		}
		if !m.Received(len(p)) {
			continue
		}
		if err := wsutil.WriteClientText(c, payload); err != nil {
			return err
		}
	}
}
