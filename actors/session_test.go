package actors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

func words(s string) transport.Message {
	return transport.Message{Kind: transport.Text, Payload: []byte(s)}
}

// want is Want for tests.
func (w *world) want(key, message string) {
	w.t.Helper()
	if err := w.client.Want(key, words(message)); err != nil {
		w.t.Fatal(err)
	}
}

// got fails the test unless the server got this since the last time.
func (w *world) got(want ...string) {
	w.t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.arrived, want) {
		w.t.Errorf("the server got %q; want %q", w.arrived, want)
	}
	w.arrived = nil
}

func TestSubscriptionsAreAskedForOnceOnEachConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.listener.Refuse(true)
		w.dial(half)
		w.want("a", "sub a")
		w.want("b", "sub b")
		w.want("a", "sub a") // again
		w.send("held")
		w.listener.Refuse(false)
		w.ready()
		w.got("sub a", "sub b", "held")

		w.want("c", "sub c")
		w.want("b", "sub b")
		w.want("b", "sub b2") // another message for the same key
		w.got("sub c", "sub b2")

		if err := w.client.Unwant("a", words("unsub a")); err != nil {
			t.Fatal(err)
		}
		if err := w.client.Unwant("nothing", words("unsub nothing")); err != nil {
			t.Fatal(err)
		}
		w.got("unsub a")

		w.link().Reset()
		synctest.Wait()
		w.ready()
		w.got("sub b2", "sub c")
		w.end()
	})
}

func TestASubscriptionThatCouldNotLeaveIsNotAskedForTwice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(half)
		w.ready()
		w.link().Stall(transporttest.ToServer)
		w.send(strings.Repeat("x", 1<<20)) // fills the socket
		w.want("a", "sub a")
		synctest.Wait()
		w.mu.Lock()
		w.arrived = nil
		w.mu.Unlock()
		w.link().Reset()
		synctest.Wait()
		w.ready()
		w.got("sub a")
		w.end()
	})
}

func TestSubscriptionsAreBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		w.dial(half)
		w.want("a", strings.Repeat("x", 3<<20))
		if err := w.client.Want("b", words(strings.Repeat("x", 2<<20))); !errors.Is(err, ErrOutboxFull) {
			t.Errorf("%v; want ErrOutboxFull", err)
		}
		for _, m := range []transport.Message{{Kind: transport.Text, Payload: []byte("\xff")}, {Kind: 9}} {
			if err := w.client.Want("c", m); err == nil {
				t.Errorf("%v is accepted", m)
			}
		}
		if err := w.client.Unwant("a"); err != nil {
			t.Fatal(err)
		}
		w.want("b", "sub b")
		if got := w.client.Wanted(); len(got) != 1 || got[0].Key != "b" {
			t.Errorf("wanted %v", got)
		}
		w.end()
	})
}

// TestWantsUnderFire changes the subscriptions all the time while the connection is
// lost again and again. Whatever the server has been told on its last connection
// must be what is wanted.
func TestWantsUnderFire(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		has := map[uint64]map[string]int{}
		w.serve(ServerOptions{Modules: []Module{{Name: "book", New: func() Handler {
			return HandlerFunc(func(ctx *Context, m transport.Message) {
				mu.Lock()
				defer mu.Unlock()
				id := ctx.Conn().ID()
				if has[id] == nil {
					has[id] = map[string]int{}
				}
				verb, key, _ := strings.Cut(string(m.Payload), " ")
				if verb == "sub" {
					has[id][key]++
				} else {
					has[id][key]--
				}
			})
		}}}})
		o := ClientOptions{Backoff: supervisor.Backoff{InitialDelay: time.Millisecond, MaxDelay: time.Millisecond}}
		o.Resubscribe = func(ctx context.Context, o *Setup, wanted []Subscription) error {
			time.Sleep(time.Millisecond) // so that some things change meanwhile
			return ask(ctx, o, wanted)
		}
		w.dial(o)
		w.ready()
		for i := range 2000 {
			key := fmt.Sprint(i % 37)
			if i/37%2 == 0 {
				w.want(key, "sub "+key)
			} else if err := w.client.Unwant(key, words("unsub "+key)); err != nil {
				t.Fatal(err)
			}
			if i%50 == 0 {
				w.link().Reset()
			}
			if i%7 == 0 {
				time.Sleep(300 * time.Microsecond)
			}
		}
		w.ready()
		time.Sleep(time.Second)
		synctest.Wait()
		mu.Lock()
		last := uint64(0)
		for id := range has {
			last = max(last, id)
		}
		for _, s := range w.client.Wanted() {
			if n := has[last][s.Key]; n != 1 {
				t.Errorf("subscribed to %s %d times on connection %d", s.Key, n, last)
			}
			delete(has[last], s.Key)
		}
		for key, n := range has[last] {
			if n != 0 {
				t.Errorf("%s is subscribed %d times and not wanted", key, n)
			}
		}
		mu.Unlock()
		w.end()
	})
}

