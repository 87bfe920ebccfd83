package actors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

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
		w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}, Logger: slog.New(slog.NewTextHandler(log, nil))})
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

// full has the server of a world write n times 1,000 bytes to each peer that says
// "more".
func (w *world) full(o ServerOptions, n int, peers int) (all []*peer) {
	o.Modules = []Module{module("more", "", func(ctx *Context, m transport.Message) {
		for i := 0; string(m.Payload) == "more" && i < n; i++ {
			_, _ = ctx.Conn().Send(transport.Text, fmt.Append(nil, i, strings.Repeat(".", 1000)))
		}
		_, _ = ctx.Echo(m)
	})}
	w.serve(o)
	for range peers {
		all = append(all, w.meet("/"))
	}
	return all
}

func TestAPeerThatDoesNotReadIsClosedWith1013AndNobodyElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		all := w.full(ServerOptions{Outbox: OutboxLimits{Bytes: 100_000}}, 200, 3)
		late, never, other := all[0], all[1], all[2]
		late.text("more")
		never.text("more")
		w.connections(3)
		other.text("unharmed")
		other.expect("text unharmed")
		time.Sleep(time.Second)
		got := late.next()
		for strings.HasPrefix(got, "text of ") {
			got = late.next()
		}
		if got != "close 1013 too slow" {
			t.Errorf("got %q", got)
		}
		late.write(piece{head: bye, body: closeBody(1013, "")})
		late.expect("EOF")
		w.connections(2)
		time.Sleep(5 * time.Second)
		w.connections(1)
		other.leave()
		w.end()
	})
}

func TestAPeerThatTakesNothingIsResetAtTheWriteDeadline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		all := w.full(ServerOptions{WriteTimeout: 3 * time.Second}, 100, 2)
		all[0].text("more")
		time.Sleep(2900 * time.Millisecond)
		w.connections(2)
		time.Sleep(time.Second)
		w.connections(1)
		all[1].text("unharmed")
		all[1].expect("text unharmed")
		all[1].leave()
		if b := w.server.Books(); b.Unknown == 0 && b.Dropped[Closed] == 0 {
			t.Errorf("what did not leave has no outcome: %v", b)
		}
		w.end()
	})
}
