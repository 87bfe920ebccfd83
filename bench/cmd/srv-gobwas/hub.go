package main

import (
	"bytes"
	"net"

	"github.com/gobwas/ws"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

// hub writes the frame of a message, made once, to one subscriber after the other.
type hub struct{ all peer.Subscribers[subscriber] }

type subscriber struct {
	conn     net.Conn
	deflated bool
}

// subscribe ends when the client goes. What it sends is ignored.
func (h *hub) subscribe(s subscriber, m messages) {
	h.all.Add(s)
	defer h.all.Remove(s)
	for {
		if _, _, err := m.read(); err != nil {
			return
		}
	}
}

// publish ends when the client goes.
func (h *hub) publish(m messages) {
	for {
		op, p, err := m.read()
		if err != nil {
			return
		}
		var frame, deflated []byte
		h.all.Each(func(s subscriber) {
			if s.deflated && deflated == nil {
				deflated = compiled(func(b *bytes.Buffer) error { return deflate(b, op, p) })
			} else if !s.deflated && frame == nil {
				frame = compiled(func(b *bytes.Buffer) error { return ws.WriteFrame(b, ws.NewFrame(op, true, p)) })
			}
			one := frame
			if s.deflated {
				one = deflated
			}
			_, _ = s.conn.Write(one) // a dead connection ends in subscribe
		})
	}
}

// compiled is what write makes. Writing to memory does not fail.
func compiled(write func(*bytes.Buffer) error) []byte {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		peer.Fail(err)
	}
	return b.Bytes()
}
