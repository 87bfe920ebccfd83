package load

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// stage is what a life waits for.
type stage string

const (
	connecting stage = "connect"
	upgrading  stage = "handshake"
	echoing    stage = "echo"
	closing    stage = "close"
)

// life is a place for one connection after the other.
type life struct {
	l      *Lives
	fd     int // -1: none is open
	index  int32
	stage  stage
	bornAt int64
	buffer []byte // the answer to the upgrade, then one read
	have   int    // bytes of that answer
	parser parser
}

// begin starts to connect.
func (c *life) begin(t int64) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	scratch := c.parser.control[:0] // nothing is allocated for a life
	c.fd, c.stage, c.bornAt, c.have = fd, connecting, t, 0
	c.parser = c.l.answers
	c.parser.control = scratch
	c.l.born++
	if err := prepare(fd, &c.l.sources[c.l.born%sources]); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if err := unix.Connect(fd, &c.l.addr); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("connect: %w", err)
	}
	return control(c.l.epoll, unix.EPOLL_CTL_ADD, fd, c.index, true)
}

// end resets the connection.
func (c *life) end() {
	if c.fd >= 0 {
		reset(c.fd)
	}
	c.fd = -1
}

// step goes on with a life for which events have come. It reports whether that was all.
func (c *life) step(events uint32) (over bool, err error) {
	if c.stage == connecting {
		return false, c.connected(events)
	}
	n, err := read(c.fd, c.buffer[c.have:])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return false, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, io.ErrUnexpectedEOF
	}
	if c.stage == upgrading {
		c.have += n
		return false, c.upgraded()
	}
	messages, err := c.parser.feed(c.buffer[:n])
	switch {
	case err != nil:
		return false, err
	case messages > 1 || messages == 1 && c.stage == closing:
		return false, errUnasked
	case c.parser.closed && c.stage == echoing:
		return false, errors.New("the server closed the connection")
	case messages == 1:
		c.stage = closing
		return false, c.write(c.l.farewell)
	}
	return c.parser.closed, nil
}

func (c *life) connected(events uint32) error {
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		code, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		return errors.Join(err, syscall.Errno(code))
	}
	c.stage = upgrading
	if err := control(c.l.epoll, unix.EPOLL_CTL_MOD, c.fd, c.index, false); err != nil {
		return err
	}
	return c.write(c.l.request)
}

func (c *life) upgraded() error {
	whole, err := upgraded(c.buffer[:c.have], false)
	switch {
	case err != nil:
		return err
	case whole:
		c.stage, c.have = echoing, 0
		return c.write(c.l.frame)
	case c.have == len(c.buffer):
		return fmt.Errorf("the answer is longer than %d bytes", c.have)
	}
	return nil
}

// write sends what always fits into the buffer of a socket that has sent nothing yet.
func (c *life) write(p []byte) error {
	n, err := write(c.fd, p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}
