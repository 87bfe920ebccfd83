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

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// offline runs f with a client whose outbox has room for three messages.
func offline(t *testing.T, policy OverflowPolicy, f func(t *testing.T, w *world)) {
	t.Helper()
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		w.serve(ServerOptions{})
		w.dial(patient(OutboxLimits{Messages: 3, Overflow: policy}))
		f(t, w)
		w.listener.Refuse(false)
		if w.client.State() != Stopped {
			w.ready()
		}
		w.end()
	})
}

func TestAFullOutboxDoesWhatItsPolicySays(t *testing.T) {
	tests := []struct {
		policy OverflowPolicy
		full   bool // the new ones are refused
		left   []string
		lost   []string
	}{
		{DefaultOverflow, true, []string{"a", "b", "c"}, nil},
		{RejectNewest, true, []string{"a", "b", "c"}, nil},
		{CloseSlow, true, []string{"a", "b", "c"}, nil},
		{DropOldest, false, []string{"c", "sent", "posted"}, []string{"a", "b"}},
		{DropNewest, false, []string{"a", "b", "c"}, []string{"posted", "sent"}},
	}
	for _, test := range tests {
		offline(t, test.policy, func(t *testing.T, w *world) {
			w.send("a", "b", "c")
			if test.full {
				_, err := w.client.SendText("sent")
				_, err2 := w.client.Post(context.Background(), Outgoing{Kind: transport.Text})
				if !errors.Is(err, ErrOutboxFull) || !errors.Is(err2, ErrOutboxFull) {
					t.Errorf("%s: %v, %v", test.policy, err, err2)
				}
			} else {
				w.send("sent")
				r := w.post("posted", Outgoing{})
				want := "waiting"
				if test.policy == DropNewest {
					want = "dropped overflow"
				}
				expect(t, test.policy.String(), now(t, r.Acked), want)
			}
			if lost := w.dropped(Overflow); !slices.Equal(lost, test.lost) {
				t.Errorf("%s: lost %q; want %q", test.policy, lost, test.lost)
			}
			w.listener.Refuse(false)
			w.ready()
			if got := w.received(); !slices.Equal(got, test.left) {
				t.Errorf("%s: the server got %q; want %q", test.policy, got, test.left)
			}
		})
	}
}

