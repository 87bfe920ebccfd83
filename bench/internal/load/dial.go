package load

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"golang.org/x/sys/unix"
)

// sources is how many addresses (127.0.0.2 and up) the connections come from. One
// address has 28,000 ports, which is too few when thousands of connections come and go.
const sources = 8

// dialTimeout bounds each read and write of the handshake, in seconds. Connecting is
// bounded by the number of SYNs, which go out after 0, 1 and 3 s; a time-out there would
// make the signals of Go's scheduler interrupt it.
const (
	dialTimeout = 5
	synRetries  = 2
)

// open connects to addr and does the handshake. The socket is non-blocking afterwards.
func open(addr netip.AddrPort, path string, seq int) (int, error) {
	fd, err := connect(addr, seq)
	if err != nil {
		return -1, err
	}
	if err = handshake(fd, addr, path); err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func connect(addr netip.AddrPort, seq int) (int, error) {
	if !addr.Addr().Is4() || !addr.Addr().IsLoopback() {
		return -1, fmt.Errorf("%v is not in 127.0.0.0/8", addr)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	timeout := unix.Timeval{Sec: dialTimeout}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_SYNCNT, synRetries),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		// The port is chosen at connect, when the kernel knows both ends.
		unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + seq%sources)}}),
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

// handshake upgrades the connection. It does not check Sec-WebSocket-Accept: this is a
// load generator, and a server that got it wrong fails its own tests.
func handshake(fd int, addr netip.AddrPort, path string) error {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %v\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", path, addr, base64.StdEncoding.EncodeToString(key[:]))
	if _, err := again(func() (int, error) { return unix.Write(fd, []byte(request)) }); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	answer := make([]byte, 0, 4096)
	for {
		n, err := again(func() (int, error) { return unix.Read(fd, answer[len(answer):cap(answer)]) })
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("handshake: %w", err)
		}
		answer = answer[:len(answer)+n]
		end := bytes.Index(answer, []byte("\r\n\r\n"))
		switch {
		case end < 0 && len(answer) == cap(answer):
			return errors.New("handshake: the answer is longer than 4 KiB")
		case end < 0:
			continue
		case !bytes.HasPrefix(answer, []byte("HTTP/1.1 101 ")):
			return fmt.Errorf("handshake: %.200q", answer)
		case len(answer) != end+4:
			return errors.New("handshake: the server spoke before it was spoken to")
		}
		return nil
	}
}

// again repeats what a signal has interrupted: a socket with a time-out is not restarted
// by the kernel (signal(7)), and Go's scheduler sends signals to its own threads.
func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
