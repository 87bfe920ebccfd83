package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// acceptBatch is how many sockets a loop accepts before it looks at others.
const acceptBatch = 64

// Listener is a TCP listener whose sockets a Poller can accept, without a goroutine and
// without net.Conns. To everybody else it is a net.Listener. All methods are safe for
// concurrent use.
type Listener struct {
	fd    int
	addr  *net.TCPAddr
	local netip.AddrPort
	any   bool // it has more than one address
	done  chan struct{}

	mu     sync.Mutex
	closed bool
	file   *os.File    // of Accept; nil until somebody calls it
	s      *pollStream // of Attach; nil until then
	p      *Poller
	door   Door
}

// Door is whom a Poller tells of the sockets of a Listener.
type Door interface {
	// Arrived gets a socket, or why there is none: as net.Listener.Accept fails, for
	// want of descriptors for instance. A loop of the Poller calls it, one call at a
	// time; it must not block. With false no more is accepted until Resume.
	Arrived(n *Newcomer, err error) (more bool)
}

// Listen listens on a TCP address, as net.Listen does with the same arguments.
func Listen(network, address string) (*Listener, error) {
	ln, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = ln.Close() }() // the socket lives on in fd; Go's own poller forgets it
	tl, ok := ln.(*net.TCPListener)
	if !ok {
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	raw, err := tl.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, fault := -1, error(nil)
	if err := raw.Control(func(f uintptr) { fd, fault = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if fault != nil {
		return nil, os.NewSyscallError("fcntl", fault)
	}
	// What is accepted inherits it. net sets it too; a connection is only slower without.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	l := &Listener{fd: fd, addr: tl.Addr().(*net.TCPAddr), done: make(chan struct{})} //nolint:forcetypeassert // of a TCPListener
	l.local = l.addr.AddrPort()
	l.any = l.local.Addr().IsUnspecified()
	return l, nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.addr }

// Done returns a channel that is closed when the Listener is.
func (l *Listener) Done() <-chan struct{} { return l.done }

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.closed = true
	close(l.done)
	var err error
	if l.file != nil {
		err = l.file.Close() // wakes Accept
	}
	if l.s != nil {
		return errors.Join(err, l.s.close(false))
	}
	return errors.Join(err, unix.Close(l.fd))
}

// Accept implements net.Listener, for those who have no Poller.
func (l *Listener) Accept() (net.Conn, error) {
	raw, err := l.waitable()
	if err != nil {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: err}
	}
	fd, fault := -1, error(nil)
	err = raw.Read(func(ln uintptr) bool {
		fd, _, fault = accept(int(ln))
		return !errors.Is(fault, unix.EAGAIN)
	})
	if err == nil && fault == nil {
		var nc net.Conn
		f := os.NewFile(uintptr(fd), "accepted")
		nc, err = net.FileConn(f)
		_ = f.Close()
		return nc, err
	}
	select {
	case <-l.done:
		err = net.ErrClosed
	default:
	}
	if err == nil {
		err = os.NewSyscallError("accept4", fault)
	}
	return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: err}
}

// waitable returns the socket as one that Go's poller knows.
func (l *Listener) waitable() (syscall.RawConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, net.ErrClosed
	}
	if l.file == nil {
		fd, err := unix.FcntlInt(uintptr(l.fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, os.NewSyscallError("fcntl", err)
		}
		l.file = os.NewFile(uintptr(fd), "listener")
	}
	return l.file.SyscallConn()
}

// Attach has p accept the sockets, and d told of them, until Close. It is called once.
func (l *Listener) Attach(p *Poller, d Door) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	lp, err := p.pick()
	if err != nil {
		return err
	}
	l.p, l.door = p, d
	s := newPolled(lp, l.fd, netip.AddrPort{}, l.local)
	s.c.h = (*arrivals)(l)
	s.armed = wantsIn
	if err := lp.add(s); err != nil {
		return err
	}
	l.s = s
	return nil
}

// Resume goes on with accepting after a Door has returned false.
func (l *Listener) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.s != nil {
		l.s.resume()
	}
}

// arrivals is the Handler of a Listener's own socket.
type arrivals Listener

// Readable implements Handler: sockets wait to be accepted.
func (a *arrivals) Readable(c *Conn) {
	s := c.s.(*pollStream) //nolint:forcetypeassert // Attach
	if ok, _ := s.beginRead(); !ok {
		return
	}
	defer s.endRead(false, false)
	for range acceptBatch {
		fd, remote, err := accept(int(s.fd))
		var n *Newcomer
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case err != nil:
			err = &net.OpError{Op: "accept", Net: "tcp", Addr: a.addr, Err: os.NewSyscallError("accept4", err)}
		default:
			n, err = a.take(fd, remote)
		}
		s.pause() // first: Resume may come before Arrived has returned
		if !a.door.Arrived(n, err) {
			return
		}
		s.resume()
	}
}

// Writable implements Handler; nothing is ever written.
func (a *arrivals) Writable(*Conn) {}

// take makes a Newcomer of an accepted socket.
func (a *arrivals) take(fd int, remote netip.AddrPort) (*Newcomer, error) {
	l, err := a.p.pick()
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	local := a.local
	if a.any {
		if sa, err := unix.Getsockname(fd); err == nil {
			local = addrPortOf(sa)
		}
	}
	return &Newcomer{s: newPolled(l, fd, remote, local)}, nil
}

// accept takes a socket that is there; else its error is EAGAIN, or why it cannot.
func accept(ln int) (fd int, remote netip.AddrPort, err error) {
	for {
		var raw unix.RawSockaddrAny
		size := uint32(unix.SizeofSockaddrAny)
		n, _, e := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(ln), uintptr(unsafe.Pointer(&raw)),
			uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		switch e {
		case 0:
			return int(n), addrPortOfRaw(&raw), nil
		case unix.EINTR, unix.ECONNABORTED:
			continue
		}
		return -1, remote, e
	}
}

// addrPortOfRaw reads what the kernel has written.
func addrPortOfRaw(raw *unix.RawSockaddrAny) netip.AddrPort {
	switch raw.Addr.Family {
	case unix.AF_INET:
		a := (*unix.RawSockaddrInet4)(unsafe.Pointer(raw))
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), portOf(&a.Port))
	case unix.AF_INET6:
		a := (*unix.RawSockaddrInet6)(unsafe.Pointer(raw))
		return netip.AddrPortFrom(zoned(a.Addr, a.Scope_id), portOf(&a.Port))
	}
	return netip.AddrPort{}
}

// portOf reads a port, which the kernel writes in the order of the network.
func portOf(raw *uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(raw))
	return uint16(b[0])<<8 | uint16(b[1])
}

func addrPortOf(sa unix.Sockaddr) netip.AddrPort {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(zoned(a.Addr, a.ZoneId), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// zoned makes an address with the name of its zone, if it has one. One of IPv4 stays
// the way in which an IPv6 socket sees it, as with net.
func zoned(addr [16]byte, zone uint32) netip.Addr {
	a := netip.AddrFrom16(addr)
	if zone == 0 {
		return a
	}
	if i, err := net.InterfaceByIndex(int(zone)); err == nil {
		return a.WithZone(i.Name)
	}
	return a
}
