package transporttest

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/hawser-go/hawser/transport"
)

// PipeOptions says how the two ends of a Pipe are made. The zero value works.
type PipeOptions struct {
	// Dialer makes the client. NetDial and Proxy are replaced. Default: its zero
	// value.
	Dialer transport.Dialer
	// Upgrader makes the server. Default: its zero value.
	Upgrader transport.Upgrader
}

// Pipe returns the two ends of a WebSocket connection over a new Link, after a
// real handshake. Neither is started. It panics if the handshake fails.
//
// The caller closes both ends, or the link, before its test ends.
func Pipe(o PipeOptions) (client, server *transport.Conn, link *Link) {
	link = NewLink()
	client, server, err := Join(link, o)
	if err != nil {
		panic(err)
	}
	return client, server, link
}

// Join does the handshake over a link that may have faults already. With an
// error both ends are closed.
func Join(link *Link, o PipeOptions) (client, server *transport.Conn, err error) {
	type upgraded struct {
		c   *transport.Conn
		err error
	}
	done := make(chan upgraded, 1)
	go func() {
		c, _, err := o.Upgrader.Upgrade(link.Server())
		done <- upgraded{c, err}
	}()
	o.Dialer.NetDial = func(context.Context, string, string) (net.Conn, error) { return link.Client(), nil }
	o.Dialer.Proxy = transport.NoProxy
	client, _, err = o.Dialer.Dial(context.Background(), "ws://pipe.test/")
	if err != nil {
		_ = link.Client().Close()
	}
	up := <-done
	switch {
	case err == nil && up.err == nil:
		return client, up.c, nil
	case err == nil:
		_ = client.Close()
	case up.err == nil:
		_ = up.c.Close()
	}
	link.Close()
	return nil, nil, fmt.Errorf("transporttest: %w", errors.Join(err, up.err))
}