func TestTheSetUpGoesInOrderOnEveryConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		o := half
		reply := func(ctx context.Context, o *Setup, message string) error {
			if _, err := o.Send(transport.Text, []byte(message)); err != nil {
				return err
			}
			m, err := o.Receive(ctx)
			if err == nil && string(m.Payload) != message {
				err = fmt.Errorf("the answer to %q is %q", message, m.Payload)
			}
			return err
		}
		o.Authenticate = func(ctx context.Context, o *Setup) error { return reply(ctx, o, "login") }
		o.Setup = []SetupStep{func(ctx context.Context, o *Setup) error { return reply(ctx, o, "time zone") }}
		o.Resubscribe = func(ctx context.Context, o *Setup, wanted []Subscription) error {
			for _, s := range wanted {
				if err := reply(ctx, o, string(s.Message.Payload)); err != nil {
					return err
				}
			}
			return nil
		}
		w.dial(o)
		w.want("a", "sub a")
		w.send("held")
		for range 3 {
			w.ready()
			w.got("login", "time zone", "sub a", "held")
			if err := w.client.Hold(context.Background()); err != nil {
				t.Fatal(err)
			}
			w.mu.Lock()
			delete(w.ids, "held")
			w.mu.Unlock()
			w.send("held")
			if err := w.client.Connect(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		w.ready()
		w.client.Drain(context.Background())
		_ = w.server.Close(context.Background())
		<-w.served
	})
}

func TestRejectedCredentialsAreAskedForOnceMore(t *testing.T) {
	for _, c := range []struct {
		name  string
		good  string
		hold  bool
		state State
		asked []string
	}{
		{"fresh ones are accepted", "fresh", false, Ready, []string{"stale", "fresh"}},
		{"fresh ones are rejected too", "none", false, Stopped, []string{"stale", "fresh"}},
		{"then the client is held", "none", true, Held, []string{"stale", "fresh"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				o := half
				o.HoldOnAuthFailure = c.hold
				var asked []string
				o.Authenticate = func(_ context.Context, o *Setup) error {
					token := "stale"
					if o.Attempt().Refused {
						token = "fresh"
					}
					asked = append(asked, token)
					if token != c.good {
						return &AuthError{Err: errors.New("wrong token")}
					}
					return nil
				}
				client := w.dial(o)
				time.Sleep(time.Minute)
				synctest.Wait()
				if s := client.State(); s != c.state {
					t.Errorf("state %v; want %v", s, c.state)
				}
				if !slices.Equal(asked, c.asked) {
					t.Errorf("asked for %q; want %q", asked, c.asked)
				}
				if err := client.Err(); c.state == Stopped && !Unauthorized(err) {
					t.Errorf("it stopped with %v", err)
				}
				if c.state == Held {
					w.mu.Lock()
					last := w.events[len(w.events)-1]
					w.mu.Unlock()
					if last.Kind != EventHeld || !Unauthorized(last.Cause) {
						t.Errorf("the last event is %v with %v", last.Kind, last.Cause)
					}
					if err := client.Connect(context.Background()); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Minute)
					if client.State() != Held || len(asked) != 4 {
						t.Errorf("after Connect: %v, %q", client.State(), asked)
					}
				}
				if err := client.Close(context.Background()); err != nil {
					t.Error(err)
				}
				w.client = nil
				w.end()
			})
		})
	}
}

func TestARefusedHandshakeHoldsToo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		tokens := 0
		w.serve(ServerOptions{Authorize: func(*transport.Request) error {
			return &transport.HandshakeError{Status: http.StatusForbidden}
		}})
		o := half
		o.HoldOnAuthFailure = true
		o.Request = func(context.Context, Attempt) (Target, error) {
			tokens++
			return Target{Header: http.Header{"Authorization": {fmt.Sprint("token ", tokens)}}}, nil
		}
		w.dial(o)
		time.Sleep(time.Minute)
		if w.client.State() != Held || tokens != 2 {
			t.Errorf("%v after %d tokens; want held after 2", w.client.State(), tokens)
		}
		w.end()
	})
}

