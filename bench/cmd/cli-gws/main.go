// cli-gws is a client with lxzan/gws: one goroutine for each connection, which runs the
// handler.
package main

import (
	"github.com/lxzan/gws"

	"github.com/hawser-go/hawser/bench/internal/client"
)

func main() { client.Main(dial) }

func dial(o client.Options, m *client.Meter, payload []byte) (begin func() error, err error) {
	c, _, err := gws.NewClient(&handler{meter: m, payload: payload}, &gws.ClientOption{Addr: o.URL})
	if err != nil {
		return nil, err
	}
	go c.ReadLoop()
	return func() error {
		for range o.InFlight {
			if err := c.WriteMessage(gws.OpcodeText, payload); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

type handler struct {
	gws.BuiltinEventHandler
	meter   *client.Meter
	payload []byte
}

// OnMessage answers an echo with the next message.
func (h *handler) OnMessage(c *gws.Conn, m *gws.Message) {
	size := m.Data.Len()
	_ = m.Close()
	if !h.meter.Received(size) {
		return
	}
	if err := c.WriteMessage(gws.OpcodeText, h.payload); err != nil {
		client.Fail(err)
	}
}

// OnClose ends the program: no connection may end.
func (*handler) OnClose(_ *gws.Conn, err error) { client.Fail(err) }
