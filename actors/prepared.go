package actors

import (
	"errors"

	"github.com/hawser-go/hawser/transport"
)

// SendPrepared is Send for a message that goes to many connections: it was checked
// and framed once for all of them, and compressed once for all that agreed on the
// same. A middleware sees it as it sees others.
func (c *Conn) SendPrepared(p *transport.Prepared) (uint64, error) {
	id, err := c.queuePrepared(p, 0)
	if err == nil {
		c.wake()
	}
	return id, err
}

// Queue is SendPrepared for several messages, in order, that are not written before
// Flush is called or something else has the outbox written: who sends to many
// connections collects what there is, and writes once. It returns how many were
// accepted, and why the next one was not. See also SendBundle.
func (c *Conn) Queue(all ...*transport.Prepared) (n int, err error) {
	room := 0
	for _, p := range all {
		room += len(p.Payload()) + maxHeader
	}
	for _, p := range all {
		room -= len(p.Payload()) + maxHeader
		if _, err = c.queuePrepared(p, room); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Flush writes what has been accepted, on this thread and as far as the socket takes
// it. If the connection is writing already it goes on with it. It does not block:
// where functions of the user see what leaves, a middleware or OnOutcome, another
// thread writes.
func (c *Conn) Flush() {
	switch {
	case c.blockedSince.Load() > 0:
		// the socket is full: the writer goes on with all there is once it has room
	case c.observed():
		c.wake()
	default:
		c.flush()
	}
}

// observed reports whether functions of the user see what leaves.
func (c *Conn) observed() bool {
	return c.out.settled != nil || len(c.side.routes.Load().middleware) > 0
}

// maxHeader is the longest header of a server's frame.
const maxHeader = 10

// queuePrepared accepts a prepared message without waking the writer. The frame is
// used as it is where nobody has to look at the message.
func (c *Conn) queuePrepared(p *transport.Prepared, room int) (uint64, error) {
	if c.side.server && len(c.side.routes.Load().middleware) == 0 {
		id, err := c.out.addFrame(p.Frame(c.wire), room)
		if !errors.Is(err, errNotPlain) {
			return id, err
		}
	}
	id, err := c.out.add(p.Kind(), p.Payload(), 0)
	return id, c.overflowed(err)
}
