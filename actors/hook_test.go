package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// diary notes what handlers and interceptors live through, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// reads fails the test unless the diary, from where it was last read, is this.
func (d *diary) reads(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.lines, want) {
		t.Errorf("it went\n  %s\nwant\n  %s", strings.Join(d.lines, "\n  "), strings.Join(want, "\n  "))
	}
	d.lines = nil
}

// witness has every hook of a Handler.
type witness struct {
	diary *diary
	name  string
	fail  func(hook string) error // may be nil
}

func (w *witness) hook(hook, format string, args ...any) error {
	w.diary.note("%s "+hook+format, append([]any{w.name}, args...)...)
	if w.fail != nil {
		return w.fail(hook)
	}
	return nil
}

func (w *witness) OnMessage(_ *Context, m transport.Message) {
	w.diary.note("%s %s", w.name, m.Payload)
}
func (w *witness) OnStart(*Context) { _ = w.hook("OnStart", "") }
func (w *witness) OnStop()          { _ = w.hook("OnStop", "") }

func (w *witness) OnConnect(c *Context) error {
	return w.hook("OnConnect", " %d", c.Conn().Epoch())
}
func (w *witness) OnReady(c *Context) { _ = w.hook("OnReady", " %d", c.Conn().Epoch()) }
func (w *witness) OnReconnected(_ *Context, attempts int) {
	_ = w.hook("OnReconnected", " %d", attempts)
}

func (w *witness) OnDisconnect(c *Context, cause error) {
	_ = w.hook("OnDisconnect", " %d %v", c.Conn().Epoch(), cause)
}

func (w *witness) OnReconnecting(_ *Context, attempt int, delay time.Duration) error {
	return w.hook("OnReconnecting", " %d %v", attempt, delay)
}

func (w *witness) OnReconnectFailed(_ *Context, attempts int, cause error) {
	_ = w.hook("OnReconnectFailed", " %d %v", attempts, cause)
}

func (d *diary) module(name string, fail func(string) error) Module {
	return Module{Name: name, New: func() Handler { return &witness{diary: d, name: name, fail: fail} }}
}

// half is a backoff whose first delay is half a second, for ever.
var half = ClientOptions{
	Rand:    func() float64 { return 0.5 },
	Backoff: supervisor.Backoff{InitialDelay: time.Second, MaxDelay: time.Second},
}

func TestAModuleLivesThroughTheLifeOfAClientInOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.serve(ServerOptions{})
		o := half
		o.Modules = []Module{d.module("m", nil)}
		w.dial(o)
		w.ready()
		w.bounce("hello")
		d.reads(t, "m OnStart", "m OnConnect 1", "m OnReady 1", "m hello")

		w.link().Reset()
		synctest.Wait()
		w.ready()
		d.reads(t, fmt.Sprintf("m OnDisconnect 1 %v", w.lastCause()),
			"m OnReconnecting 1 500ms", "m OnConnect 2", "m OnReady 2", "m OnReconnected 1")

		if err := w.client.Reconnect(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.ready()
		d.reads(t, "m OnDisconnect 2 <nil>", "m OnConnect 3", "m OnReady 3")
		w.end()
		d.reads(t, "m OnDisconnect 3 <nil>", "m OnStop")
	})
}

func TestGivingUpIsTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.listener.Refuse(true)
		o := half
		o.Backoff.MaxAttempts = 2
		o.Modules = []Module{d.module("m", nil)}
		c := w.dial(o)
		cause := c.WaitStopped(context.Background())
		if cause == nil {
			t.Fatal("no cause")
		}
		w.end()
		d.reads(t, "m OnStart", "m OnReconnecting 2 500ms", fmt.Sprintf("m OnReconnectFailed 2 %v", cause), "m OnStop")
	})
}

func TestAnErrorOfOnReconnectingAbortsTheAttempt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.serve(ServerOptions{})
		o := half
		refusals := 2
		o.Modules = []Module{d.module("m", func(hook string) error {
			if hook == "OnReconnecting" && refusals > 0 {
				refusals--
				return errors.New("not yet")
			}
			return nil
		})}
		c := w.dial(o)
		w.ready()
		w.link().Reset()
		synctest.Wait()
		start, dials := time.Now(), w.listener.Dials()
		w.ready()
		if took := time.Since(start); took != 1500*time.Millisecond {
			t.Errorf("ready after %v; want after three delays of 500ms", took)
		}
		if n := w.listener.Dials() - dials; n != 1 {
			t.Errorf("%d dials; want 1", n)
		}
		if s := c.State(); s != Ready {
			t.Errorf("state %v", s)
		}
		w.end()
	})
}

func TestAnErrorOfOnConnectFailsTheAttempt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.serve(ServerOptions{})
		o := half
		refused := false
		o.Modules = []Module{d.module("one", nil), d.module("two", func(hook string) error {
			if hook == "OnConnect" && !refused {
				refused = true
				return errors.New("not this one")
			}
			return nil
		})}
		w.dial(o)
		w.send("kept")
		w.ready()
		if got := w.received(); !slices.Equal(got, []string{"kept"}) {
			t.Errorf("the server got %q", got)
		}
		w.end()
		d.mu.Lock()
		defer d.mu.Unlock()
		of := func(name string) (lines []string) {
			for _, l := range d.lines {
				if strings.HasPrefix(l, name+" ") {
					lines = append(lines, strings.TrimPrefix(l, name+" "))
				}
			}
			return lines
		}
		cause := "actors: OnConnect of two: not this one"
		if got, want := of("one"), []string{
			"OnStart", "OnConnect 1", "OnDisconnect 1 " + cause, "OnReconnecting 2 500ms",
			"OnConnect 2", "OnReady 2", "kept", "OnDisconnect 2 <nil>", "OnStop",
		}; !slices.Equal(got, want) {
			t.Errorf("one lived through %q; want %q", got, want)
		}
		if got, want := of("two"), []string{
			"OnStart", "OnConnect 1", "OnReconnecting 2 500ms",
			"OnConnect 2", "OnReady 2", "kept", "OnDisconnect 2 <nil>", "OnStop",
		}; !slices.Equal(got, want) {
			t.Errorf("two, which refused, lived through %q; want %q", got, want)
		}
	})
}

