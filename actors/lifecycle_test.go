package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

func TestMessagesGoThereAndBackInOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(ClientOptions{})
		var want []string
		for i := range 1000 {
			want = append(want, fmt.Sprint("m", i))
		}
		w.send(want[:300]...) // before there is a connection
		w.ready()
		w.send(want[300:]...)
		synctest.Wait()
		if got := w.received(); !slices.Equal(got, want) {
			t.Errorf("server got %d messages, first differing order or loss: %.80v", len(got), got)
		}
		if got := w.echoed(); !slices.Equal(got, want) {
			t.Errorf("client got %d messages back", len(got))
		}
		w.end()
		w.delivered(false)
		if got := w.eventKinds(); !slices.Equal(got, []string{"connecting", "connected", "ready", "disconnected", "stopped"}) {
			t.Errorf("events: %v", got)
		}
	})
}

func TestPIDStaysTheSameOverReconnects(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{})
		w.ready()
		pid := c.PID().String()
		for range 5 {
			w.link().Reset()
			synctest.Wait()
			w.ready()
		}
		if c.PID().String() != pid {
			t.Errorf("PID changed")
		}
		if c.s.epochs.Load() < 6 {
			t.Errorf("epoch %d after 5 cuts", c.s.epochs.Load())
		}
		w.end()
	})
}

func TestStoppedClientTellsItsCauseToAllWhoWait(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		fake := transporttest.NewFakeHTTP(w.listener, transporttest.Status(404))
		c := w.dial(ClientOptions{})
		for _, wait := range []func(context.Context) error{c.WaitReady, c.WaitConnected, c.WaitStopped} {
			err := wait(context.Background())
			var refused *transport.HandshakeError
			if !errors.As(err, &refused) || refused.Status != 404 {
				t.Errorf("got %v, want the 404", err)
			}
		}
		if _, err := c.SendText("late"); !errors.Is(err, ErrStopped) {
			t.Errorf("send after the end: %v", err)
		}
		fake.Close()
		w.end()
	})
}

func TestUnauthorizedIsTriedOnceMoreWithFreshCredentials(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		fake := transporttest.NewFakeHTTP(w.listener, transporttest.Unauthorized())
		asked := 0
		c := w.dial(ClientOptions{Request: func(context.Context, Attempt) (Target, error) {
			asked++
			return Target{}, nil
		}})
		if err := c.WaitStopped(context.Background()); err == nil {
			t.Error("a client that is refused twice must stop with the cause")
		}
		synctest.Wait()
		if asked != 2 {
			t.Errorf("asked %d times for credentials, want 2", asked)
		}
		fake.Close()
		w.end()
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		fake := transporttest.NewFakeHTTP(w.listener, transporttest.TooManyRequests("120"))
		start := time.Now()
		w.dial(ClientOptions{})
		synctest.Wait()
		time.Sleep(119 * time.Second)
		synctest.Wait()
		if n := w.listener.Dials(); n != 1 {
			t.Errorf("%d dials before the time that the server asked for", n)
		}
		for w.listener.Dials() < 2 {
			time.Sleep(100 * time.Millisecond)
		}
		if waited := time.Since(start); waited < 120*time.Second || waited > 133*time.Second {
			t.Errorf("came back after %v, want 120 s to 132 s", waited)
		}
		fake.Close()
		w.end()
	})
}

func TestHalfOpenConnectionIsFoundByTheHeartbeat(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}})
		w.dial(ClientOptions{})
		w.ready()
		link := w.link()
		link.Stall(transporttest.ToServer)
		link.Stall(transporttest.ToClient)
		start := time.Now()
		for len(w.eventKinds()) < 4 {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(start); took > 36*time.Second {
			t.Errorf("found after %v, want at most 25 s + 10 s", took)
		}
		var dead *HeartbeatError
		if e := w.events[3]; e.Kind != EventDisconnected || !errors.As(e.Cause, &dead) {
			t.Errorf("got %v: %v", e.Kind, e.Cause)
		}
		w.end()
	})
}

func TestHeartbeatMeasuresTheRoundTrip(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{Heartbeat: Heartbeat{Interval: time.Second}})
		w.ready()
		link := w.link()
		time.Sleep(500 * time.Millisecond)
		link.Stall(transporttest.ToClient)
		time.Sleep(800 * time.Millisecond) // the ping of 1 s has been out for 300 ms
		link.Unstall(transporttest.ToClient)
		synctest.Wait()
		if rtt := c.RTT(); rtt < 300*time.Millisecond || rtt > 310*time.Millisecond {
			t.Errorf("round trip %v, want 300 ms", rtt)
		}
		w.end()
	})
}

func TestOnlyTheFirstPongOfAPingIsItsAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		conns := make(chan *Conn, 1)
		w.serve(ServerOptions{Modules: []Module{introduce(conns)}, Heartbeat: Heartbeat{Interval: time.Second}})
		p := w.meet("/")
		p.text("hello")
		c := <-conns
		answers := func() uint64 { return c.side.counters.rtt.latency().Count }
		for i := range uint64(3) {
			f, err := readFrame(p.in)
			if err != nil || f.Header.OpCode != ws.OpPing {
				t.Fatalf("%+v, %v; want a ping", f.Header, err)
			}
			time.Sleep(100 * time.Millisecond)
			other := []byte(string(f.Payload))
			other[len(other)-1]++
			p.write(piece{head: pong, body: string(other)}, piece{head: pong, body: "of no ping"}, piece{head: pong})
			synctest.Wait()
			if n := answers(); n != i {
				t.Errorf("%d answers, want %d: others were taken for one", n, i)
			}
			p.write(piece{head: pong, body: string(f.Payload)})
			synctest.Wait()
			p.write(piece{head: pong, body: string(f.Payload)})
			synctest.Wait()
			if n := answers(); n != i+1 || c.RTT() < 100*time.Millisecond {
				t.Errorf("%d answers, want %d; the last took %v", n, i+1, c.RTT())
			}
		}
		p.leave()
		w.end()
	})
}

func TestAnIdleConnectionLivesOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(ClientOptions{})
		w.ready()
		time.Sleep(24 * time.Hour)
		w.send("still there")
		synctest.Wait()
		if got := w.echoed(); len(got) != 1 {
			t.Errorf("got %v back", got)
		}
		if n := w.listener.Dials(); n != 1 {
			t.Errorf("%d dials, want 1", n)
		}
		w.end()
	})
}

func TestWriteDeadlineEndsAConnectionThatTakesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}})
		w.dial(ClientOptions{Heartbeat: Heartbeat{Interval: -1}, Outbox: OutboxLimits{Age: -1}})
		w.ready()
		w.link().Stall(transporttest.ToServer)
		start := time.Now()
		for i := range 300 {
			w.send(fmt.Sprint(i, string(make([]byte, 1000))))
		}
		for len(w.eventKinds()) < 4 {
			time.Sleep(50 * time.Millisecond)
		}
		var late *transport.WriteError
		if e := w.events[3]; !errors.As(e.Cause, &late) {
			t.Errorf("got %v: %v", e.Kind, e.Cause)
		}
		if took := time.Since(start); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("cut after %v, want 10 s", took)
		}
		w.ready()
		time.Sleep(time.Second)
		w.end()
		w.delivered(true)
	})
}

func TestMessagesExpireWhileOffline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		c := w.dial(ClientOptions{})
		synctest.Wait()
		w.send("old")
		time.Sleep(10 * time.Second)
		w.send("young")
		time.Sleep(6 * time.Second)
		synctest.Wait()
		b := c.Books()
		if b.Dropped[Expired] != 1 || b.InFlight != 1 {
			t.Errorf("after 16 s: %v, want one expired and one waiting", b)
		}
		w.end()
	})
}

func TestOutboxRefusesWhenFull(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		c := w.dial(ClientOptions{Outbox: OutboxLimits{Messages: 3, Bytes: 1000}})
		w.send("1", "2", "3")
		if _, err := c.SendText("4"); !errors.Is(err, ErrOutboxFull) {
			t.Errorf("fourth message: %v", err)
		}
		var big *MessageTooBigError
		if _, err := c.SendBinary(make([]byte, 2000)); !errors.As(err, &big) || big.Limit != 1000 {
			t.Errorf("2000 bytes: %v", err)
		}
		if _, err := c.SendText("\xff"); !errors.Is(err, ErrInvalidUTF8) {
			t.Errorf("invalid UTF-8: %v", err)
		}
		w.end()
	})
}

func TestDrainWritesEverythingBeforeItCloses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{})
		for i := range 500 {
			w.send(fmt.Sprint(i))
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := c.Drain(ctx); err != nil {
			t.Errorf("drain: %v", err)
		}
		synctest.Wait()
		if b := c.Books(); b.Written != 500 {
			t.Errorf("%v", b)
		}
		w.end()
		w.delivered(false)
		if len(w.arrived) != 500 {
			t.Errorf("%d arrived", len(w.arrived))
		}
	})
}

func TestCloseByThePeerWith1000EndsATransientClient(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{{Name: "bye", New: func() Handler {
			return HandlerFunc(func(ctx *Context, _ transport.Message) { ctx.Conn().Close(transport.NormalClosure, "done") })
		}}}})
		c := w.dial(ClientOptions{Restart: supervisor.Transient})
		w.send("end it")
		err := c.WaitStopped(context.Background())
		var closed *transport.CloseError
		if !errors.As(err, &closed) || closed.Code != transport.NormalClosure || closed.Reason != "done" {
			t.Errorf("stopped with %v, want the close frame 1000", err)
		}
		w.end()
	})
}

func TestGivingUpIsAnEventWithTheCause(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		c := w.dial(ClientOptions{Backoff: supervisor.Backoff{MaxAttempts: 3}})
		err := c.WaitStopped(context.Background())
		var failed *transport.DialError
		if !errors.As(err, &failed) {
			t.Errorf("stopped with %v", err)
		}
		synctest.Wait()
		want := []string{"connecting", "reconnecting", "connecting", "reconnecting", "connecting", "reconnect-failed", "stopped"}
		if got := w.eventKinds(); !slices.Equal(got, want) {
			t.Errorf("events %v\nwant   %v", got, want)
		}
		w.end()
	})
}

func TestAVirtualHourOfFlapping(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{Outbox: OutboxLimits{Age: -1}})
		sent := 0
		for start := time.Now(); time.Since(start) < time.Hour; {
			time.Sleep(5 * time.Second)
			w.send(fmt.Sprint(sent))
			sent++
			if links := w.listener.Links(); len(links) > 0 {
				links[len(links)-1].Reset()
			}
		}
		w.ready()
		if n := c.s.epochs.Load(); n < 300 {
			t.Errorf("only %d incarnations", n)
		}
		w.end()
		w.delivered(true)
		t.Logf("%d messages, %d incarnations, %v", sent, c.s.epochs.Load(), c.Books())
	})
}
