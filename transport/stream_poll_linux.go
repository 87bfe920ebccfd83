package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// polledConn is a Conn and its stream in one allocation.
type polledConn struct {
	Conn
	stream pollStream
}

// pollStream is a raw descriptor in an epoll loop.
//
// Events are level-triggered. While an event is of no use, because its Read has
// not come or reading is paused, epoll is made quiet about it, but only when it
// reports it: mostly the Read comes first and that costs nothing. What epoll
// reports is computed from state alone, under mu, after each change of state
// that matters; so the last change wins, in whatever order they come.
type pollStream struct {
	state  atomic.Uint64
	c      *Conn
	l      *loop
	remote netip.AddrPort
	local  netip.AddrPort
	fd     int32
	slot   int32 // place in the loop's table
	gen    uint32
	armed  uint32 // what epoll reports
	mu     sync.Mutex
	ch     chan struct{} // of done; nil until asked for
}

// adopt moves nc to the poller of o. It returns nil, and leaves nc alone, when that
// cannot be.
func adopt(nc net.Conn, o *ConnOptions) *Conn {
	if o.Poller == nil {
		return nil
	}
	switch nc := nc.(type) {
	case *net.TCPConn:
		pc := new(polledConn)
		pc.s = &pc.stream
		if pc.stream.move(nc, &pc.Conn, o) {
			return &pc.Conn
		}
	case *tls.Conn:
		return adoptTLS(nc, o)
	}
	return nil
}

// move makes s the stream of c, with the socket of tc. If that cannot be it returns
// false and leaves tc alone.
func (s *pollStream) move(tc *net.TCPConn, c *Conn, o *ConnOptions) bool {
	l, err := o.Poller.pick()
	if err != nil {
		return false
	}
	fd, err := duplicate(tc)
	if err != nil {
		return false
	}
	s.init(c, l, fd, addrPort(tc.RemoteAddr()), addrPort(tc.LocalAddr()))
	s.armed = silent
	s.state.Store(unstarted | quiet)
	c.init(o)
	if err := l.add(s); err != nil {
		c.release()
		_ = unix.Close(fd)
		return false
	}
	_ = tc.Close() // the socket lives on in fd
	return true
}

// newPolled makes a stream and its Conn, which the loop does not know yet.
func newPolled(l *loop, fd int, remote, local netip.AddrPort) *pollStream {
	pc := new(polledConn)
	pc.s = &pc.stream
	pc.stream.init(&pc.Conn, l, fd, remote, local)
	return &pc.stream
}

func (s *pollStream) init(c *Conn, l *loop, fd int, remote, local netip.AddrPort) {
	s.c, s.fd, s.l, s.remote, s.local = c, int32(fd), l, remote, local
}

func duplicate(tc *net.TCPConn) (int, error) {
	raw, err := tc.SyscallConn()
	if err != nil {
		return 0, err
	}
	fd, dupErr := -1, error(nil)
	err = raw.Control(func(f uintptr) { fd, dupErr = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, dupErr)
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

func polled(s stream) bool {
	_, pumped := s.(*pumpStream)
	return !pumped
}

func (s *pollStream) start(h Handler, now bool) {
	s.c.h = h
	if now {
		s.state.Or(more)
	}
	s.unblock(unstarted)
}

func (s *pollStream) done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		if s.state.Load()&(gone|starting) == gone {
			return closedChan
		}
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *pollStream) beginRead() (bool, error) {
	for {
		old := s.state.Load()
		switch {
		case old&closed != 0:
			return false, ErrClosed
		case old&reading != 0:
			return false, nil
		case s.state.CompareAndSwap(old, old|reading+user):
			return true, nil
		}
	}
}

func (s *pollStream) endRead(failed, again bool) {
	switch {
	case failed:
		s.state.Or(ended)
	case again:
		s.state.Or(more)
	}
	s.unblock(told | reading)
	s.leave()
}

func (s *pollStream) fill(buf *Buffer, hint int) (*Buffer, bool, error) {
	b := buf
	if b == nil {
		b = NewBuffer(max(minRead, hint))
	}
	space := b.B[len(b.B):cap(b.B)]
	n, e := sysRead(s.fd, space)
	if e == 0 && n > 0 {
		b.B = b.B[:len(b.B)+n]
		return b, n == len(space), nil
	}
	if buf == nil {
		b.Release()
	}
	switch e {
	case 0:
		return buf, false, io.EOF
	case unix.EAGAIN, unix.EINTR:
		return buf, false, errAgain
	}
	return buf, false, os.NewSyscallError("read", e)
}

func (s *pollStream) write(p []byte, last bool) (int, error) {
	if !s.enter() {
		return 0, ErrClosed
	}
	defer s.leave()
	if len(p) == 0 {
		return 0, nil
	}
	flags := uintptr(unix.MSG_NOSIGNAL)
	if last {
		flags |= unix.MSG_MORE
	}
	n, e := sysWrite(s.fd, p, flags)
	for e == unix.EINTR {
		n, e = sysWrite(s.fd, p, flags)
	}
	if e != 0 && e != unix.EAGAIN {
		return 0, &WriteError{Err: os.NewSyscallError("write", e)}
	}
	if e != 0 {
		n = 0
	}
	if n < len(p) {
		s.state.Or(wantOut)
		s.arm()
	}
	return n, nil
}

func (s *pollStream) pause()  { s.state.Or(paused) }
func (s *pollStream) resume() { s.unblock(paused) }

func (s *pollStream) closeWrite() error {
	if !s.enter() {
		return ErrClosed
	}
	defer s.leave()
	if err := unix.Shutdown(int(s.fd), unix.SHUT_WR); err != nil {
		return &WriteError{Err: os.NewSyscallError("shutdown", err)}
	}
	return nil
}

func (s *pollStream) exhausted() bool {
	if !s.enter() {
		return false
	}
	defer s.leave()
	n, err := unix.IoctlGetInt(int(s.fd), unix.TIOCINQ)
	return err == nil && n == 0
}

func (s *pollStream) close(reset bool) error {
	if !s.enter() {
		return nil
	}
	defer s.leave()
	if reset {
		_ = unix.SetsockoptLinger(int(s.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	s.state.Or(closed)
	return nil
}

func (s *pollStream) remoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.remote) }
func (s *pollStream) localAddr() net.Addr  { return net.TCPAddrFromAddrPort(s.local) }

// These do not tell Go's scheduler: the descriptors never block.

func sysRead(fd int32, p []byte) (int, syscall.Errno) {
	n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return int(n), e
}

func sysWrite(fd int32, p []byte, flags uintptr) (int, syscall.Errno) {
	n, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		flags, 0, 0)
	return int(n), e
}

func sysClose(fd int32) { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

func sysWatch(ep, op int, s *pollStream) syscall.Errno {
	ev := s.event()
	_, _, e := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(ep), uintptr(op), uintptr(s.fd),
		uintptr(unsafe.Pointer(&ev)), 0, 0)
	return e
}