func TestEndpointsAreTriedInTurn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		var dialled []string
		o := half
		o.URLs = []string{"ws://b.test/echo", "ws://c.test/echo"}
		working := "b.test:80"
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialled = append(dialled, strings.TrimSuffix(addr, ".test:80"))
			if addr != working {
				return nil, errors.New("refused")
			}
			return w.listener.Dial(ctx, network, addr)
		}
		var urls []string
		o.Request = func(_ context.Context, a Attempt) (Target, error) {
			urls = append(urls, a.URL)
			return Target{}, nil
		}
		w.dialBy(o, dial)
		w.ready()
		time.Sleep(time.Minute) // it is stable
		w.link().Reset()
		synctest.Wait()
		w.ready()
		working = "hawser.test:80"
		time.Sleep(time.Minute)
		w.link().Reset()
		synctest.Wait()
		w.ready()
		if want := []string{"hawser", "b", "b", "b", "c", "hawser"}; !slices.Equal(dialled, want) {
			t.Errorf("dialled %q; want %q", dialled, want)
		}
		if urls[1] != "ws://b.test/echo" {
			t.Errorf("Request was asked for %q", urls)
		}
		w.end()
	})
	if _, err := NewClient(quietSystem(), "ws://a/", ClientOptions{URLs: []string{"http//b"}}); err == nil {
		t.Error("a bad second URL is accepted")
	}
}

func TestTheApplicationsKeepAliveIsSentWhileReady(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		o := half
		n := 0
		o.KeepAlive = KeepAlive{Every: 20 * time.Second, Message: func() transport.Message {
			if n++; n == 2 {
				panic("nothing to say")
			}
			return words(fmt.Sprint("alive ", n))
		}}
		w.dial(o)
		w.ready()
		time.Sleep(70 * time.Second)
		w.got("alive 1", "alive 3")
		w.listener.Refuse(true)
		w.link().Reset()
		time.Sleep(10 * time.Minute)
		w.listener.Refuse(false)
		w.ready()
		w.got()
		time.Sleep(21 * time.Second)
		w.got("alive 4")
		if err := w.client.Close(context.Background()); err != nil {
			t.Error(err)
		}
		w.client = nil // its books hold messages that the test did not send
		w.end()
	})
	if _, err := NewClient(quietSystem(), "ws://a/", ClientOptions{KeepAlive: KeepAlive{Every: time.Second}}); err == nil {
		t.Error("a keep-alive without a message is accepted")
	}
}

func TestWhatBelongsToAConnectionDoesNotOutliveIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(half)
		w.ready()
		conn := w.client.s.line.Load()
		w.link().Stall(transporttest.ToServer)
		w.send(strings.Repeat("x", 60<<10), strings.Repeat("y", 60<<10)) // more than the link takes
		synctest.Wait()
		id, err := conn.SendHere(transport.Text, []byte("question"))
		if err != nil {
			t.Fatal(err)
		}
		w.link().Reset()
		synctest.Wait()
		if _, err := conn.SendHere(transport.Text, []byte("late")); !errors.Is(err, ErrStopped) {
			t.Errorf("on a connection that is gone: %v", err)
		}
		w.ready()
		synctest.Wait()
		if slices.Contains(w.received(), "question") {
			t.Error("the question left on the next connection")
		}
		w.mu.Lock()
		if !slices.Contains(w.outcomes, Outcome{ID: id, Result: Dropped, Reason: Superseded}) {
			t.Error("its outcome is another one than superseded")
		}
		w.mu.Unlock()
		w.end()
	})
}

// A failure of another kind between two attempts must not make the client forget
// that its credentials were refused.
func TestARefusalIsRememberedOverOtherFailures(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		o := half
		var asked []string
		var requests []bool
		o.Request = func(_ context.Context, a Attempt) (Target, error) {
			requests = append(requests, a.Refused)
			if len(requests) == 2 {
				return Target{}, errors.New("the token service is down")
			}
			return Target{}, nil
		}
		o.Authenticate = func(_ context.Context, o *Setup) error {
			if o.Attempt().Refused {
				asked = append(asked, "fresh")
				return nil
			}
			asked = append(asked, "stale")
			return &AuthError{}
		}
		w.dial(o)
		w.ready()
		if want := []string{"stale", "fresh"}; !slices.Equal(asked, want) {
			t.Errorf("asked for %q; want %q", asked, want)
		}
		if want := []bool{false, true, true}; !slices.Equal(requests, want) {
			t.Errorf("Request was told %v; want %v", requests, want)
		}
		if w.client.s.refused.Load() {
			t.Error("it is not over with Ready")
		}
		w.end()
	})
}
