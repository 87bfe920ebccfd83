package actors

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// guest is an Interceptor with every hook, that notes what it lives through.
type guest struct {
	diary *diary
	name  string
	on    func(hook string) error // may be nil
}

func (g *guest) hook(hook, format string, args ...any) error {
	g.diary.note("%s "+hook+format, append([]any{g.name}, args...)...)
	if g.on != nil {
		return g.on(hook)
	}
	return nil
}

func (g *guest) OnReceive(_ *Conn, m transport.Message) Verdict {
	_ = g.hook("OnReceive", " %s", m.Payload)
	return Pass()
}

func (g *guest) OnSend(_ *Conn, m transport.Message) Verdict {
	_ = g.hook("OnSend", " %s", m.Payload)
	return Pass()
}

func (g *guest) OnConnectionAttempt(a Attempt) error {
	return g.hook("OnConnectionAttempt", " %d", a.Number)
}

func (g *guest) OnConnectionFailure(a Attempt, cause error) {
	_ = g.hook("OnConnectionFailure", " %d %v", a.Number, cause)
}
func (g *guest) OnConnect(c *Conn) error { return g.hook("OnConnect", " %d", c.ID()) }
func (g *guest) OnDisconnect(c *Conn, cause error) {
	_ = g.hook("OnDisconnect", " %d %v", c.ID(), cause)
}
func (g *guest) OnStop() { _ = g.hook("OnStop", "") }

func (d *diary) middleware(name string, inline bool, on func(string) error) Middleware {
	return Middleware{Name: name, Inline: inline, New: func() Interceptor { return &guest{diary: d, name: name, on: on} }}
}

// once fails at the first call of a hook.
func once(hook string, err error) func(string) error {
	done := false
	return func(h string) error {
		if h != hook || done {
			return nil
		}
		done = true
		return err
	}
}

// of are the lines of a diary that hold a word.
func (d *diary) of(word string) (lines []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines {
		if strings.Contains(l, word) {
			lines = append(lines, l)
		}
	}
	return lines
}

func TestAMiddlewareLivesThroughTheLifeOfAClientInOrder(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			d := &diary{}
			w.serve(ServerOptions{})
			w.listener.Refuse(true)
			o := half
			o.Middleware = []Middleware{d.middleware("a", inline, nil), d.middleware("b", inline, nil)}
			o.Modules = []Module{d.module("m", nil)}
			w.dial(o)
			synctest.Wait()
			d.mu.Lock()
			refused := strings.TrimPrefix(d.lines[3], "a OnConnectionFailure 1 ")
			d.mu.Unlock()
			d.reads(t, "m OnStart", "a OnConnectionAttempt 1", "b OnConnectionAttempt 1",
				"a OnConnectionFailure 1 "+refused, "b OnConnectionFailure 1 "+refused, "m OnReconnecting 2 500ms")
			if !strings.Contains(refused, "refused") {
				t.Errorf("the cause is %s", refused)
			}
			w.listener.Refuse(false)
			w.ready()
			w.bounce("hello")
			d.reads(t, "a OnConnectionAttempt 2", "b OnConnectionAttempt 2", "a OnConnect 2", "b OnConnect 2", "m OnConnect 2", "m OnReady 2",
				"b OnSend hello", "a OnSend hello", "a OnReceive hello", "b OnReceive hello", "m hello")
			w.end()
			if got, want := d.of("OnDisconnect"), []string{"m OnDisconnect 2 <nil>", "b OnDisconnect 2 <nil>", "a OnDisconnect 2 <nil>"}; !slices.Equal(got, want) {
				t.Errorf("at the end %q, want %q", got, want)
			}
		})
	})
}

