package load

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/hawser-go/hawser/bench/internal/hist"
)

// conn is one client connection of a Generator.
type conn struct {
	g       *Generator
	fd      int
	index   int32 // in g.conns; the user data of its epoll events
	side    bool
	latency *hist.Histogram // its own, or the one that connections share

	parser parser

	place   place
	pong    []byte // goes out at the next frame boundary, before the messages
	wantOut bool   // waits for EPOLLOUT
	flight  flight

	// Of a subscriber: the publishes that it has got, and the place of the next one
	// among those outstanding.
	got  uint64
	slot int
}

// send queues n messages and writes what the socket takes.
func (c *conn) send(n int, t int64) error {
	c.place.queue(&c.g.stream, n)
	for range n {
		c.flight.push(t)
	}
	return c.flush()
}

// flush writes what is queued, until the socket is full.
func (c *conn) flush() error {
	for c.place.pending > 0 || len(c.pong) > 0 {
		p, pong := c.next()
		n, err := write(c.fd, p)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return c.watch(true)
		case err != nil:
			return err
		}
		if pong {
			c.pong = c.pong[n:]
			continue
		}
		c.place.wrote(&c.g.stream, n)
	}
	return c.watch(false)
}

// next is what to write next: a pong goes between two frames.
func (c *conn) next() (p []byte, pong bool) {
	p = c.place.next(&c.g.stream)
	if len(c.pong) == 0 {
		return p, false
	}
	rest := c.g.stream.rest(c.place.offset)
	if rest == 0 {
		return c.pong, true
	}
	return p[:rest], false
}

// watch turns the wish for EPOLLOUT on or off.
func (c *conn) watch(out bool) error {
	if c.wantOut == out {
		return nil
	}
	c.wantOut = out
	return control(c.g.epoll, unix.EPOLL_CTL_MOD, c.fd, c.index, out)
}

// receive reads once and returns how many messages came.
func (c *conn) receive() (int, error) {
	n, err := read(c.fd, c.g.buffer)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return 0, nil
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.ErrUnexpectedEOF
	}
	messages, err := c.parser.feed(c.g.buffer[:n])
	if err != nil {
		return messages, err
	}
	if c.parser.pinged && len(c.pong) == 0 {
		c.parser.pinged = false
		c.pong = appendFrame(nil, opPong, c.parser.ping)
		err = c.flush()
	}
	return messages, err
}

// close resets the connection, so that no port stays in TIME_WAIT.
func (c *conn) close() { reset(c.fd) }
