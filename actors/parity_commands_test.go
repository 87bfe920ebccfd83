package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport/transporttest"
)

// These tests stand for rows of docs/parity.md that no other test proves.

// Whatever ends a connection on purpose says goodbye with a close frame, behind
// what was accepted before, and takes no time if the peer answers.
func TestEveryCommandThatEndsAConnectionSaysGoodbye(t *testing.T) {
	for _, command := range []Command{Disconnect, Hold, Reconnect, Shutdown} {
		t.Run(command.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				d := &diary{}
				w.serve(ServerOptions{Modules: []Module{d.module("s", nil)}})
				w.dial(ClientOptions{})
				w.ready()
				for i := range 100 {
					w.send(fmt.Sprint(i))
				}
				begin := time.Now()
				if err := w.client.do(context.Background(), &Do{Command: command, Code: 4007, Reason: "so long"}); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took != 0 {
					t.Errorf("it took %v, with a peer that answers at once", took)
				}
				synctest.Wait()
				d.mu.Lock()
				ends := slices.Index(d.lines, `s OnDisconnect 1 transport: closed by peer with 4007 (private use): "so long"`)
				if last := slices.Index(d.lines, "s 99"); last < 0 || ends < last {
					t.Errorf("the server saw %q", d.lines[3:])
				}
				d.mu.Unlock()
				w.end()
			})
		})
	}
}

// The close handshake has its time also when our close frame cannot leave, because
// the socket takes nothing and messages wait before it.
func TestAClogIsCutAtTheCloseTimeout(t *testing.T) {
	for _, command := range []Command{Disconnect, Hold, Reconnect, Shutdown} {
		t.Run(command.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				w.dial(ClientOptions{Outbox: OutboxLimits{Age: -1}})
				w.ready()
				w.link().Stall(transporttest.ToServer)
				for i := range 100 {
					w.send(fmt.Sprint(i, strings.Repeat(".", 5000)))
				}
				synctest.Wait()
				begin := time.Now()
				if err := w.client.do(context.Background(), &Do{Command: command}); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took < 5*time.Second || took > 5100*time.Millisecond {
					t.Errorf("it took %v; want the CloseTimeout of 5 s", took)
				}
				w.end()
				w.delivered(true)
			})
		})
	}
}

// The dial behind a Reconnect asks nobody's leave: not that of a peer that does not
// answer the close, and an attempt that failed is followed by the next.
func TestReconnectNeedsNoAnswerFromTheOldPeer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(ClientOptions{})
		w.ready()
		w.link().Stall(transporttest.ToServer)
		begin := time.Now()
		if err := w.client.Reconnect(context.Background()); err != nil {
			t.Error(err)
		}
		w.ready()
		if took := time.Since(begin); took > 5100*time.Millisecond || w.listener.Dials() != 2 {
			t.Errorf("ready after %v and %d dials; want the CloseTimeout and 2", took, w.listener.Dials())
		}
		w.end()
	})
}

// Whoever waits while the client is held hears of the end.
func TestAShutdownInHoldEndsAllWhoWait(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{Modules: []Module{d.module("m", nil)}})
		w.ready()
		if err := c.Hold(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.send("kept")
		ended := make(chan error, 3)
		for _, wait := range []func(context.Context) error{c.WaitReady, c.WaitConnected, c.WaitStopped} {
			go func() { ended <- wait(context.Background()) }()
		}
		synctest.Wait()
		if len(ended) != 0 {
			t.Error("somebody does not wait")
		}
		w.end()
		stopped := 0
		for range cap(ended) {
			if err := <-ended; errors.Is(err, ErrStopped) {
				stopped++
			}
		}
		if stopped != 2 {
			t.Errorf("%d were told that it has stopped; want those who wait to be connected and ready", stopped)
		}
		if b := c.Books(); b.Dropped[Closed] != 1 {
			t.Errorf("what waited got no outcome: %v", b)
		}
		if lines := d.of("m OnStop"); len(lines) != 1 {
			t.Errorf("the module was told of the end %d times", len(lines))
		}
	})
}

// All that was asked of a client while it cannot do it is answered at once.
func TestAHundredCommandsInABackoffAreAllAnswered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		reach[Backoff](w)
		begin := time.Now()
		done := make(chan error, 100)
		for i := range cap(done) {
			go func() { done <- w.client.do(context.Background(), &Do{Command: Command(i % int(Shutdown))}) }()
		}
		for range cap(done) {
			if err := <-done; err != nil && !errors.Is(err, ErrSuperseded) && !errors.Is(err, ErrHeld) {
				t.Error(err)
			}
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("the last answer came after %v", took)
		}
		w.end()
	})
}
