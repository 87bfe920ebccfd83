package actors

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// These tests stand for rows of docs/parity.md that no other test proves.

// Subscriptions are the application's wish, and not part of a session: they survive
// whatever ends a connection, an explicit Disconnect included.
func TestSubscriptionsSurviveADisconnect(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		resets := 0
		o := half
		o.OnSessionReset = func(error) { resets++ }
		w.dial(o)
		w.ready()
		w.want("a", "sub a")
		w.got("sub a")
		for name, c := range map[string]struct {
			end    func() error
			resets int
		}{
			"disconnect": {func() error { return w.client.Disconnect(context.Background()) }, 1},
			"reconnect":  {func() error { return w.client.Reconnect(context.Background()) }, 0},
			"hold": {func() error {
				return errors.Join(w.client.Hold(context.Background()), w.client.Connect(context.Background()))
			}, 0},
			"loss": {func() error { w.link().Reset(); synctest.Wait(); return nil }, 0},
		} {
			resets = 0
			if err := c.end(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			w.ready()
			w.got("sub a")
			if resets != c.resets {
				t.Errorf("%s: the session was reset %d times, want %d", name, resets, c.resets)
			}
		}
		w.end()
	})
}

// A module that is behind gets the messages of the old connection after the new one
// is up, and can tell.
func TestWhatIsStillQueuedNamesItsOldConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		var mu sync.Mutex
		var got []string
		o := half
		o.HookTimeout = time.Second
		o.Modules = []Module{{Name: "slow", Async: true, New: func() Handler {
			return HandlerFunc(func(ctx *Context, m transport.Message) {
				mu.Lock()
				got = append(got, fmt.Sprint(string(m.Payload), " of ", ctx.Conn().Epoch()))
				mu.Unlock()
				time.Sleep(20 * time.Second)
			})
		}}}
		w.dial(o)
		w.ready()
		w.bounce("a b c")
		w.link().Reset()
		synctest.Wait()
		w.ready()
		w.bounce("d")
		time.Sleep(10 * time.Minute)
		mu.Lock()
		if want := []string{"a of 1", "b of 1", "c of 1", "d of 2"}; !slices.Equal(got, want) {
			t.Errorf("the module got %q; want %q", got, want)
		}
		mu.Unlock()
		w.end()
	})
}

// No circle of waiting: a handler that sends more than there is room for is told so,
// and neither it nor whoever reads for it stands still.
func TestAHandlerThatSendsIntoAFullOutboxGoesOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hundred := ticker(100, 10*time.Millisecond)
		hundred.Match = prefix("go")
		w.serve(ServerOptions{
			Modules:      []Module{hundred},
			WriteTimeout: -1, Heartbeat: Heartbeat{Interval: -1},
		})
		full, handled := 0, 0
		w.dial(ClientOptions{
			WriteTimeout: -1, Heartbeat: Heartbeat{Interval: -1}, Outbox: OutboxLimits{Messages: 10, Age: -1},
			Modules: []Module{{Name: "talker", New: func() Handler {
				return HandlerFunc(func(ctx *Context, _ transport.Message) {
					handled++
					for range 100 {
						if _, err := ctx.Reply(transport.Text, make([]byte, 10_000)); errors.Is(err, ErrOutboxFull) {
							full++
						}
					}
				})
			}}},
		})
		w.ready()
		w.send("go")
		synctest.Wait()
		w.link().Stall(transporttest.ToServer)
		time.Sleep(time.Minute)
		synctest.Wait()
		if handled != 100 || full < 9000 {
			t.Errorf("%d of 100 messages handled, %d of 10,000 answers refused", handled, full)
		}
		w.link().Unstall(transporttest.ToServer)
		if err := w.client.Close(context.Background()); err != nil {
			t.Error(err)
		}
		w.client = nil // its books hold messages that the test did not send
		w.end()
	})
}

// The history is of what happened to the connection: no number of messages crowds
// it out.
func TestMessagesDoNotCrowdTheHistory(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		o := steady()
		o.History = 4
		c := w.dial(o)
		w.ready()
		for i := range 1000 {
			w.send(fmt.Sprint(i))
		}
		synctest.Wait()
		if h := c.History(); len(h) != 3 || h[0].Event != EventConnecting || h[2].Event != EventReady {
			t.Errorf("after 2000 messages: %v", h)
		}
		w.end()
	})
}

// told takes down what each event finds when it is told, and gives a command from
// where it is told.
type told struct {
	w     *world
	wrong []string
	again *Client
}

func (*told) OnMessage(*Context, transport.Message) {}

func (h *told) OnEvent(_ *Context, e *Event) {
	if h.again == nil {
		return
	}
	s, st := h.again.State(), h.again.Stats()
	switch {
	case e.Kind == EventReady && (s != Ready || !st.Ready):
		h.wrong = append(h.wrong, fmt.Sprint("ready finds ", s))
	case e.Kind == EventReconnecting && (s != Backoff || st.Losses == 0):
		h.wrong = append(h.wrong, fmt.Sprint("reconnecting finds ", s))
	case e.Kind == EventReconnecting:
		h.w.system.Root.Send(h.again.pid, &Do{Command: Connect}) // from inside the callback
	}
}

// Whoever is told of an event finds the state that it speaks of, and may command the
// client from where he is told.
func TestWhoeverIsToldOfAnEventFindsItsStateAndMayCommand(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		h := &told{w: w}
		c, err := NewClient(w.system, "ws://hawser.test/", ClientOptions{
			NetDial: w.listener.Dial, Modules: []Module{{Name: "told", New: func() Handler { return h }}},
			Backoff: supervisor.Backoff{InitialDelay: time.Hour, MaxDelay: time.Hour, Jitter: -1},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.client, h.again = c, c
		w.system.Root.Send(c.pid, &Do{Command: Connect})
		w.ready()
		begin := time.Now()
		w.link().Reset()
		synctest.Wait()
		w.ready()
		synctest.Wait()
		if took := time.Since(begin); took > time.Second {
			t.Errorf("ready after %v: the command from inside the callback did nothing", took)
		}
		if len(h.wrong) > 0 {
			t.Error(h.wrong)
		}
		w.end2()
	})
}

// What a peer sends twice in its header is there twice.
func TestRepeatedHeadersStayApart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Metadata: func(r *transport.Request) any { return r.Header["X-Tag"] }, Modules: []Module{
			module("tags", "", func(ctx *Context, _ transport.Message) {
				_, _ = ctx.Reply(transport.Text, fmt.Append(nil, ctx.Conn().Metadata()))
			}),
		}})
		w.dial(ClientOptions{Header: http.Header{"X-Tag": {"a", "b, c"}}})
		w.ready()
		w.bounce("tags?")
		if got := w.echoed(); !slices.Equal(got, []string{"[a b, c]"}) {
			t.Errorf("the server saw %q", got)
		}
		w.end()
	})
}
