//go:build !linux

package transport

import "net"

// Poller exists for the sake of Linux. Here it holds nothing, and Conns that
// get one are read by a goroutine.
type Poller struct{}

// NewPoller returns a Poller that watches nothing.
func NewPoller(PollerOptions) (*Poller, error) { return &Poller{}, nil }

// Close does nothing.
func (p *Poller) Close() error { return nil }

// Handoffs is 0.
func (p *Poller) Handoffs() uint64 { return 0 }

func adopt(net.Conn, *ConnOptions) *Conn { return nil }

func polled(stream) bool { return false }
