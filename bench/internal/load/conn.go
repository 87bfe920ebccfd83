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

	// The stream of frames that it sends is g.pattern for ever: offset is the place
	// within a frame, pending the bytes that are still to be written.
	offset  int
	pending int
	pong    []byte // goes out at the next frame boundary, before the messages
	wantOut bool   // waits for EPOLLOUT

	sent       []int64 // ring of send times, as long as the messages in flight
	head, tail int
}

// send queues n messages and writes what the socket takes.
func (c *conn) send(n int, t int64) error {
	c.pending += n * c.g.frameSize
	for range n {
		c.sent[c.head] = t
		if c.head++; c.head == len(c.sent) {
			c.head = 0
		}
	}
	return c.flush()
}

// flush writes what is queued, until the socket is full.
func (c *conn) flush() error {
	for c.pending > 0 || len(c.pong) > 0 {
		p := c.next()
		n, err := write(c.fd, p)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return c.watch(true)
		case err != nil:
			return err
		}
		if len(c.pong) > 0 && c.offset == 0 {
			c.pong = c.pong[n:]
			continue
		}
		c.pending -= n
		c.offset = (c.offset + n) % c.g.frameSize
	}
	return c.watch(false)
}

// next is what to write next: a pong goes between two frames.
func (c *conn) next() []byte {
	if len(c.pong) == 0 {
		return c.g.pattern[c.offset:min(len(c.g.pattern), c.offset+c.pending)]
	}
	if c.offset == 0 {
		return c.pong
	}
	return c.g.pattern[c.offset:c.g.frameSize]
}

// watch turns the wish for EPOLLOUT on or off.
func (c *conn) watch(out bool) error {
	if c.wantOut == out {
		return nil
	}
	c.wantOut = out
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: c.index}
	if out {
		ev.Events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(c.g.epoll, unix.EPOLL_CTL_MOD, c.fd, &ev)
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

// answered takes the send time of the oldest message in flight out of the ring.
func (c *conn) answered() (sentAt int64) {
	sentAt = c.sent[c.tail]
	if c.tail++; c.tail == len(c.sent) {
		c.tail = 0
	}
	return sentAt
}

// close resets the connection, so that no port stays in TIME_WAIT.
func (c *conn) close() {
	_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	_ = unix.Close(c.fd)
}
