package main

import (
	"github.com/lxzan/gws"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

// hub fans out with gws' Broadcaster, which frames and compresses once and writes to each
// connection from that connection's own queue.
type hub struct{ all peer.Subscribers[*gws.Conn] }

// subscriber ignores what its connections send.
type subscriber struct {
	gws.BuiltinEventHandler
	hub *hub
}

// OnOpen begins a subscription.
func (s *subscriber) OnOpen(c *gws.Conn) { s.hub.all.Add(c) }

// OnClose ends it.
func (s *subscriber) OnClose(c *gws.Conn, _ error) { s.hub.all.Remove(c) }

// OnMessage gives the message back to its pool.
func (*subscriber) OnMessage(_ *gws.Conn, m *gws.Message) { _ = m.Close() }

// publisher sends what comes to all subscribers.
type publisher struct {
	gws.BuiltinEventHandler
	hub *hub
}

// OnMessage publishes.
func (p *publisher) OnMessage(_ *gws.Conn, m *gws.Message) {
	b := gws.NewBroadcaster(m.Opcode, m.Bytes())
	p.hub.all.Each(func(c *gws.Conn) { _ = b.Broadcast(c) }) // a dead connection ends in OnClose
	_ = b.Close()
	_ = m.Close()
}
