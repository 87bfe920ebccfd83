package actors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
)

// harbour is a server on real sockets: on a listener of its own with the poller,
// and behind net/http.
type harbour struct {
	*Server
	t     testing.TB
	ways  map[string]string // addresses
	limit context.Context
}

// moor starts one. When the test ends nothing of it may be left.
func moor(t *testing.T, loops int, o ServerOptions) *harbour {
	t.Helper()
	system := actorstest.System(t, actorstest.AllowErrors())
	ln, err := transport.Listen("tcp", "127.0.0.1:0") // before the count: it starts Go's own poller
	if err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	r, err := acquireRoot(system)
	if err != nil {
		t.Fatal(err)
	}
	r.polling.Do(func() { r.poller, _ = transport.NewPoller(transport.PollerOptions{Loops: loops}) })
	server, err := NewServer(system, o)
	if err != nil {
		t.Fatal(err)
	}
	<-r.release() // the server has it now
	mux := http.NewServeMux()
	mux.Handle("/", server)
	web, served := httptest.NewServer(mux), make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	limit, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(func() {
		defer cancel()
		web.Close()
		if err := server.Close(limit); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("serve returned %v", err)
		}
		if b := server.Books(); !b.Balanced() || b.InFlight != 0 {
			t.Errorf("books: %v", b)
		}
		if after := descriptors(t); after != before-1 {
			t.Errorf("%d descriptors, %d before", after, before-1)
		}
	})
	return &harbour{server, t, map[string]string{"Serve": ln.Addr().String(), "net/http": web.Listener.Addr().String()}, limit}
}

// descriptors counts those of the process.
func descriptors(t testing.TB) int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(all)
}

func (h *harbour) meet(way, path string) *peer {
	h.t.Helper()
	return meet(h.t, func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, h.ways[way])
	}, path)
}

// client is one of ours; what it gets is in the channel.
func (h *harbour) client(way string) (*Client, chan string) {
	h.t.Helper()
	got := make(chan string, 1000)
	c, err := Dial(h.limit, h.s.system, "ws://"+h.ways[way]+"/", ClientOptions{
		Modules: []Module{module("sink", "", func(_ *Context, m transport.Message) { got <- show(ws.OpCode(m.Kind), string(m.Payload)) })},
		Limits:  transport.Limits{MaxMessage: 16 << 20}, Outbox: OutboxLimits{Bytes: 32 << 20, Age: -1},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if err := c.Close(h.limit); err != nil {
			h.t.Errorf("close client: %v", err)
		}
		if b := c.Books(); !b.Balanced() || b.InFlight != 0 {
			h.t.Errorf("client's books: %v", b)
		}
	})
	return c, got
}

var echoModule = module("echo", "", func(ctx *Context, m transport.Message) { _, _ = ctx.Echo(m) })

func TestEveryLengthIsEchoedOverRealSockets(t *testing.T) {
	h := moor(t, 2, ServerOptions{Limits: transport.Limits{MaxMessage: 16 << 20}, Outbox: OutboxLimits{Bytes: 17 << 20}, Modules: []Module{echoModule}})
	for way := range h.ways {
		p := h.meet(way, "/")
		c, got := h.client(way)
		for i, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20, 16 << 20} {
			for _, op := range []ws.OpCode{ws.OpText, ws.OpBinary}[i/7:] {
				body := strings.Repeat("x", size)
				want := show(op, body)
				p.write(piece{head: 0x80 | byte(op), body: body})
				p.expect(want)
				if _, err := c.Send(transport.Kind(op), []byte(body)); err != nil {
					t.Errorf("send: %v", err)
				}
				if s := <-got; s != want {
					t.Errorf("%s: our client got %q, want %q", way, s, want)
				}
			}
		}
		body := strings.Repeat("κόσμε", 100_000)
		parts := split(body, 5000)
		p.write(slices.Insert(parts, len(parts)/2, piece{head: ping, body: "between"})...)
		p.expect("pong between", show(ws.OpText, body))
		p.leave()
	}
}

func TestTwoHundredClientsKeepTheirOrder(t *testing.T) {
	const clients, messages = 200, 100
	var h *harbour
	t.Cleanup(func() { // behind the close: who reads a message may be ahead of the books
		if b := h.Books(); b.Written != clients*messages {
			t.Errorf("books: %v", b)
		}
	})
	h = moor(t, 2, ServerOptions{Modules: []Module{echoModule}})
	var wg sync.WaitGroup
	for i := range clients {
		way := []string{"Serve", "net/http"}[i/2%2]
		if i%2 == 0 {
			c, got := h.client(way)
			wg.Go(func() {
				for n := range messages {
					_, _ = c.SendText(fmt.Sprint(i, " ", n))
				}
				for n := range messages {
					if s, want := <-got, fmt.Sprintf("text %d %d", i, n); s != want {
						t.Errorf("got %q, want %q", s, want)
						return
					}
				}
			})
			continue
		}
		p := h.meet(way, "/")
		wg.Go(func() {
			sent, want := many(messages, text, ws.OpText)
			p.write(sent[:messages/2]...)
			for _, x := range sent[messages/2:] {
				p.write(x)
			}
			p.expect(want...)
			p.leave()
		})
	}
	wg.Wait()
}

