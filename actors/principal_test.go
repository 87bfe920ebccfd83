package actors

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

func TestAPrincipalIsThatOfTheHandshakeForEver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := &guestbook{}
		w.serve(ServerOptions{Authenticate: byName, Modules: []Module{g.module()}})
		ann := w.comes("1.1.1.1:1", called("ann"))
		synctest.Wait() // the modules are told of it before the next
		nobody := w.comes("1.1.1.1:1")
		synctest.Wait()
		for i, want := range []Principal{named("ann"), nil} {
			c := g.all()[i]
			if got := c.Principal(); got != want {
				t.Errorf("%d: %v, want %v", i, got, want)
			}
		}
		for _, p := range []*peer{ann, nobody} {
			p.leave()
		}
		synctest.Wait()
		if got := g.all()[0].Principal(); got != named("ann") {
			t.Errorf("behind the end: %v", got)
		}
		w.end()
	})
}

func TestAuthenticateSaysWithWhichStatusItRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"an error":         {errKilled, http.StatusUnauthorized},
		"a status":         {&transport.HandshakeError{Status: http.StatusPaymentRequired}, http.StatusPaymentRequired},
		"a status, within": {errors.Join(errKilled, &transport.HandshakeError{Status: http.StatusTeapot}), http.StatusTeapot},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{
				Authenticate: func(context.Context, *transport.Request) (Principal, error) { return named("x"), c.err },
				Authorize:    func(*transport.Request) error { t.Errorf("%s: Authorize is asked", name); return nil },
				Admission: Admission{PerKey: 1, Key: func(*transport.Request, Principal) string {
					t.Errorf("%s: Key is asked", name)
					return ""
				}},
			})
			w.refused(c.want, "1.1.1.1:1")
			w.server.s.admission.vacant(t)
			w.end()
		})
	}
}

func TestAuthenticateHasUntilTheHandshakeTimesOut(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 5 * time.Second, 2 * time.Second: 2 * time.Second, -1: 0} {
		inWorld(t, func(t *testing.T, w *world) {
			var left []time.Duration
			start := time.Now()
			w.serve(ServerOptions{HandshakeTimeout: timeout, Authenticate: func(ctx context.Context, _ *transport.Request) (Principal, error) {
				if end, ok := ctx.Deadline(); ok {
					left = append(left, end.Sub(start))
					<-ctx.Done()
				} else {
					left = append(left, 0)
				}
				return nil, ctx.Err()
			}})
			w.knock("1.1.1.1:1", "/")
			start = time.Now()
			nc := w.call(hello("/")[:20])
			time.Sleep(time.Second)
			_, _ = nc.Write([]byte(hello("/")[20:]))
			synctest.Wait()
			time.Sleep(10 * time.Second)
			if len(left) != 2 || left[0] != want || left[1] != want {
				t.Errorf("%v: ends after %v from the beginning, want %v", timeout, left, want)
			}
			w.end()
		})
	}
}

func TestAuthenticateIsNotAskedWhenTheServerEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		asked := false
		w.serve(ServerOptions{Authenticate: func(context.Context, *transport.Request) (Principal, error) { asked = true; return nil, nil }})
		if err := w.server.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.refused(http.StatusServiceUnavailable, "1.1.1.1:1")
		if asked {
			t.Error("it was asked")
		}
		w.end()
	})
}

// review is a Revalidate that is asked, and answers what the test says.
type review struct {
	mu     sync.Mutex
	asked  []time.Time
	answer func(ctx context.Context) error
}

func (v *review) ask(ctx context.Context, p Principal) error {
	if p != named("ann") {
		return errors.New("who is that?")
	}
	v.mu.Lock()
	v.asked = append(v.asked, time.Now())
	v.mu.Unlock()
	return v.answer(ctx)
}

// times is when it was asked.
func (v *review) times() []time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.asked)
}

