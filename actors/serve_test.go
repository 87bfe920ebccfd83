package actors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// brokenListener has no descriptors for a while.
type brokenListener struct {
	*transporttest.Listener
	broken atomic.Bool
	failed []time.Time
}

func (l *brokenListener) Accept() (net.Conn, error) {
	if l.broken.Load() {
		l.failed = append(l.failed, time.Now())
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

// stamps is a log that keeps only the times of its lines.
type stamps struct{ at []time.Time }

func (s *stamps) Write(p []byte) (int, error) {
	s.at = append(s.at, time.Now())
	return len(p), nil
}

func TestServingGoesOnWhenAcceptFailsForAWhile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		log := &stamps{}
		w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: time.Second, Timeout: -1}, Logger: slog.New(slog.NewTextHandler(log, nil))})
		ln, served := &brokenListener{Listener: transporttest.NewListener()}, make(chan error, 1)
		go func() { served <- w.server.Serve(ln) }()
		before := meet(t, ln.Dial, "/")
		ln.broken.Store(true)
		during := meet(t, ln.Dial, "/") // Accept waited for it already
		for range 60 {
			time.Sleep(time.Second)
			before.text("unharmed")
			before.expect("text unharmed")
		}
		ln.broken.Store(false)
		start := time.Now()
		meet(t, ln.Dial, "/").leave()
		if took := time.Since(start); took > time.Second {
			t.Errorf("accepted %v after there were descriptors again", took)
		}
		pause := 5 * time.Millisecond
		for i, at := range ln.failed[1:] {
			if got := at.Sub(ln.failed[i]); got != pause {
				t.Errorf("pause %d is %v, want %v", i, got, pause)
			}
			pause = min(2*pause, time.Second)
		}
		for i := 1; i < len(log.at); i++ {
			if log.at[i].Sub(log.at[i-1]) < time.Second {
				t.Errorf("line %d of the log comes after %v", i, log.at[i].Sub(log.at[i-1]))
			}
		}
		if len(log.at) < 30 || len(ln.failed) > 80 {
			t.Errorf("%d lines for %d failures of a minute", len(log.at), len(ln.failed))
		}
		before.leave()
		during.leave()
		w.end()
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("serve returned %v", err)
		}
	})
}

func TestCloseCutsHandshakesAndLetsNobodyInAnyMore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		var shaking []net.Conn
		for _, said := range []string{"", "GET / HTTP/1.1\r\nHost: hawser.test\r\nUpg"} {
			nc, _ := w.listener.Dial(t.Context(), "", "")
			_, _ = io.WriteString(nc, said)
			shaking = append(shaking, nc)
		}
		synctest.Wait()
		start := time.Now()
		if err := w.server.Close(t.Context()); err != nil || time.Since(start) > 0 {
			t.Errorf("close: %v after %v", err, time.Since(start))
		}
		for i, nc := range shaking {
			if _, err := io.ReadAll(nc); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("handshake %d: %v", i, err)
			}
			_ = nc.Close()
		}
		ln := transporttest.NewListener()
		if err := w.server.Serve(ln); !errors.Is(err, ErrServerClosed) {
			t.Errorf("serve after close: %v", err)
		}
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the listener of a closed server: %v", err)
		}
		w.end()
	})
}

func TestServerCloseFromInsideAHandlerReturns(t *testing.T) {
	for _, others := range []int{0, 3} {
		inWorld(t, func(t *testing.T, w *world) {
			closed := make(chan error, 1)
			w.serve(ServerOptions{Modules: []Module{module("closer", "", func(_ *Context, m transport.Message) {
				if string(m.Payload) == "close" {
					closed <- w.server.Close(context.Background())
				}
			})}})
			var peers []*peer
			for range others + 1 {
				peers = append(peers, w.meet("/"))
			}
			w.connections(others + 1) // a handshake that ends while the server closes is reset
			peers[0].text("close")
			var left *UnstoppedError
			if err := <-closed; err != nil && !errors.As(err, &left) {
				t.Errorf("close returned %v", err)
			}
			for _, p := range peers[1:] {
				p.expect("close 1001 ")
			}
			w.end()
		})
	}
}

// On one actor system, whoever closes leaves the others alone, and the root goes
// with the last.
func TestClientsAndServersShareARootUntilTheLastOfThemIsClosed(t *testing.T) {
	inWorld(t, func(t *testing.T, first *world) {
		var names []string
		for range 2 {
			a, b := first, newWorld(t, first.system)
			a.listener = transporttest.NewListener()
			a.serve(ServerOptions{})
			b.serve(ServerOptions{})
			a.dial(ClientOptions{})
			b.dial(ClientOptions{})
			a.ready()
			b.ready()
			names = append(names, a.server.s.root.pid.Id)
			if a.server.s.root != b.client.s.root {
				t.Error("two roots on one system")
			}
			for i, closer := range []func(context.Context) error{a.server.Close, a.client.Close, b.server.Close, b.client.Close} {
				if i <= 2 {
					b.send(fmt.Sprint(names, i))
					synctest.Wait()
					if got := len(b.echoed()); i <= 2 && got != i+1 {
						t.Errorf("the others do not work after %d were closed", i)
					}
				}
				if err := closer(t.Context()); err != nil {
					t.Errorf("close %d: %v", i, err)
				}
				synctest.Wait()
				if alive := len(below(a.system, names[len(names)-1])) > 0; alive != (i < 3) {
					t.Errorf("root alive after %d of 4 were closed: %v", i+1, alive)
				}
			}
			<-a.served
			<-b.served
			_ = b.listener.Close()
		}
		if names[0] == names[1] {
			t.Errorf("the second root has the name of the first, %s", names[0])
		}
		time.Sleep(10 * time.Second) // protoactor's throttle of dead letters ends
	})
}

