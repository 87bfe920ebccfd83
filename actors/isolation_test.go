package actors

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// hopeless panics at every message.
type hopeless struct{}

func (hopeless) OnReceive(*Conn, transport.Message) Verdict { panic(errKilled) }
func (hopeless) OnSend(*Conn, transport.Message) Verdict    { panic(errKilled) }

func TestAMiddlewareThatIsGivenUpFailsAsItDeclares(t *testing.T) {
	for _, open := range []bool{false, true} {
		t.Run(fmt.Sprint("fail open ", open), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				c := w.dial(ClientOptions{
					Outbox:     OutboxLimits{Age: -1},
					Middleware: []Middleware{{Name: "hopeless", FailOpen: open, New: func() Interceptor { return hopeless{} }}},
				})
				w.ready()
				for i := range 50 {
					w.send(fmt.Sprint(i))
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				out, back, b := len(w.received()), len(w.echoed()), c.Books()
				if open && (out != 50 || back != 50) {
					t.Errorf("fail open: %d of 50 went out, %d came back: %v", out, back, b)
				}
				if !open && (out != 0 || b.Dropped[Rejected] != 50) {
					t.Errorf("fail closed: %d of 50 went out: %v", out, b)
				}
				w.end()
				w.delivered(false)
			})
		})
	}
}

func TestMetadataThatPanicsCostsOnlyItsConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		calls := 0
		w.serve(ServerOptions{Metadata: func(*transport.Request) any {
			if calls++; calls == 1 {
				panic(errKilled)
			}
			return "second"
		}})
		w.dial(ClientOptions{})
		for len(w.listener.Links()) < 2 {
			time.Sleep(10 * time.Millisecond)
		}
		w.ready()
		w.send("hello")
		synctest.Wait()
		if got := w.echoed(); len(got) != 1 {
			t.Errorf("got %v back", got)
		}
		w.end()
	})
}

func TestAStrangerMayStopTheClientsActor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{})
		w.ready()
		w.system.Root.Stop(c.PID())
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.WaitStopped(ctx); err != nil {
			t.Errorf("not stopped: %v\n%s", err, w.story())
		}
		if n := w.listener.Dials(); n != 1 {
			t.Errorf("%d dials: a stopping client connected again", n)
		}
		w.end()
	})
}

func TestAnOutcomeHandlerThatPanicsHarmsNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c, err := NewClient(w.system, "ws://hawser.test/", ClientOptions{
			NetDial:   w.listener.Dial,
			OnOutcome: func([]Outcome) { panic(errKilled) },
		})
		if err != nil {
			t.Fatal(err)
		}
		w.client = c
		w.system.Root.Send(c.pid, &Do{Command: Connect})
		w.ready()
		for i := range 100 {
			w.send(fmt.Sprint(i))
			synctest.Wait()
		}
		if b := c.Books(); b.Written != 100 || len(w.received()) != 100 || w.listener.Dials() != 1 {
			t.Errorf("%v, %d arrived, %d dials", b, len(w.received()), w.listener.Dials())
		}
		w.end2()
	})
}

func TestASubscriberThatPanicsAtADeadLetterHarmsNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{})
		w.ready()
		sub := w.system.EventStream.Subscribe(func(e any) {
			if _, dead := e.(*actor.DeadLetterEvent); dead {
				panic(errKilled)
			}
		})
		w.link().Stall(transporttest.ToClient)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := c.Reconnect(ctx); err == nil { // nobody waits for the answer any more
			t.Error("answered in time; the test proves nothing")
		}
		time.Sleep(time.Minute)
		w.system.EventStream.Unsubscribe(sub)
		if c.State() != Ready {
			t.Errorf("state %v\n%s", c.State(), w.story())
		}
		w.end()
	})
}

func TestABusyModuleGetsWhatCameBeforeTheEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{{Name: "five", New: func() Handler {
			return HandlerFunc(func(ctx *Context, _ transport.Message) {
				for i := range 5 {
					_, _ = ctx.Conn().Send(transport.Text, fmt.Appendf(nil, "m%d", i))
				}
				ctx.Conn().Close(transport.PolicyViolation, "enough")
			})
		}}}})
		w.dial(ClientOptions{Modules: []Module{{Name: "busy", Async: true, New: func() Handler { return &busy{w: w} }}}})
		w.send("go")
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = w.client.WaitStopped(ctx) // 1008 is terminal
		if got := w.echoed(); len(got) != 5 {
			t.Errorf("the module got %v, want 5 messages", got)
		}
		w.end()
	})
}

// busy takes its time over an event.
type busy struct{ w *world }

func (b *busy) OnEvent(_ *Context, e *Event) {
	if e.Kind == EventReady {
		time.Sleep(time.Second)
	}
}

func (b *busy) OnMessage(_ *Context, m transport.Message) {
	b.w.mu.Lock()
	b.w.came = append(b.w.came, string(m.Payload))
	b.w.mu.Unlock()
}

func TestOnlyTextAndBinaryAreMessages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		c := w.dial(ClientOptions{CloseTimeout: math.MaxInt64, Heartbeat: Heartbeat{Interval: math.MaxInt64}})
		for _, kind := range []transport.Kind{0, 3, 8, 9, 255} {
			if _, err := c.Send(kind, nil); !errors.Is(err, ErrInvalidKind) {
				t.Errorf("kind %d: %v", kind, err)
			}
		}
		w.end()
	})
}