func TestARevokedPrincipalLosesItsConnection(t *testing.T) {
	never := make(chan struct{})
	for name, c := range map[string]struct {
		answer func(ctx context.Context) error
		want   string
		after  time.Duration // from the question on
	}{
		"an error":        {func(context.Context) error { return errKilled }, "close 1008", 0},
		"a close frame":   {func(context.Context) error { return &transport.CloseError{Code: 4001, Reason: "revoked"} }, "close 4001 revoked", 0},
		"a panic":         {func(context.Context) error { panic(errKilled) }, "close 1008", 0},
		"no answer":       {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "close 1008", 10 * time.Second},
		"deaf to its ctx": {func(context.Context) error { <-never; return nil }, "close 1008", 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				never = make(chan struct{})
				v := &review{answer: c.answer}
				w.serve(ServerOptions{Authenticate: byName, Revalidate: v.ask, RevalidateEvery: 20 * time.Second, Heartbeat: Heartbeat{Interval: -1}})
				p, other := w.comes("1.1.1.1:1", called("ann")), w.comes("1.1.1.1:1")
				start := time.Now()
				p.expect(c.want)
				asked := v.times()
				if len(asked) != 1 {
					t.Fatalf("asked %d times", len(asked))
				}
				if at := asked[0].Sub(start); at < 18*time.Second || at > 22*time.Second+time.Second {
					t.Errorf("asked after %v", at)
				}
				if took := time.Since(asked[0]); took != c.after {
					t.Errorf("closed %v after the question, want %v", took, c.after)
				}
				close(never)
				other.text("anonymous")
				other.expect("text anonymous")
				w.end()
			})
		})
	}
}

func TestAPrincipalIsAskedAboutAgainAndAgainSpreadOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		v := &review{answer: func(context.Context) error { return nil }}
		w.serve(ServerOptions{Authenticate: byName, Revalidate: v.ask, RevalidateEvery: 100 * time.Second, Heartbeat: Heartbeat{Interval: -1}})
		p := w.comes("1.1.1.1:1", called("ann"))
		last := time.Now()
		time.Sleep(30 * time.Minute)
		gaps := map[int]int{}
		for _, at := range v.times() {
			gap := at.Sub(last)
			if last = at; gap < 90*time.Second || gap > 111*time.Second {
				t.Errorf("asked after %v", gap)
			}
			gaps[int(gap/(4*time.Second))]++
		}
		if len(v.times()) < 16 || len(gaps) < 3 {
			t.Errorf("%d questions, by 4 s of pause: %v", len(v.times()), gaps)
		}
		p.text("still here")
		p.expect("text still here")
		w.end()
	})
}

func TestAQuestionEndsWithItsConnection(t *testing.T) {
	for name, end := range map[string]func(w *world, p *peer){
		"the client leaves": func(_ *world, p *peer) { p.leave() },
		"the client resets": func(_ *world, p *peer) {
			_ = p.nc.(interface{ SetLinger(int) error }).SetLinger(0)
			_ = p.nc.Close()
		},
		"the server ends": func(w *world, p *peer) {
			go p.partsWith("close 1001 ")
			_ = w.server.Close(context.Background())
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				causes := make(chan error, 1)
				v := &review{answer: func(ctx context.Context) error {
					<-ctx.Done()
					causes <- ctx.Err()
					return ctx.Err()
				}}
				w.serve(ServerOptions{Authenticate: byName, Revalidate: v.ask, RevalidateEvery: 20 * time.Second, Heartbeat: Heartbeat{Interval: -1}})
				p := w.comes("1.1.1.1:1", called("ann"))
				for len(v.times()) == 0 {
					time.Sleep(100 * time.Millisecond)
					synctest.Wait()
				}
				end(w, p)
				synctest.Wait()
				select {
				case err := <-causes:
					if !errors.Is(err, context.Canceled) {
						t.Errorf("it ended with %v", err)
					}
				default:
					t.Error("it goes on")
				}
				if left := w.server.s.tasks.left(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
				w.end()
			})
		})
	}
}
