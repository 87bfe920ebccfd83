//go:build !linux

package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
)

// Poller exists for the sake of Linux. Here it holds nothing, and Conns that
// get one are read by a goroutine.
type Poller struct{}

// NewPoller returns a Poller that watches nothing.
func NewPoller(PollerOptions) (*Poller, error) { return &Poller{}, nil }

// Close does nothing.
func (p *Poller) Close() error { return nil }

// Handoffs is 0.
func (p *Poller) Handoffs() uint64 { return 0 }

// Listener exists for the sake of Linux. Here it is what net.Listen returns.
type Listener struct {
	net.Listener
	once sync.Once
	done chan struct{}
}

// Listen listens on a TCP address, as net.Listen does with the same arguments.
func Listen(network, address string) (*Listener, error) {
	ln, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return &Listener{Listener: ln, done: make(chan struct{})}, nil
}

// Door exists for the sake of Linux.
type Door interface {
	Arrived(n *Newcomer, err error) (more bool)
}

// Done returns a channel that is closed when the Listener is.
func (l *Listener) Done() <-chan struct{} { return l.done }

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// Attach fails with errors.ErrUnsupported: there is no Poller that could accept.
func (l *Listener) Attach(*Poller, Door) error { return errors.ErrUnsupported }

// Resume does nothing.
func (l *Listener) Resume() {}

// Newcomer exists for the sake of Linux.
type Newcomer struct{}

// Welcome returns nil.
func Welcome(net.Conn, *Poller) *Newcomer { return nil }

// Start does nothing.
func (n *Newcomer) Start(*Upgrader, Greeter) error { return net.ErrClosed }

// Answer does nothing.
func (n *Newcomer) Answer(bool, func(*Request) error) (*Conn, *Request, error) {
	return nil, nil, net.ErrClosed
}

// Refuse does nothing.
func (n *Newcomer) Refuse(error) {}

// Expire does nothing.
func (n *Newcomer) Expire() {}

// Close does nothing.
func (n *Newcomer) Close() error { return nil }

// TLSServer is tls.Server.
func TLSServer(nc net.Conn, config *tls.Config) *tls.Conn { return tls.Server(nc, config) }

func cover(nc net.Conn) net.Conn { return nc }

func uncover(nc net.Conn) net.Conn { return nc }

func adopt(net.Conn, *ConnOptions) *Conn { return nil }

func polled(stream) bool { return false }