func TestABlockedModuleDelaysNobodyElseOnItsLoop(t *testing.T) {
	blocked, release := make(chan struct{}), make(chan struct{})
	h := moor(t, 1, ServerOptions{Modules: []Module{
		module("block", "/block", func(ctx *Context, m transport.Message) {
			close(blocked)
			<-release
			_, _ = ctx.Echo(m)
		}),
		{Name: "echo", Path: "/", New: echoModule.New},
	}})
	stuck := h.meet("Serve", "/block")
	var others []*peer
	for range 10 {
		others = append(others, h.meet("Serve", "/"))
	}
	stuck.text("late")
	<-blocked
	for i := range 100 {
		for _, p := range others {
			p.text(fmt.Sprint(i))
			p.expect(fmt.Sprint("text ", i))
		}
	}
	close(release)
	stuck.expect("text late")
	if h.s.root.poller.Handoffs() == 0 {
		t.Error("the loop was not handed on; do these connections share it?")
	}
}

func TestBlockPushesBackOnThePeerAndLosesNothing(t *testing.T) {
	release, got := make(chan struct{}), make(chan string, 10_000)
	h := moor(t, 1, ServerOptions{Modules: []Module{{Name: "slow", Async: true, QueueBytes: 100_000, New: func() Handler {
		return HandlerFunc(func(_ *Context, m transport.Message) {
			<-release
			got <- string(m.Payload)
		})
	}}}})
	p := h.meet("Serve", "/")
	_ = p.nc.(*net.TCPConn).SetWriteBuffer(64 << 10)
	const messages = 500 // of 60,000 bytes: more than the kernel holds for the two
	var b []byte
	for i := range messages {
		b = append(b, piece{head: binary_, body: fmt.Sprintf("%060000d", i)}.bytes(true)...)
	}
	for len(b) > 0 {
		_ = p.nc.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := p.nc.Write(b)
		b = b[n:]
		if errors.Is(err, os.ErrDeadlineExceeded) && n == 0 {
			break
		}
	}
	if len(b) == 0 {
		t.Error("the peer was never made to wait")
	}
	close(release)
	go func() {
		_ = p.nc.SetWriteDeadline(time.Now().Add(time.Minute))
		_, _ = p.nc.Write(b)
	}()
	for i := range messages {
		if s, want := <-got, fmt.Sprintf("%060000d", i); s != want {
			t.Fatalf("message %d has %d bytes and ends with %.10s", i, len(s), s[max(0, len(s)-10):])
		}
	}
	p.leave()
}

func TestCloseUnderLoadSaysGoingAwayToAll(t *testing.T) {
	h := moor(t, 2, ServerOptions{Modules: []Module{echoModule}})
	var peers []*peer
	for i := range 100 {
		peers = append(peers, h.meet([]string{"Serve", "net/http"}[i%2], "/"))
	}
	var going, away sync.WaitGroup
	going.Add(len(peers))
	for i, p := range peers {
		over, quiet, window := make(chan struct{}), make(chan struct{}), make(chan struct{}, 20)
		away.Go(func() {
			defer close(quiet)
			for frame := (piece{head: text, body: "load"}).bytes(true); ; {
				select {
				case <-over:
					return
				case window <- struct{}{}:
					if _, err := p.nc.Write(frame); err != nil {
						t.Errorf("write: %v", err)
						return
					}
				}
			}
		})
		away.Go(func() {
			got := p.next()
			for going.Done(); got == "text load"; got = p.next() {
				<-window
			}
			close(over)
			if got != "close 1001 server is going away" {
				t.Errorf("client %d gets %q", i, got)
			}
			<-quiet
			p.write(piece{head: bye, body: closeBody(1001, "")})
			p.expect("EOF")
		})
	}
	going.Wait()
	start := time.Now()
	if err := h.Close(h.limit); err != nil || time.Since(start) > 6*time.Second {
		t.Errorf("close: %v after %v", err, time.Since(start))
	}
	away.Wait()
}

// introduce is a module that tells who its connections are.
func introduce(conns chan *Conn) Module {
	return module("introduce", "", func(ctx *Context, _ transport.Message) { conns <- ctx.Conn() })
}
