package actors

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/gobwas/ws"

	"github.com/hawser-go/hawser/transport"
)

// large is a text of size bytes that tells one from another.
func large(i, size int) string { return strings.Repeat(fmt.Sprintf("%07d,", i), size/8+1)[:size] }

func TestALargeEchoLeavesFromWhereItIs(t *testing.T) {
	var lent atomic.Int32
	echo := module("echo", "", func(ctx *Context, m transport.Message) {
		_, _ = ctx.Echo(m)
		out := ctx.conn.out
		out.mu.Lock()
		defer out.mu.Unlock()
		end := out.data.tail.buf.B
		if unsafe.SliceData(end[len(end)-1:]) == unsafe.SliceData(m.Payload[len(m.Payload)-1:]) {
			lent.Add(1)
		}
	})
	h := moor(t, 1, ServerOptions{Modules: []Module{echo}})
	p := h.meet("Serve", "/")
	for i, size := range []int{100, 60_000, 64 << 10, 200} {
		p.text(large(i, size))
		p.expect(show(ws.OpText, large(i, size)))
	}
	if n := lent.Load(); n != 2 {
		t.Errorf("%d echoes were lent, want the two large ones", n)
	}
	p.leave()
}

// Small and large, once and twice, replies and echoes: all in order.
func TestLargeEchoesKeepTheirPlaceAmongOtherReplies(t *testing.T) {
	reply := module("reply", "", func(ctx *Context, m transport.Message) {
		_, _ = ctx.Reply(transport.Text, []byte("before"))
		_, _ = ctx.Echo(m)
		_, _ = ctx.Reply(transport.Text, []byte("between"))
		_, _ = ctx.Echo(m)
		_, _ = ctx.Reply(transport.Binary, m.Payload)
	})
	again := module("again", "", func(ctx *Context, m transport.Message) { _, _ = ctx.Echo(m) })
	inLine := reply
	inLine.Async = true
	for _, c := range []struct {
		name    string
		modules []Module
		ahead   int // messages that are sent before the first answer
	}{{"in the turn", []Module{reply}, 39}, {"asynchronous", []Module{inLine}, 39}, {"two modules", []Module{reply, again}, 0}} {
		t.Run(c.name, func(t *testing.T) {
			h := moor(t, 2, ServerOptions{Modules: c.modules, Outbox: OutboxLimits{Bytes: 64 << 20}})
			p := h.meet("Serve", "/")
			body := func(i int) string { return large(i, 1+i%3*30_000) }
			for i := range c.ahead {
				p.text(body(i))
			}
			for i := range 40 {
				if i+c.ahead < 40 {
					p.text(body(i + c.ahead))
				}
				echo := show(ws.OpText, body(i))
				want := []string{"text before", echo, "text between", echo, show(ws.OpBinary, body(i))}
				if len(c.modules) == 1 {
					if !p.expect(want...) {
						t.Fatalf("message %d", i)
					}
					continue
				}
				var got []string // two may answer at a time
				for range len(want) + 1 {
					got = append(got, p.next())
				}
				slices.Sort(got)
				if want = append(want, echo); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
					t.Fatalf("message %d: got %q, want %q in any order", i, got, want)
				}
			}
			p.leave()
		})
	}
}

func TestLargeEchoesToAPeerThatReadsLateAllArrive(t *testing.T) {
	h := moor(t, 1, ServerOptions{Modules: []Module{echoModule}, Outbox: OutboxLimits{Bytes: 64 << 20}})
	p := h.meet("Serve", "/")
	_ = p.nc.(*net.TCPConn).SetReadBuffer(16 << 10)
	const messages = 300 // of 60,000 bytes: more than the kernel holds for the two
	go func() {
		for i := range messages {
			p.text(large(i, 60_000))
		}
	}()
	for deadline := time.Now().Add(10 * time.Second); h.Books().InFlight == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the socket takes it all")
		}
	}
	for i := range messages {
		if !p.expect(show(ws.OpText, large(i, 60_000))) {
			t.Fatalf("message %d", i)
		}
	}
	p.leave()
}

func TestLargeEchoesToAPeerThatDiesHaveAnOutcome(t *testing.T) {
	h := moor(t, 2, ServerOptions{Modules: []Module{echoModule}, Outbox: OutboxLimits{Bytes: 1 << 20}})
	for range 20 {
		p := h.meet("Serve", "/")
		_ = p.nc.(*net.TCPConn).SetReadBuffer(16 << 10)
		for i := range 60 {
			_ = p.nc.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
			if _, err := p.nc.Write((piece{head: text, body: large(i, 60_000)}).bytes(true)); err != nil {
				break
			}
		}
		_ = p.nc.(*net.TCPConn).SetLinger(0)
		_ = p.nc.Close()
	}
	for deadline := time.Now().Add(30 * time.Second); h.Connections() > 0 || h.Books().InFlight > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections, %v", h.Connections(), h.Books())
		}
	}
	if b := h.Books(); !b.Balanced() || b.Accepted == 0 {
		t.Errorf("books: %v", b)
	}
}

func TestAnEchoThatFindsTheOutboxFullIsRefused(t *testing.T) {
	refused := make(chan error, 1)
	h := moor(t, 1, ServerOptions{
		Outbox: OutboxLimits{Messages: 3, Overflow: RejectNewest},
		Modules: []Module{module("echo", "", func(ctx *Context, m transport.Message) {
			var err error
			for i := 0; i < 5 && err == nil; i++ {
				_, err = ctx.Echo(m)
			}
			refused <- err
		})},
	})
	p := h.meet("Serve", "/")
	body := large(7, 60_000)
	p.text(body)
	if err := <-refused; err != ErrOutboxFull { //nolint:errorlint // it is the very one
		t.Errorf("refused with %v, want %v", err, ErrOutboxFull)
	}
	p.expect(show(ws.OpText, body), show(ws.OpText, body), show(ws.OpText, body))
	p.leave()
}