func TestALateHookIsPassedOver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.serve(ServerOptions{})
		release := make(chan struct{})
		w.dial(ClientOptions{HookTimeout: 3 * time.Second, Modules: []Module{
			d.module("slow", func(hook string) error {
				if hook == "OnReady" {
					<-release
				}
				return nil
			}),
			d.module("quick", nil),
		}})
		start := time.Now()
		w.ready()
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("ready after %v; want the HookTimeout", took)
		}
		w.bounce("a")
		close(release)
		synctest.Wait()
		d.mu.Lock()
		if !slices.Contains(d.lines, "slow a") || !slices.Contains(d.lines, "quick a") {
			t.Errorf("not both got the message: %q", d.lines)
		}
		d.mu.Unlock()
		w.end()
	})
}

func TestAHookThatPanicsRestartsItsModuleAlone(t *testing.T) {
	for _, hook := range []string{"OnConnect", "OnReady", "OnReconnected", "OnDisconnect", "OnReconnecting"} {
		t.Run(hook, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				d := &diary{}
				w.serve(ServerOptions{})
				o := half
				panicked := false
				o.Modules = []Module{d.module("m", func(h string) error {
					if h == hook && !panicked {
						panicked = true
						panic("in " + hook)
					}
					return nil
				})}
				w.dial(o)
				w.ready()
				w.link().Reset()
				synctest.Wait()
				w.ready()
				time.Sleep(5 * time.Second) // the module's own backoff
				w.bounce("on")
				if n := w.listener.Dials(); n != 2 {
					t.Errorf("%d dials; want 2: the connection has nothing to do with it", n)
				}
				d.mu.Lock()
				if !panicked || !slices.Contains(d.lines, "m on") {
					t.Errorf("panicked %t, and the module got %q", panicked, d.lines)
				}
				d.mu.Unlock()
				w.end()
			})
		})
	}
}

func TestAModuleOfAServerKnowsItsConnections(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.serve(ServerOptions{Modules: []Module{d.module("m", nil)}})
		w.dial(ClientOptions{})
		w.ready()
		w.send("hello")
		synctest.Wait()
		d.reads(t, "m OnStart", "m OnConnect 1", "m OnReady 1", "m hello")
		if err := w.client.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		d.reads(t, "m OnDisconnect 1 transport: closed by peer with 1000 (normal closure)")
		w.end()
		d.reads(t, "m OnStop")
	})
}

func TestAServersModuleMayRefuseAConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.serve(ServerOptions{Modules: []Module{d.module("m", func(hook string) error {
			if hook == "OnConnect" {
				return &transport.CloseError{Code: 4401, Reason: "members only"}
			}
			return nil
		})}})
		c := w.dial(ClientOptions{Restart: supervisor.Temporary})
		err := c.WaitStopped(context.Background())
		closed, ok := errors.AsType[*transport.CloseError](err)
		if !ok || closed.Code != 4401 || closed.Reason != "members only" {
			t.Errorf("the client ended with %v", err)
		}
		synctest.Wait()
		d.reads(t, "m OnStart", "m OnConnect 1")
		w.end()
	})
}

func TestAServerThatClosesTellsItsModulesFirst(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.serve(ServerOptions{Modules: []Module{d.module("m", func(hook string) error {
			if hook == "OnDisconnect" {
				time.Sleep(time.Second)
			}
			return nil
		})}})
		w.dial(ClientOptions{})
		w.ready()
		if err := w.server.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		d.reads(t, "m OnStart", "m OnConnect 1", "m OnReady 1", "m OnDisconnect 1 <nil>", "m OnStop")
		w.end()
	})
}

// lastCause is why the latest connection was lost.
func (w *world) lastCause() (cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Kind == EventDisconnected {
			cause = e.Cause
		}
	}
	return cause
}

func TestAModuleThatIsAddedIsToldOfTheConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.serve(ServerOptions{})
		w.dial(ClientOptions{Modules: []Module{d.module("old", nil)}})
		w.ready()
		d.reads(t, "old OnStart", "old OnConnect 1", "old OnReady 1")
		w.system.Root.Send(w.client.pid, &AddModule{Module: d.module("new", nil)})
		synctest.Wait()
		d.reads(t, "new OnStart", "new OnConnect 1", "new OnReady 1")
		if err := w.client.Hold(context.Background()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // Hold does not wait for the hooks
		d.mu.Lock()
		slices.Sort(d.lines) // the modules are told at once
		d.mu.Unlock()
		d.reads(t, "new OnDisconnect 1 <nil>", "old OnDisconnect 1 <nil>")
		w.end()
	})
}

func TestAnAddedModuleThatRefusesHarmsNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := &diary{}
		w.serve(ServerOptions{})
		w.dial(ClientOptions{Modules: []Module{d.module("old", nil)}})
		w.ready()
		w.system.Root.Send(w.client.pid, &AddModule{Module: d.module("new", func(hook string) error {
			if hook == "OnConnect" {
				return errors.New("not this one")
			}
			return nil
		})})
		synctest.Wait()
		d.reads(t, "old OnStart", "old OnConnect 1", "old OnReady 1", "new OnStart", "new OnConnect 1", "new OnReady 1")
		w.end()
		d.reads(t, "old OnDisconnect 1 <nil>", "old OnStop", "new OnStop")
	})
}
