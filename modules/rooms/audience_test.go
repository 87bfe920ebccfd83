//go:build linux

package rooms

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

// audience is a process with many connections that reads and counts.
type audience struct {
	b   *testing.B
	in  *bufio.Reader
	out io.Writer
}

// newAudience starts the process; it connects to addr, and offers compression if there is
// a handshake.
func newAudience(b *testing.B, addr string, members int, handshake bool) *audience {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBeTheAudience$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("ROOMS_AUDIENCE=%s %d %t", addr, members, handshake))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = out.Close()
		_ = cmd.Wait()
	})
	a := &audience{b: b, in: bufio.NewReader(in), out: out}
	a.answer() // it is there
	return a
}

// gets has the process wait for so many bytes from now on; the answer comes when they
// are there. With -1 it tells how many have come once no more do.
func (a *audience) gets(n int64) {
	if _, err := fmt.Fprintln(a.out, n); err != nil {
		a.b.Fatal(err)
	}
}

func (a *audience) answer() int64 {
	line, err := a.in.ReadString('\n')
	if err != nil {
		a.b.Fatal(err)
	}
	n, err := strconv.ParseInt(line[:len(line)-1], 10, 64)
	if err != nil {
		a.b.Fatal(err)
	}
	return n
}

// TestBeTheAudience is the other process.
func TestBeTheAudience(t *testing.T) {
	var addr string
	var members int
	var handshake bool
	if n, _ := fmt.Sscan(os.Getenv("ROOMS_AUDIENCE"), &addr, &members, &handshake); n != 3 {
		t.Skip("no benchmark asks for it")
	}
	epoll, err := syscall.EpollCreate1(0)
	if err != nil {
		t.Fatal(err)
	}
	for range members {
		fd := connect(t, addr, handshake)
		if err := syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println(members)
	total, events, buf := int64(0), make([]syscall.EpollEvent, 512), make([]byte, 256<<10)
	for target := int64(0); ; {
		if _, err := fmt.Scan(&target); err != nil {
			os.Exit(0)
		}
		for end, wait := total+target, 1000; target < 0 || total < end; {
			n, err := syscall.EpollWait(epoll, events, wait)
			if n == 0 && target < 0 {
				break
			}
			if n < 0 && err != syscall.EINTR { //nolint:errorlint // it is never wrapped
				t.Fatal(err)
			}
			for i := range max(n, 0) {
				if got, err := syscall.Read(int(events[i].Fd), buf); err == nil {
					total += int64(got)
				}
			}
			wait = 200
		}
		fmt.Println(total)
	}
}

// connect opens a connection and returns its descriptor.
func connect(t *testing.T, addr string, handshake bool) int {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if handshake {
		shake(t, c)
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	if e := raw.Control(func(f uintptr) { fd, err = syscall.Dup(int(f)) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
	_ = c.Close() // Go's poller watches it no more
	return fd
}

// shake makes c a WebSocket connection, with compression if the server wants it.
func shake(t testing.TB, c net.Conn) {
	const request = "GET / HTTP/1.1\r\nHost: rooms.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(answer, err)
	}
	_ = answer.Body.Close()
}