// fragileServer are the options of a server of which two paths fail.
func fragileServer() ServerOptions {
	echo, other := echoModule, echoModule
	echo.Path, other.Path = "/", "/metadata" // alone on its path, a module runs in the turn
	other.Name = "other"
	return ServerOptions{
		Metadata: func(r *transport.Request) any {
			if r.Path == "/metadata" {
				panic(errKilled)
			}
			return nil
		},
		Modules: []Module{module("exit", "/exit", func(*Context, transport.Message) { runtime.Goexit() }), echo, other},
	}
}

// fail fails on each path and checks that it harms nobody else.
func fail(t *testing.T, meet func(path string) *peer) {
	other := meet("/")
	for _, path := range []string{"/exit", "/metadata"} {
		p := meet(path)
		_, _ = p.nc.Write(piece{head: text, body: "exit"}.bytes(true))
		if got := p.next(); got != "EOF" && got != "reset" {
			t.Errorf("%s: %q", path, got)
		}
		other.text("lives")
		other.expect("text lives")
	}
	other.leave()
}

func TestAHandlerThatEndsItsGoroutineEndsOnlyItsConnection(t *testing.T) {
	h := moor(t, 1, fragileServer())
	fail(t, func(path string) *peer { return h.meet("Serve", path) })
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(fragileServer())
		fail(t, w.meet)
		w.connections(0)
		w.end()
	})
}

func TestAPeerThatDoesNotReadHarmsNobodyElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Outbox: OutboxLimits{Bytes: 100_000}, WriteTimeout: 3 * time.Second, Modules: []Module{echoModule}})
		late, never, little, other := w.meet("/"), w.meet("/"), w.meet("/"), w.meet("/")
		for i := range 200 {
			late.text(strings.Repeat(".", 1000)) // its queue overflows: closed with 1013
			never.text(strings.Repeat(".", 1000))
			if i < 80 {
				little.text(strings.Repeat(".", 1000)) // its queue does not: reset at the write deadline
			}
		}
		time.Sleep(2900 * time.Millisecond)
		w.connections(4)
		got := late.next()
		for strings.HasPrefix(got, "text of ") {
			got = late.next()
		}
		if got != "close 1013 too slow" {
			t.Errorf("got %q", got)
		}
		late.write(piece{head: bye, body: closeBody(1013, "")})
		late.expect("EOF")
		time.Sleep(time.Second)
		w.connections(1)
		other.text("unharmed")
		other.expect("text unharmed")
		w.end()
	})
}

func TestTheServersHeartbeatCutsOnlyWhoIsGone(t *testing.T) {
	frame, wait := strings.Repeat("x", 16_000), []string{"nothing", "nothing"} // for 2 minutes
	for name, c := range map[string]struct {
		spoil func(*transporttest.Link)
		text  string
		want  []string
	}{
		"/idle": {text: "x", want: slices.Concat([]string{"text x"}, slices.Repeat(wait, 60))},
		"/gone": {func(l *transporttest.Link) { l.Stall(transporttest.ToServer) }, "x", []string{"reset"}},
		"/slow": {func(l *transporttest.Link) { l.Trickle(transporttest.ToServer, 100, time.Second) }, frame, append(wait, show(ws.OpText, frame))},
		"/turn": {text: "the handler is at work", want: append(wait, "text the handler is at work")},
		"/full": {text: "the module wants no more", want: append(wait, "text the module wants no more")},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			work := func(ctx *Context, m transport.Message) {
				time.Sleep(150 * time.Second)
				_, _ = ctx.Echo(m)
			}
			full := module("full", "/full", work)
			full.Async, full.QueueBytes = true, 1
			modules := []Module{full, module("turn", "/turn", work)}
			for _, path := range []string{"/idle", "/gone", "/slow"} {
				modules = append(modules, Module{Name: path[1:], Path: path, New: echoModule.New})
			}
			w.serve(ServerOptions{Modules: modules})
			p, start := w.meet(name), time.Now()
			if c.spoil != nil {
				c.spoil(w.link())
			}
			p.text(c.text)
			if !p.expect(c.want...) || name == "/gone" && (time.Since(start) < 35*time.Second || time.Since(start) > 38*time.Second) {
				t.Errorf("%s: after %v", name, time.Since(start))
			}
			w.end()
		})
	}
}
