package actors

import (
	"errors"
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
	const room = 3
	refused := make(chan error, 1)
	h := moor(t, 1, ServerOptions{
		Outbox: OutboxLimits{Messages: room, Overflow: RejectNewest},
		Modules: []Module{module("echo", "", func(ctx *Context, m transport.Message) {
			for range m.Payload[6] - '0' {
				_, _ = ctx.Reply(transport.Text, []byte("small"))
			}
			var err error
			for range room + 1 {
				if _, err = ctx.Echo(m); err != nil {
					break
				}
			}
			refused <- err
		})},
	})
	p := h.meet("Serve", "/")
	for small := range room + 1 { // in the end the first echo, which could be lent, finds it full
		body := large(small, 60_000)
		p.text(body)
		if err := <-refused; !errors.Is(err, ErrOutboxFull) {
			t.Errorf("%d small ones: refused with %v, want %v", small, err, ErrOutboxFull)
		}
		for i := range room {
			if i < small {
				p.expect("text small")
			} else {
				p.expect(show(ws.OpText, body))
			}
		}
	}
	p.leave()
}

// What is lent may still have to be judged, changed or compressed on its way out.
func TestLargeEchoesGoTheWayOfAllReplies(t *testing.T) {
	plainly := transport.Compression{Enabled: true, Threshold: 1 << 20} // a client that compresses nothing but understands it
	upper := judge{send: func(_ *Conn, m transport.Message) Verdict {
		switch m.Payload[6] {
		case '3':
			return Drop("unlucky")
		case '5':
			return Replace(transport.Message{Kind: m.Kind, Payload: []byte("five")})
		}
		return Pass()
	}}
	for _, c := range []struct {
		name string
		o    ServerOptions
	}{
		{"compressed", ServerOptions{Compression: transport.Compression{Enabled: true}}},
		{"compressed, with context takeover", ServerOptions{Compression: transport.Compression{Enabled: true, ContextTakeover: true}}},
		{"judged", ServerOptions{Middleware: []Middleware{upper.named("upper", false)}}},
		{"judged inline", ServerOptions{Middleware: []Middleware{upper.named("upper", true)}}},
		{"judged and compressed", ServerOptions{Compression: transport.Compression{Enabled: true}, Middleware: []Middleware{upper.named("upper", false)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				c.o.Limits.MaxMessage = 1 << 20
				w.serve(c.o)
				w.dial(ClientOptions{Compression: plainly, Limits: transport.Limits{MaxMessage: 1 << 20}})
				w.ready()
				var want []string
				for i := range 8 {
					body := large(i, 60_000)
					w.send(body)
					switch {
					case len(c.o.Middleware) > 0 && i == 3:
					case len(c.o.Middleware) > 0 && i == 5:
						want = append(want, "five")
					default:
						want = append(want, body)
					}
				}
				time.Sleep(time.Minute)
				if got := w.echoed(); !slices.Equal(got, want) {
					t.Errorf("%d messages came back, or others, want %d", len(got), len(want))
				}
				if b := w.server.Books(); !b.Balanced() || b.InFlight != 0 {
					t.Errorf("books: %v", b)
				}
				w.end()
			})
		})
	}
}
