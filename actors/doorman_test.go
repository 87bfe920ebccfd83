//go:build linux

package actors

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
)

// doors is a server on a listener of transport.Listen.
type doors struct {
	t      *testing.T
	ln     *transport.Listener
	server *Server
	served chan error
}

func openDoors(t *testing.T, o ServerOptions) *doors {
	t.Helper()
	system := actorstest.System(t, actorstest.AllowErrors())
	o.Modules = []Module{{Name: "echo", New: func() Handler {
		return HandlerFunc(func(ctx *Context, m transport.Message) { _, _ = ctx.Echo(m) })
	}}}
	server, err := NewServer(system, o)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := transport.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &doors{t: t, ln: ln, server: server, served: make(chan error, 1)}
	go func() { d.served <- server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
		_ = ln.Close()
	})
	return d
}

// knock connects and sends text.
func (d *doors) knock(text string) net.Conn {
	d.t.Helper()
	nc, err := net.Dial("tcp4", d.ln.Addr().String())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(nc, text); err != nil {
		d.t.Fatal(err)
	}
	return nc
}

const goodKnock = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// answered reads the status of an answer.
func (d *doors) answered(nc net.Conn, want int) {
	d.t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil || resp.StatusCode != want {
		d.t.Fatalf("answered %v, %v; want %d", resp, err, want)
	}
}

// echoes sends a message and reads it back.
func (d *doors) echoes(nc net.Conn) {
	d.t.Helper()
	frame := transport.AppendFrame(nil, byte(transport.Text), []byte("hello"), true)
	transport.SealFrame(frame)
	if _, err := nc.Write(frame); err != nil {
		d.t.Fatal(err)
	}
	got := make([]byte, 7)
	if _, err := io.ReadFull(nc, got); err != nil || string(got[2:]) != "hello" {
		d.t.Errorf("%q, %v", got, err)
	}
}

func TestThePollerLetsSocketsIn(t *testing.T) {
	d := openDoors(t, ServerOptions{})
	nc := d.knock(goodKnock)
	d.answered(nc, 101)
	d.echoes(nc)
	closing := transport.AppendFrame(nil, opClose, []byte{3, 232}, true)
	transport.SealFrame(closing)
	if _, err := nc.Write(closing); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(nc); err != nil || string(rest) != "\x88\x02\x03\xe8" {
		t.Errorf("the answer to a close frame is %x, %v", rest, err)
	}
}

func TestAPolledHandshakeIsOverInTime(t *testing.T) {
	d := openDoors(t, ServerOptions{HandshakeTimeout: time.Second})
	silent, slow := d.knock(""), d.knock("GET / HTTP/1.1\r\n")
	d.answered(silent, 408)
	d.answered(slow, 408)
	d.answered(d.knock(goodKnock), 101)
	if n := d.server.Stats().Refused[408]; n != 2 {
		t.Errorf("%d refusals with 408; want 2", n)
	}
}

func TestTheDoormanWaitsForRoom(t *testing.T) {
	d := openDoors(t, ServerOptions{Handshakes: 1})
	silent := d.knock("")
	d.answered(d.knock(goodKnock), 101) // the silent one has to make room
	if answer, err := io.ReadAll(silent); len(answer) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("%q, %v", answer, err)
	}
	d.answered(d.knock(goodKnock), 101)
}

func TestServeEndsWithItsListener(t *testing.T) {
	d := openDoors(t, ServerOptions{CloseTimeout: 50 * time.Millisecond})
	nc := d.knock(goodKnock)
	d.answered(nc, 101)
	d.echoes(nc) // the answer to the handshake comes before the connection counts
	_ = d.ln.Close()
	if err := <-d.served; !errors.Is(err, net.ErrClosed) || errors.Is(err, ErrServerClosed) {
		t.Errorf("Serve = %v; want net.ErrClosed", err)
	}
	if n := d.server.Connections(); n != 1 {
		t.Errorf("%d connections; want the one that there was", n)
	}
	other, err := transport.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { d.served <- d.server.Serve(other) }()
	d.ln = other
	d.answered(d.knock(goodKnock), 101)
	if err := d.server.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-d.served; !errors.Is(err, ErrServerClosed) {
		t.Errorf("Serve = %v; want ErrServerClosed", err)
	}
}

func TestAFunctionOfTheUserNeverRunsOnTheLoop(t *testing.T) {
	held := make(chan struct{})
	d := openDoors(t, ServerOptions{Authorize: func(r *transport.Request) error {
		if r.Path == "/slow" {
			<-held
		}
		if r.Path == "/exit" {
			panic("no")
		}
		return nil
	}})
	slow := d.knock(strings.Replace(goodKnock, "GET /", "GET /slow", 1))
	d.answered(d.knock(goodKnock), 101)
	d.answered(d.knock(strings.Replace(goodKnock, "GET /", "GET /exit", 1)), 500)
	close(held)
	d.answered(slow, 101)
}
