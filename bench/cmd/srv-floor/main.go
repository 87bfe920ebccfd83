// srv-floor echoes and fans out from one bare epoll loop on one thread, without actors,
// goroutines or allocations, and without checks. It is no server that one could use: it is the bound
// of what the kernel and the frame format leave to win.
package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

const backlog = 4096

func main() {
	peer.Know()
	listener, addr, err := listen()
	if err != nil {
		peer.Fail(err)
	}
	peer.Announce(addr)
	l, err := newLoop(listener)
	if err != nil {
		peer.Fail(err)
	}
	peer.Fail(l.run())
}

// listen opens a non-blocking listener on a free port of 127.0.0.1.
func listen() (fd int, addr string, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, "", os.NewSyscallError("socket", err)
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, "", os.NewSyscallError("bind", err)
	}
	if err = unix.Listen(fd, backlog); err != nil {
		return -1, "", os.NewSyscallError("listen", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return -1, "", os.NewSyscallError("getsockname", err)
	}
	v4, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return -1, "", fmt.Errorf("the listener has an address of type %T", name)
	}
	return fd, fmt.Sprintf("127.0.0.1:%d", v4.Port), nil
}