// dropped returns the texts that were dropped for a reason, sorted.
func (w *world) dropped(reason Reason) (texts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for text, id := range w.ids {
		if slices.Contains(w.outcomes, Outcome{ID: id, Result: Dropped, Reason: reason}) {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	return texts
}

// posts posts a text that has to wait for room, and returns where its end shows.
func (w *world) posts(ctx context.Context, text string) <-chan error {
	over := make(chan error, 1)
	go func() {
		r, err := w.client.Post(ctx, Outgoing{Kind: transport.Text, Payload: []byte(text)})
		if err == nil {
			w.mu.Lock()
			w.ids[text] = r.ID()
			w.mu.Unlock()
		}
		over <- err
	}()
	synctest.Wait()
	return over
}

func waits(c <-chan error) bool { return len(c) == 0 }

func TestBlockedPostsAreServedInOrder(t *testing.T) {
	offline(t, Block, func(t *testing.T, w *world) {
		w.send("a", "b", "c")
		var all []<-chan error
		for i := range 10 {
			all = append(all, w.posts(context.Background(), fmt.Sprint(i)))
		}
		if _, err := w.client.SendText("in between"); !errors.Is(err, ErrOutboxFull) {
			t.Errorf("send while others wait: %v", err)
		}
		if slices.ContainsFunc(all, func(c <-chan error) bool { return !waits(c) }) {
			t.Error("accepted without room")
		}
		w.listener.Refuse(false)
		w.ready()
		for i, c := range all {
			if err := <-c; err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		synctest.Wait()
		if got := strings.Join(w.received(), " "); got != "a b c 0 1 2 3 4 5 6 7 8 9" {
			t.Errorf("the server got %s", got)
		}
		w.send("at once")
	})
}

func TestABlockedPostEndsWithItsContext(t *testing.T) {
	offline(t, Block, func(t *testing.T, w *world) {
		w.send("a", "b", "c")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		first := w.posts(ctx, "first")
		second := w.posts(context.Background(), "second")
		if err := <-first; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("first: %v", err)
		}
		w.listener.Refuse(false)
		w.ready()
		if err := <-second; err != nil {
			t.Errorf("second: %v", err)
		}
		over, end := context.WithCancel(context.Background())
		end()
		if err := <-w.posts(over, "with room"); err != nil {
			t.Errorf("with room, a context that is done: %v", err)
		}
		synctest.Wait()
		if got := strings.Join(w.received(), " "); got != "a b c second with room" {
			t.Errorf("the server got %s", got)
		}
	})
}

func TestBlockedPostsEndWithTheClient(t *testing.T) {
	for name, end := range map[string]func(w *world) error{
		"close": func(w *world) error { return w.client.Close(context.Background()) },
		"drain": func(w *world) error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return w.client.Drain(ctx)
		},
	} {
		offline(t, Block, func(t *testing.T, w *world) {
			w.send("a", "b", "c")
			first, second := w.posts(context.Background(), "first"), w.posts(context.Background(), "second")
			_ = end(w)
			_ = w.client.WaitStopped(context.Background())
			for _, c := range []<-chan error{first, second} {
				if err := <-c; !errors.Is(err, ErrStopped) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestAckedMessagesMakeRoom(t *testing.T) {
	offline(t, Block, func(t *testing.T, w *world) {
		w.listener.Refuse(false)
		w.ready()
		r := w.post("a", Outgoing{Ack: true})
		w.post("b", Outgoing{Ack: true})
		w.post("c", Outgoing{Ack: true})
		synctest.Wait()
		c := w.posts(context.Background(), "d")
		if !waits(c) {
			t.Error("accepted while three wait for their ack")
		}
		w.client.Ack(r.ID())
		synctest.Wait()
		if waits(c) {
			t.Error("waits although there is room")
		}
	})
}

// On a client the connection comes back, and what waits is not lost.
func TestCloseSlowEndsAClientsConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(patient(OutboxLimits{Bytes: 600 << 10, Overflow: CloseSlow}))
		w.ready()
		w.clog()
		_, err := c.SendBinary(make([]byte, 500<<10))
		if !errors.Is(err, ErrOutboxFull) {
			t.Errorf("got %v", err)
		}
		time.Sleep(10 * time.Second) // the close handshake is not answered
		w.ready()
		if c.s.epochs.Load() < 2 {
			t.Error("the connection was not closed")
		}
		w.end()
	})
}

func TestAServersPolicyMaySpareTheSlow(t *testing.T) {
	for policy, spared := range map[OverflowPolicy]bool{DefaultOverflow: false, CloseSlow: false, RejectNewest: true, DropOldest: true, Block: true} {
		inWorld(t, func(t *testing.T, w *world) {
			conns := make(chan *Conn, 1)
			w.serve(ServerOptions{WriteTimeout: -1, Heartbeat: Heartbeat{Interval: -1}, Outbox: OutboxLimits{Bytes: 300 << 10, Overflow: policy}, Modules: []Module{{
				Name: "keep", New: func() Handler {
					return HandlerFunc(func(ctx *Context, _ transport.Message) { conns <- ctx.Conn() })
				},
			}}})
			w.dial(patient(OutboxLimits{}))
			w.ready()
			w.send("hello")
			conn := <-conns
			w.link().Stall(transporttest.ToClient)
			full := 0
			for range 40 {
				if _, err := conn.Send(transport.Binary, make([]byte, 32<<10)); errors.Is(err, ErrOutboxFull) {
					full++
				}
				synctest.Wait()
			}
			if (full == 0) != (policy == DropOldest) {
				t.Errorf("%s: %d were refused", policy, full)
			}
			if closing := conn.closing.Load(); closing == spared {
				t.Errorf("%s: closing is %v", policy, closing)
			}
			w.link().Unstall(transporttest.ToClient)
			w.end()
		})
	}
}

func TestPoliciesThatCannotBeMeantAreRefused(t *testing.T) {
	handler := func() Handler { return handlerOnce(func() {}) }
	system := quietSystem()
	for name, f := range map[string]func() error{
		"Module.Overflow": func() error {
			_, err := NewServer(system, ServerOptions{Modules: []Module{{Name: "m", New: handler, Overflow: RejectNewest}}})
			return err
		},
		"OutboxLimits.Overflow": func() error {
			_, err := NewServer(system, ServerOptions{Outbox: OutboxLimits{Overflow: policies}})
			return err
		},
		"OutboxLimits.Overflow of a client": func() error {
			_, err := NewClient(system, "ws://hawser.test", ClientOptions{Outbox: OutboxLimits{Overflow: policies}})
			return err
		},
	} {
		var option *OptionError
		if err := f(); !errors.As(err, &option) || !strings.HasPrefix(name, option.Option) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for p, want := range []string{"default", "block", "drop-oldest", "drop-newest", "close-slow", "reject-newest", "policy 6"} {
		if got := OverflowPolicy(p).String(); got != want {
			t.Errorf("policy %d is %q; want %q", p, got, want)
		}
	}
}