// A veto of the third undoes the first two, in reverse, and nobody else.
func TestAVetoUnwindsThoseWhoHadTheConnection(t *testing.T) {
	for mix := range 4 {
		t.Run(fmt.Sprintf("mix %02b", mix), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				d := &diary{}
				w.serve(ServerOptions{})
				o := half
				o.Middleware = []Middleware{
					d.middleware("a", mix&1 > 0, nil), d.middleware("b", mix&2 > 0, nil),
					d.middleware("c", mix&1 > 0, once("OnConnect", errNotThis)), d.middleware("d", mix&2 > 0, nil),
				}
				o.Modules = []Module{d.module("m", nil)}
				w.dial(o)
				w.send("kept")
				begin := time.Now()
				w.ready()
				if took := time.Since(begin); took != 500*time.Millisecond {
					t.Errorf("ready after %v, want one backoff", took)
				}
				const cause = "actors: OnConnect of c: not this one"
				var first []string
				for _, l := range d.of("Connect 1") {
					first = append(first, strings.TrimSuffix(l, " 1"))
				}
				if want := []string{"a OnConnect", "b OnConnect", "c OnConnect"}; !slices.Equal(first, want) {
					t.Errorf("the first connection was shown as %q", first)
				}
				if got, want := d.of("Disconnect 1"), []string{"b OnDisconnect 1 " + cause, "a OnDisconnect 1 " + cause}; !slices.Equal(got, want) {
					t.Errorf("undone by %q, want %q", got, want)
				}
				if got := d.of("Connect 2"); len(got) != 5 {
					t.Errorf("the second connection was shown as %q", got)
				}
				var refused *HookError
				if !errors.As(w.lastCause(), &refused) || refused.Of != "c" || refused.Hook != "OnConnect" || !errors.Is(refused, errNotThis) {
					t.Errorf("the cause is %v", w.lastCause())
				}
				if got := w.received(); !slices.Equal(got, []string{"kept"}) {
					t.Errorf("%q arrived", got)
				}
				w.end()
				if a, c := len(d.of("a OnConnect "))-len(d.of("a OnDisconnect ")), len(d.of("c OnConnect "))-len(d.of("c OnDisconnect ")); a != 0 || c != 1 {
					t.Errorf("a has %d connections too many, c, which refused one, %d", a, c-1)
				}
			})
		})
	}
}

func TestAServersMiddlewareMayRefuseAConnection(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		for want, err := range map[transport.CloseCode]error{
			transport.PolicyViolation: errNotThis,
			4401:                      fmt.Errorf("no token: %w", &transport.CloseError{Code: 4401, Reason: "members only"}),
		} {
			inWorld(t, func(t *testing.T, w *world) {
				d := &diary{}
				w.serve(ServerOptions{Middleware: []Middleware{d.middleware("a", inline, nil), d.middleware("b", inline, once("OnConnect", err))}})
				c := w.dial(ClientOptions{Restart: supervisor.Temporary})
				_, _ = c.SendText("never handled") // it may have stopped already
				stopped := c.WaitStopped(t.Context())
				closed, ok := errors.AsType[*transport.CloseError](stopped)
				if !ok || closed.Code != want {
					t.Errorf("the peer saw %v, want code %d", stopped, want)
				}
				if strings.Contains(fmt.Sprint(stopped), "not this one") || strings.Contains(fmt.Sprint(stopped), "no token") {
					t.Errorf("the peer was told what is not its business: %v", stopped)
				}
				synctest.Wait()
				if got := w.received(); len(got) != 0 {
					t.Errorf("%q was handled", got)
				}
				d.reads(t, "a OnConnect 1", "b OnConnect 1", fmt.Sprintf("a OnDisconnect 1 actors: OnConnect of b: %v", err))
				w.end()
			})
		}
	})
}

func TestAnErrorOfOnConnectionAttemptFailsTheAttempt(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			d := &diary{}
			w.serve(ServerOptions{})
			o := half
			o.Middleware = []Middleware{d.middleware("a", inline, nil), d.middleware("b", inline, once("OnConnectionAttempt", errNotThis)), d.middleware("c", inline, nil)}
			w.dial(o)
			begin := time.Now()
			w.ready()
			if took := time.Since(begin); took != 500*time.Millisecond {
				t.Errorf("ready after %v, want one backoff", took)
			}
			if n := w.listener.Dials(); n != 1 {
				t.Errorf("%d dials, want none for the attempt that failed", n)
			}
			const cause = " 1 actors: OnConnectionAttempt of b: not this one"
			d.reads(t, "a OnConnectionAttempt 1", "b OnConnectionAttempt 1",
				"a OnConnectionFailure"+cause, "b OnConnectionFailure"+cause, "c OnConnectionFailure"+cause,
				"a OnConnectionAttempt 2", "b OnConnectionAttempt 2", "c OnConnectionAttempt 2",
				"a OnConnect 2", "b OnConnect 2", "c OnConnect 2")
			w.end()
		})
	})
}
