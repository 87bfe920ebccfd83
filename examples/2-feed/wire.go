package main

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
)

// venue is one address of the exchange. Its sockets can be broken from outside, as
// networks do it: the server does not know.
type venue struct {
	net.Listener
	name string

	mu    sync.Mutex
	wires map[*wire]struct{}
}

// wire is one socket of a venue.
type wire struct {
	net.Conn
	venue *venue
	mute  atomic.Bool
}

func openVenue(name string) (*venue, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("venue %s: %w", name, err)
	}
	return &venue{Listener: ln, name: name, wires: map[*wire]struct{}{}}, nil
}

func (v *venue) url() string { return "ws://" + v.Addr().String() + "/" + v.name }

// Accept implements net.Listener.
func (v *venue) Accept() (net.Conn, error) {
	nc, err := v.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: nc, venue: v}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wires[w] = struct{}{}
	return w, nil
}

// open returns the sockets that there are now.
func (v *venue) open() []*wire {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Collect(maps.Keys(v.wires))
}

// cut ends the socket with a reset, as a firewall does that has lost its state.
func (w *wire) cut() {
	if tcp, ok := w.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = w.Conn.Close()
}

// silence lets nothing through any more, and tells nobody: the socket stays open.
func (w *wire) silence() { w.mute.Store(true) }

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	for {
		n, err := w.Conn.Read(p)
		if err != nil || !w.mute.Load() {
			return n, err
		}
	}
}

// Write implements net.Conn.
func (w *wire) Write(p []byte) (int, error) {
	if w.mute.Load() {
		return len(p), nil
	}
	return w.Conn.Write(p)
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.venue.mu.Lock()
	delete(w.venue.wires, w)
	w.venue.mu.Unlock()
	return w.Conn.Close()
}
