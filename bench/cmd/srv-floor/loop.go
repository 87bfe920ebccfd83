package main

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/bench/internal/wire"
)

const bufferSize = 1 << 20

// loop serves all connections on the thread that runs it.
type loop struct {
	epoll    int
	listener int
	conns    map[int32]*conn
	subs     map[*conn]struct{} // those of /sub
	in, out  []byte             // one read and its answers, for all connections
}

type conn struct {
	fd     int
	path   string // what the request asked for; empty until it has been answered
	rest   []byte // an incomplete frame or request
	unsent []byte // answers that the socket did not take
}

// errGone ends a connection: the client has closed it.
var errGone = errors.New("the client has gone")

func newLoop(listener int) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create", err)
	}
	l := &loop{
		epoll: epoll, listener: listener, conns: map[int32]*conn{}, subs: map[*conn]struct{}{},
		in: make([]byte, bufferSize), out: make([]byte, 0, bufferSize),
	}
	return l, l.control(unix.EPOLL_CTL_ADD, listener, unix.EPOLLIN)
}

func (l *loop) control(op, fd int, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}))
}

func (l *loop) run() error {
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 512)
	for {
		n, err := unix.EpollWait(l.epoll, events, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, ev := range events[:max(n, 0)] {
			if int(ev.Fd) == l.listener {
				l.accept()
			} else if c := l.conns[ev.Fd]; c != nil {
				l.handle(c, ev.Events)
			}
		}
	}
}

// accept takes all connections that wait. One that fails here is the runner's to notice.
func (l *loop) accept() {
	for {
		fd, _, err := unix.Accept4(l.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if l.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN) != nil {
			_ = unix.Close(fd)
			continue
		}
		l.conns[int32(fd)] = &conn{fd: fd}
	}
}

func (l *loop) handle(c *conn, events uint32) {
	var err error
	if events&unix.EPOLLOUT != 0 {
		err = l.write(c, nil)
	}
	if err == nil && events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		err = l.read(c)
	}
	if err != nil {
		l.close(c)
	}
}

func (l *loop) close(c *conn) {
	delete(l.conns, int32(c.fd))
	delete(l.subs, c)
	_ = unix.Close(c.fd)
}

func (l *loop) read(c *conn) error {
	have := copy(l.in, c.rest)
	n, err := unix.Read(c.fd, l.in[have:])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return nil
	case err != nil:
		return err
	case n == 0:
		return errGone
	}
	p := l.in[:have+n]
	if c.path == "" {
		if p, err = l.upgrade(c, p); err != nil {
			return err
		}
	}
	if c.path == "" {
		c.rest = keep(c.rest, p)
		return nil
	}
	step := wire.Echo(l.out[:0], p)
	l.out = step.All()
	c.rest = keep(c.rest, step.Rest)
	switch c.path {
	case peer.SubPath:
		return l.answer(c, step.Close, step.Close != nil)
	case peer.PubPath:
		l.publish(step.Answers)
		return l.answer(c, step.Close, step.Close != nil)
	}
	return l.answer(c, step.All(), step.Close != nil)
}

// upgrade answers the request if it is whole, and returns what follows it.
func (l *loop) upgrade(c *conn, p []byte) (rest []byte, err error) {
	answer, rest, path, err := wire.Upgrade(l.out[:0], p)
	if err != nil || path == "" {
		return rest, err
	}
	c.path = path
	if path == peer.SubPath {
		l.subs[c] = struct{}{}
	}
	return rest, l.write(c, answer)
}

// answer sends p, and ends the connection if that closes it.
func (l *loop) answer(c *conn, p []byte, closed bool) error {
	if len(p) > 0 {
		if err := l.write(c, p); err != nil {
			return err
		}
	}
	if closed {
		return errGone
	}
	return nil
}

// publish sends all that one read of a publisher has brought to each subscriber with one
// write.
func (l *loop) publish(frames []byte) {
	if len(frames) == 0 {
		return
	}
	for c := range l.subs {
		if l.write(c, frames) != nil {
			l.close(c)
		}
	}
}

// keep copies what is left of a read; an idle connection has no memory for it.
func keep(old, p []byte) []byte {
	if len(p) == 0 {
		return nil
	}
	return append(old[:0], p...)
}

// write sends what is unsent and then p. What the socket does not take waits for EPOLLOUT.
func (l *loop) write(c *conn, p []byte) error {
	waiting := len(c.unsent) > 0
	if waiting {
		p = append(c.unsent, p...)
	}
	for len(p) > 0 {
		n, err := unix.Write(c.fd, p)
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		if err != nil {
			return err
		}
		p = p[n:]
	}
	c.unsent = append([]byte(nil), p...)
	switch {
	case len(p) > 0 && !waiting:
		return l.control(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLIN|unix.EPOLLOUT)
	case len(p) == 0 && waiting:
		return l.control(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLIN)
	}
	return nil
}
