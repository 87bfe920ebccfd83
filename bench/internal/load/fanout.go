package load

import (
	"errors"
	"fmt"
	"net/netip"
)

// Fanout is one connection that publishes and many that all get everything published. A
// message is a delivery. A publish is complete, and another one goes out, when the last
// subscriber has it; that is its latency.
type Fanout struct {
	*Generator
	publisher   *conn
	subscribers []*conn
	published   uint64
	missing     []int // for each publish outstanding, the subscribers without it; a ring
	slot        int   // of the next publish
}

var _ Load = (*Fanout)(nil)

// FanoutOptions say what connections to open.
type FanoutOptions struct {
	Publish     string // path of the publisher
	Subscribe   string // path of the subscribers
	Subscribers int
	Outstanding int // publishes that are kept incomplete. Default 1.
}

// NewFanout opens the connections. The generator must have none; it stays the caller's
// to close.
func NewFanout(g *Generator, addr netip.AddrPort, o FanoutOptions) (*Fanout, error) {
	f := &Fanout{Generator: g, missing: make([]int, max(o.Outstanding, 1))}
	if err := g.Dial(addr, DialOptions{Path: o.Subscribe, Conns: o.Subscribers}); err != nil {
		return nil, err
	}
	f.subscribers = g.conns
	if err := g.Dial(addr, DialOptions{Path: o.Publish, Conns: 1, InFlight: len(f.missing)}); err != nil {
		return nil, err
	}
	f.publisher = g.conns[len(g.conns)-1]
	return f, nil
}

// publish sends n messages. Fewer than len(missing) may be outstanding then.
func (f *Fanout) publish(n int, t int64) error {
	for range n {
		f.missing[f.slot] = len(f.subscribers)
		if f.slot++; f.slot == len(f.missing) {
			f.slot = 0
		}
		f.published++
	}
	return f.publisher.send(n, t)
}

// deliver notes that a subscriber has got messages, and returns how many publishes are
// complete by that: always the oldest, as every subscriber gets them in order.
func (f *Fanout) deliver(c *conn, messages int) (complete int, err error) {
	if c == f.publisher {
		return 0, errors.New("the server sent a message to the publisher")
	}
	if c.got+uint64(messages) > f.published {
		return 0, fmt.Errorf("a subscriber got %d messages, %d were published", c.got+uint64(messages), f.published)
	}
	c.got += uint64(messages)
	for range messages {
		if f.missing[c.slot]--; f.missing[c.slot] == 0 {
			complete++
		}
		if c.slot++; c.slot == len(f.missing) {
			c.slot = 0
		}
	}
	return complete, nil
}

// behind says who is missing what.
func (f *Fanout) behind() string {
	subscribers, messages := 0, uint64(0)
	for _, c := range f.subscribers {
		if c.got < f.published {
			subscribers++
			messages += f.published - c.got
		}
	}
	return fmt.Sprintf("%d of %d subscribers miss %d messages", subscribers, len(f.subscribers), messages)
}
