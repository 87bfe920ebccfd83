package load

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func dial(t *testing.T, payload string, addr netip.AddrPort, options ...DialOptions) *Generator {
	t.Helper()
	g, err := New(Options{Payloads: [][]byte{[]byte(payload)}, Batch: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	for _, o := range options {
		if err := g.Dial(addr, o); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func TestRunMeasuresWhatComesBack(t *testing.T) {
	for _, o := range []DialOptions{
		{Path: "/echo", Conns: 1},
		{Path: "/echo", Conns: 20, InFlight: 100},
		{Path: "/echo", Conns: 3, Apart: true},
	} {
		g := dial(t, strings.Repeat("x", 300), serve(t, echo), o)
		if err := g.Verify(); err != nil {
			t.Fatal(err)
		}
		marks := 0
		m, err := g.Run(Window{Warm: 5 * time.Millisecond, Length: 50 * time.Millisecond, Mark: func() { marks++ }})
		if err != nil {
			t.Fatal(err)
		}
		if m.Messages == 0 || m.P50 <= 0 || m.P50 > m.P99 || m.P99 > m.Max || marks != 2 {
			t.Errorf("%+v: %+v, %d marks", o, m, marks)
		}
		if g.Messages() <= m.Messages {
			t.Errorf("%d messages in all, %d of them in the window", g.Messages(), m.Messages)
		}
	}
}

func TestPayloadLargerThanTheSocketBuffersComesBack(t *testing.T) {
	g := dial(t, strings.Repeat("x", 1<<23), serve(t, echo), DialOptions{Path: "/echo", Conns: 1, InFlight: 2})
	if err := g.Verify(); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Run(Window{Length: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
}

func TestSideConnectionsAreLeftOutUntilAskedFor(t *testing.T) {
	const pause = 5 * time.Millisecond
	fast := serve(t, echo)
	slow := serve(t, func(c net.Conn) error {
		p, op, err := wsutil.ReadClientData(c)
		if err != nil {
			return err
		}
		time.Sleep(pause) // the generator runs in real time
		return wsutil.WriteServerMessage(c, op, p)
	})
	g := dial(t, "hello", fast, DialOptions{Path: "/echo", Conns: 2, Apart: true})
	if err := g.Dial(slow, DialOptions{Path: "/slow", Conns: 1, Side: true}); err != nil {
		t.Fatal(err)
	}
	alone, err := g.Run(Window{Length: 30 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	beside, err := g.Run(Window{Length: 60 * time.Millisecond, Side: true})
	if err != nil {
		t.Fatal(err)
	}
	if alone.SideMessages != 0 || alone.Messages == 0 {
		t.Errorf("alone: %+v", alone)
	}
	if beside.SideMessages == 0 || beside.SideMin < pause*99/100 || beside.Messages < 10*beside.SideMessages {
		t.Errorf("beside: %+v", beside)
	}
}

func TestPingsAreAnswered(t *testing.T) {
	ponged := make(chan string, 1)
	addr := serve(t, func(c net.Conn) error {
		p, op, err := wsutil.ReadClientData(c)
		if err != nil {
			return err
		}
		if err := ws.WriteFrame(c, ws.NewPingFrame([]byte("tick"))); err != nil {
			return err
		}
		f, err := readFrame(c)
		if err != nil {
			return err
		}
		if f.Header.OpCode == ws.OpPong {
			select {
			case ponged <- string(f.Payload):
			default:
			}
		}
		return wsutil.WriteServerMessage(c, op, p)
	})
	g := dial(t, "hello", addr, DialOptions{Path: "/echo", Conns: 1})
	if err := g.Verify(); err != nil {
		t.Fatal(err)
	}
	if got := <-ponged; got != "tick" {
		t.Errorf("pong with %q", got)
	}
}

func TestAPongGoesBetweenTwoFrames(t *testing.T) {
	const size = 1 << 24 // no socket buffers take that, so the ping comes within the message
	ponged := make(chan error, 1)
	addr := serve(t, func(c net.Conn) error {
		h, err := ws.ReadHeader(c)
		if err != nil {
			return err
		}
		if err := ws.WriteFrame(c, ws.NewPingFrame([]byte("tick"))); err != nil {
			return err
		}
		p := make([]byte, h.Length)
		if _, err := io.ReadFull(c, p); err != nil {
			return err
		}
		f, err := readFrame(c)
		if err == nil && (f.Header.OpCode != ws.OpPong || string(f.Payload) != "tick") {
			err = fmt.Errorf("%+v", f.Header)
		}
		ponged <- err
		ws.Cipher(p, h.Mask, 0)
		return wsutil.WriteServerText(c, p)
	})
	g := dial(t, strings.Repeat("x", size), addr, DialOptions{Path: "/echo", Conns: 1})
	if err := g.Verify(); err != nil {
		t.Fatal(err)
	}
	if err := <-ponged; err != nil {
		t.Errorf("behind the message came no pong: %v", err)
	}
}

func TestAWindowLastsUntilSomethingIsComplete(t *testing.T) {
	addr := serve(t, func(c net.Conn) error {
		p, op, err := wsutil.ReadClientData(c)
		if err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond) // the generator runs in real time
		return wsutil.WriteServerMessage(c, op, p)
	})
	g := dial(t, "hello", addr, DialOptions{Path: "/echo", Conns: 1})
	m, err := g.Run(Window{Length: time.Nanosecond})
	if err != nil || m.Messages != 1 || m.P50 <= 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestWrongEchoesAreErrors(t *testing.T) {
	cases := []struct {
		name, want string
		answer     func(c net.Conn, p []byte) error
	}{
		{"other bytes", "differs", func(c net.Conn, p []byte) error { p[0]++; return wsutil.WriteServerText(c, p) }},
		{"other size", "4 bytes", func(c net.Conn, p []byte) error { return wsutil.WriteServerText(c, p[1:]) }},
		{"two", "nobody asked", func(c net.Conn, p []byte) error {
			_, err := c.Write(serverFrames(ws.NewTextFrame(p), ws.NewTextFrame(p)))
			return err
		}},
		{"none", "EOF", func(net.Conn, []byte) error { return net.ErrClosed }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			addr := serve(t, func(c net.Conn) error {
				p, _, err := wsutil.ReadClientData(c)
				if err != nil {
					return err
				}
				return tc.answer(c, p)
			})
			g := dial(t, "hello", addr, DialOptions{Path: "/echo", Conns: 1})
			if err := g.Verify(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Verify = %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestOnlyLoopbackIsDialled(t *testing.T) {
	g := dial(t, "hello", netip.AddrPort{})
	for _, a := range []string{"192.0.2.1:80", "[::1]:80"} {
		err := g.Dial(netip.MustParseAddrPort(a), DialOptions{Path: "/", Conns: 1})
		if err == nil || !strings.Contains(err.Error(), "127.0.0.0/8") {
			t.Errorf("Dial(%s) = %v", a, err)
		}
	}
}
