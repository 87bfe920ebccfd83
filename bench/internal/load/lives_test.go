package load

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

func lives(t *testing.T, addr netip.AddrPort, atOnce int) *Lives {
	t.Helper()
	l, err := NewLives(addr, "/echo", []byte("hello"), atOnce)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	l.patience = 500 * time.Millisecond
	return l
}

func TestLivesEndWithACloseHandshakeAndLeaveNoPort(t *testing.T) {
	var farewells atomic.Uint64
	addr := serve(t, func(c net.Conn) error {
		err := echo(c)
		var closed wsutil.ClosedError
		if errors.As(err, &closed) && closed.Code == ws.StatusNormalClosure {
			farewells.Add(1)
		}
		return err
	})
	l := lives(t, addr, 8)
	if err := l.Verify(); err != nil {
		t.Fatal(err)
	}
	marks := 0
	m, err := l.Run(Window{Warm: 2 * time.Millisecond, Length: 30 * time.Millisecond, Mark: func() { marks++ }})
	if err != nil {
		t.Fatal(err)
	}
	if m.Messages == 0 || m.P50 <= 0 || m.P50 > m.P99 || m.P99 > m.Max || marks != 2 {
		t.Errorf("%+v, %d marks", m, marks)
	}
	if total := l.Messages(); total < m.Messages+1 || farewells.Load()+8 < total { // the last ones may be on their way
		t.Errorf("%d lives, %d of them in the window, the server said farewell to %d", total, m.Messages, farewells.Load())
	}
	if n := timeWait(t, addr); n != 0 {
		t.Errorf("%d sockets are left in TIME_WAIT", n)
	}
}

// timeWait counts the sockets in TIME_WAIT between the generator's addresses and a server.
func timeWait(t *testing.T, addr netip.AddrPort) (n int) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	server := fmt.Sprintf("0100007F:%04X", addr.Port())
	isClient := func(field string) bool {
		return field[0] == '0' && field[1] >= '2' && strings.HasPrefix(field[2:], "00007F:")
	}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line) // number, local address, remote address, state
		if len(fields) > 3 && fields[3] == "06" &&
			(fields[1] == server && isClient(fields[2]) || fields[2] == server && isClient(fields[1])) {
			n++
		}
	}
	return n
}

func TestLivesThatGoWrongAreErrors(t *testing.T) {
	// answers sends frames for the message, and farewell for the close frame.
	answers := func(farewell []ws.Frame, frames ...ws.Frame) func(*testing.T) netip.AddrPort {
		return func(t *testing.T) netip.AddrPort {
			t.Helper()
			return serve(t, func(c net.Conn) error {
				f, err := readFrame(c)
				if err != nil {
					return err
				}
				answer := frames
				if f.Header.OpCode == ws.OpClose {
					answer = farewell
				}
				_, err = c.Write(serverFrames(answer...))
				return err
			})
		}
	}
	hello, farewell := ws.NewTextFrame([]byte("hello")), ws.NewCloseFrame(nil)
	cases := []struct {
		name, want string
		server     func(t *testing.T) netip.AddrPort
	}{
		{"nobody listens", "connect: connection refused", func(t *testing.T) netip.AddrPort {
			t.Helper()
			listener := listen(t)
			_ = listener.Close()
			return netip.MustParseAddrPort(listener.Addr().String())
		}},
		{"no upgrade", "404", func(t *testing.T) netip.AddrPort {
			t.Helper()
			return accept(listen(t), func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 404 Not Found\r\n\r\n")) })
		}},
		{"no answer", "handshake: nothing for", func(t *testing.T) netip.AddrPort {
			t.Helper()
			return accept(listen(t), func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)); _, _ = c.Read(make([]byte, 1)) })
		}},
		{"other bytes", "differs", answers([]ws.Frame{farewell}, ws.NewTextFrame([]byte("HELLO")))},
		{"two echoes", "nobody asked", answers(nil, hello, hello)},
		{"a close frame instead", "echo: the server closed", answers(nil, hello, farewell)},
		{"a message behind the close frame", "nobody asked", answers([]ws.Frame{hello}, hello)},
		{"no close frame", "close: nothing for", answers(nil, ws.NewPingFrame(nil), hello)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := lives(t, c.server(t), 2)
			l.patience = 50 * time.Millisecond
			if err := l.Verify(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Verify = %v, want an error with %q", err, c.want)
			}
		})
	}
}
