package load

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// sources is how many addresses (127.0.0.2 and up) the connections come from. One
// address has 28,000 ports, which is too few when thousands of connections come and go.
const sources = 8

func source(seq int) [4]byte { return [4]byte{127, 0, 0, byte(2 + seq%sources)} }

// dialTimeout bounds each read and write of the handshake, in seconds. Connecting is
// bounded by the number of SYNs, which go out after 0, 1 and 3 s; a time-out there would
// make the signals of Go's scheduler interrupt it.
const (
	dialTimeout = 5
	synRetries  = 2
)

// open connects to addr and does the handshake. The socket is non-blocking afterwards.
func open(addr netip.AddrPort, path string, deflate bool, seq int) (int, error) {
	fd, err := connect(addr, seq)
	if err != nil {
		return -1, err
	}
	if err = handshake(blocking(fd), upgradeRequest(addr, path, deflate), deflate); err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func connect(addr netip.AddrPort, seq int) (int, error) {
	if err := loopback(addr); err != nil {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	timeout := unix.Timeval{Sec: dialTimeout}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_SYNCNT, synRetries),
		prepare(fd, &unix.SockaddrInet4{Addr: source(seq)}),
	)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()})
	}
	if err == nil {
		err = errors.Join(
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &timeout),
		)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect: %w", err)
	}
	return fd, nil
}

// prepare binds a socket to the address from, without a port.
func prepare(fd int, from *unix.SockaddrInet4) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	// The port is chosen at connect, when the kernel knows both ends.
	if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	return unix.Bind(fd, from)
}

func loopback(addr netip.AddrPort) error {
	if !addr.Addr().Is4() || !addr.Addr().IsLoopback() {
		return fmt.Errorf("%v is not in 127.0.0.0/8", addr)
	}
	return nil
}
