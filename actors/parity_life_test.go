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
)

// These tests stand for rows of docs/parity.md that no other test proves.

// Ten losses with a stable session between them: each is a first one, though the
// client gives up after three failures in a row.
func TestTheLossesOfALifeAreNotAddedUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{Backoff: supervisor.Backoff{InitialDelay: time.Second, Jitter: -1, MaxAttempts: 3}})
		w.ready()
		for i := range 10 {
			time.Sleep(time.Minute)
			w.listener.Refuse(true)
			w.link().Reset()
			time.Sleep(1500 * time.Millisecond) // the first attempt fails
			w.listener.Refuse(false)
			begin := time.Now()
			w.ready()
			if took := time.Since(begin); took != 1500*time.Millisecond {
				t.Errorf("loss %d: ready %v later; want the second delay, 2 s, and no longer one", i, took)
			}
		}
		if s := c.Stats(); s.Losses != 10 || s.Failed != 10 || s.Reconnections != 10 {
			t.Error(s.Summary())
		}
		w.end()
	})
}

// slammer is a server that accepts every connection and closes it at once.
func slammer() ServerOptions {
	return ServerOptions{Modules: []Module{{Name: "slam", New: func() Handler {
		return &witness{diary: &diary{}, name: "slam", fail: func(hook string) error {
			if hook == "OnConnect" {
				return &transport.CloseError{Code: transport.GoingAway}
			}
			return nil
		}}
	}}}}
}

func TestAcceptThenCloseIsTriedEverMoreSlowly(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(slammer())
		w.dial(ClientOptions{Backoff: supervisor.Backoff{InitialDelay: time.Second, Jitter: -1}})
		time.Sleep(4 * time.Minute)
		var gaps []time.Duration
		w.mu.Lock()
		var last time.Time
		for _, e := range w.events {
			if e.Kind == EventConnecting {
				if !last.IsZero() {
					gaps = append(gaps, e.At.Sub(last))
				}
				last = e.At
			}
		}
		w.mu.Unlock()
		const s = time.Second
		want := []time.Duration{s, 2 * s, 4 * s, 8 * s, 10 * s, 10 * s}
		if len(gaps) < len(want) || !slices.Equal(gaps[:len(want)], want) {
			t.Errorf("attempts were apart by %v; want %v and so on", gaps, want)
		}
		w.end()
	})
}

// Every one of those connections was up, and yet they count.
func TestAcceptThenCloseCountsTowardsGivingUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(slammer())
		c := w.dial(ClientOptions{Backoff: supervisor.Backoff{MaxAttempts: 4}})
		err := c.WaitStopped(context.Background())
		if closed, ok := errors.AsType[*transport.CloseError](err); !ok || closed.Code != transport.GoingAway {
			t.Errorf("it stopped with %v", err)
		}
		if n := w.listener.Dials(); n < 4 || n > 5 {
			t.Errorf("%d dials; want to give up after 4 failures", n)
		}
		w.end()
	})
}

// Whoever is told that a connection has ended can be sure: what he sends goes to
// the next one.
func TestNothingLeavesOnAConnectionThatIsToldToHaveEnded(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"by a command": func(w *world) { _ = w.client.Disconnect(context.Background()) },
		"by a loss":    func(w *world) { w.link().Reset() },
		"by the peer":  func(w *world) { w.send("close") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				var mu sync.Mutex
				on := map[uint64][]string{} // what came, by connection
				w.serve(ServerOptions{Modules: []Module{{Name: "s", New: func() Handler {
					return HandlerFunc(func(ctx *Context, m transport.Message) {
						mu.Lock()
						on[ctx.Conn().ID()] = append(on[ctx.Conn().ID()], string(m.Payload))
						mu.Unlock()
						if string(m.Payload) == "close" {
							ctx.Conn().Close(transport.GoingAway, "")
						}
					})
				}}}})
				said := false
				say := func(hook string) error {
					if hook == "OnDisconnect" && !said {
						said = true
						w.send("from the hook")
					}
					return nil
				}
				o := half
				o.Modules = []Module{(&diary{}).module("m", say)}
				o.OnSessionReset = func(error) { w.send("from the reset") }
				w.dial(o)
				w.ready()
				end(w)
				synctest.Wait()
				w.ready()
				time.Sleep(time.Second)
				mu.Lock()
				if first := on[1]; slices.Contains(first, "from the hook") || slices.Contains(first, "from the reset") {
					t.Errorf("the old connection took %q", first)
				}
				if second := on[2]; !slices.Contains(second, "from the hook") || name == "by a command" && !slices.Contains(second, "from the reset") {
					t.Errorf("the new connection took %q", second)
				}
				mu.Unlock()
				w.end()
			})
		})
	}
}

// A token, a header and an address of its own for each attempt, with the number and
// the cause at hand.
func TestEachAttemptIsAskedForItsOwnToken(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		var seen []string
		w.serve(ServerOptions{Authorize: func(r *transport.Request) error {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, fmt.Sprint(r.Path, "?", r.RawQuery, " ", r.Header["Authorization"]))
			if len(seen) == 1 {
				return &transport.HandshakeError{Status: http.StatusServiceUnavailable}
			}
			return nil
		}})
		var asked []string
		o := half
		o.Request = func(_ context.Context, a Attempt) (Target, error) {
			refused, _ := errors.AsType[*transport.HandshakeError](a.Cause)
			asked = append(asked, fmt.Sprint(a.Number, " ", refused != nil && refused.Status == 503))
			return Target{URL: fmt.Sprintf("ws://hawser.test/feed%d?n=%d", len(asked), len(asked)), Header: http.Header{"Authorization": {fmt.Sprint("token ", len(asked))}}}, nil
		}
		w.dial(o)
		w.ready()
		if want := []string{"1 false", "2 true"}; !slices.Equal(asked, want) {
			t.Errorf("asked for %q; want %q", asked, want)
		}
		mu.Lock()
		if want := []string{"/feed1?n=1 [token 1]", "/feed2?n=2 [token 2]"}; !slices.Equal(seen, want) {
			t.Errorf("the server saw %q; want %q", seen, want)
		}
		mu.Unlock()
		w.end()
	})
}

func TestAnErrorOfRequestIsAFailedAttempt(t *testing.T) {
	for name, request := range map[string]func() (Target, error){
		"error":   func() (Target, error) { return Target{}, errors.New("no token") },
		"panic":   func() (Target, error) { panic("no token") },
		"bad URL": func() (Target, error) { return Target{URL: "ws://a b/"}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				n := 0
				o := half
				o.Classify = func(error) supervisor.Verdict { return supervisor.Verdict{} }
				o.Request = func(context.Context, Attempt) (Target, error) {
					if n++; n < 3 {
						return request()
					}
					return Target{}, nil
				}
				c := w.dial(o)
				w.ready()
				if s := c.Stats(); s.Failed != 2 || s.Attempts != 3 || w.listener.Dials() != 1 {
					t.Errorf("%d dials: %s", w.listener.Dials(), s.Summary())
				}
				w.end()
			})
		})
	}
}
