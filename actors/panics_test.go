package actors

import (
	"context"
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

// faulty panics at messages that say so, in one place.
type faulty struct{ receive, send bool }

func boom(m transport.Message) bool { return strings.HasPrefix(string(m.Payload), "boom") }

func (f faulty) OnReceive(_ *Conn, m transport.Message) Verdict {
	if f.receive && boom(m) {
		panic(errKilled)
	}
	return Pass()
}

func (f faulty) OnSend(_ *Conn, m transport.Message) Verdict {
	if f.send && boom(m) {
		panic(errKilled)
	}
	return Pass()
}

// keeper is a module that keeps what it gets, over its restarts.
type keeper struct {
	mu  sync.Mutex
	got []string
}

func (k *keeper) module(name string, panics bool) Module {
	return Module{Name: name, New: func() Handler {
		return HandlerFunc(func(_ *Context, m transport.Message) {
			if panics && boom(m) {
				panic(errKilled)
			}
			k.mu.Lock()
			k.got = append(k.got, string(m.Payload))
			k.mu.Unlock()
		})
	}}
}

// check fails the test unless exactly these came, in order.
func (k *keeper) check(t *testing.T, who string, want []string) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Equal(k.got, want) {
		t.Errorf("%s got %d messages; want %d", who, len(k.got), len(want))
	}
}

// TestPanicsAtMessagesCostOnlyThem: two thousand messages there and back, of which
// a hundred make the one or the other panic.
func TestPanicsAtMessagesCostOnlyThem(t *testing.T) {
	for _, c := range []struct {
		name       string
		middleware []Middleware
		module     bool
		rule       Rule
		rejected   uint64 // outbound
		discarded  uint64 // inbound
		failed     uint64
		reach      bool // the messages at fault reach the second module
		keeps      bool // and the first one
	}{
		{name: "module", module: true, failed: 100, reach: true},
		{name: "rule", rule: brittle{}, failed: 100, reach: true},
		{name: "middleware in", middleware: []Middleware{{Name: "m", New: func() Interceptor { return faulty{receive: true} }}}, discarded: 100},
		{name: "middleware out", middleware: []Middleware{{Name: "m", New: func() Interceptor { return faulty{send: true} }}}, rejected: 100},
		{name: "inline in", middleware: []Middleware{{Name: "m", Inline: true, New: func() Interceptor { return faulty{receive: true} }}}, discarded: 100},
		{name: "inline out", middleware: []Middleware{{Name: "m", Inline: true, New: func() Interceptor { return faulty{send: true} }}}, rejected: 100},
		{name: "open in", middleware: []Middleware{{Name: "m", FailOpen: true, New: func() Interceptor { return faulty{receive: true} }}}, reach: true, keeps: true},
		{name: "open out", middleware: []Middleware{{Name: "m", FailOpen: true, New: func() Interceptor { return faulty{send: true} }}}, reach: true, keeps: true},
		{name: "all at once", module: true, rejected: 100, middleware: []Middleware{
			{Name: "in", New: func() Interceptor { return faulty{receive: true} }},
			{Name: "out", New: func() Interceptor { return faulty{send: true} }},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				first, second := &keeper{}, &keeper{}
				at := first.module("first", c.module)
				at.Rule = c.rule
				client := w.dial(ClientOptions{
					Modules: []Module{at, second.module("second", false)}, Middleware: c.middleware,
					Outbox: OutboxLimits{Age: -1},
				})
				w.ready()
				var all, others []string
				for i := range 2000 {
					text := fmt.Sprint("message ", i)
					if i%20 == 7 {
						text = fmt.Sprint("boom ", i)
						if c.rule != nil {
							text = "boom"
						}
					} else {
						others = append(others, text)
					}
					all = append(all, text)
					if _, err := client.SendText(text); err != nil {
						t.Fatal(err)
					}
					if i%10 == 0 {
						time.Sleep(time.Millisecond)
					}
				}
				time.Sleep(time.Hour) // the rests of the restarts
				first.check(t, "the first module", pick(c.keeps, all, others))
				second.check(t, "the second module", pick(c.reach, all, others))
				b, counters := client.Books(), &client.s.counters
				if b.Written+c.rejected != 2000 || b.Dropped[Rejected] != c.rejected || !b.Balanced() {
					t.Errorf("%v", b)
				}
				if f, d := counters.failed.Load(), counters.discarded.Load(); f != c.failed || d != c.discarded {
					t.Errorf("%d failed, %d discarded; want %d, %d", f, d, c.failed, c.discarded)
				}
				if n := w.listener.Dials(); n != 1 {
					t.Errorf("%d dials; want 1", n)
				}
				if err := client.Close(context.Background()); err != nil {
					t.Error(err)
				}
				w.client = nil // what it sent was not sent by the world
				w.end()
			})
		})
	}
}

// TestPanicsInHooksAndCallbacksCostNothing: the connection is lost a hundred times,
// and whoever is told of it panics.
func TestPanicsInHooksAndCallbacksCostNothing(t *testing.T) {
	hook := func(name string) func(o *ClientOptions) {
		return func(o *ClientOptions) {
			d := &diary{}
			o.Modules = append(o.Modules, d.module("faulty", func(h string) error {
				if h == name {
					panic(errKilled)
				}
				return nil
			}))
		}
	}
	for name, spoil := range map[string]func(o *ClientOptions){
		"OnStart": func(o *ClientOptions) {
			n := 0
			d := &diary{}
			o.Modules = append(o.Modules, d.module("faulty", func(h string) error {
				if n++; h == "OnStart" && n%2 == 1 {
					panic(errKilled)
				}
				return nil
			}))
		},
		"OnConnect":      hook("OnConnect"),
		"OnReady":        hook("OnReady"),
		"OnReconnected":  hook("OnReconnected"),
		"OnDisconnect":   hook("OnDisconnect"),
		"OnReconnecting": hook("OnReconnecting"),
		"OnStop":         hook("OnStop"),
		"OnEvent": func(o *ClientOptions) {
			o.Modules = append(o.Modules, Module{Name: "faulty", New: func() Handler { return shy{} }})
		},
		"middleware, open": func(o *ClientOptions) {
			o.Middleware = []Middleware{{Name: "faulty", FailOpen: true, New: func() Interceptor { return grumpy{} }}}
		},
		"inline middleware, open": func(o *ClientOptions) {
			o.Middleware = []Middleware{{Name: "faulty", FailOpen: true, Inline: true, New: func() Interceptor { return grumpy{} }}}
		},
		"KeepAlive": func(o *ClientOptions) {
			o.KeepAlive = KeepAlive{Every: 100 * time.Millisecond, Message: func() transport.Message { panic(errKilled) }}
		},
		"OnSessionReset": func(o *ClientOptions) { o.OnSessionReset = func(error) { panic(errKilled) } },
		"event stream":   func(*ClientOptions) {},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				k := &keeper{}
				o := ClientOptions{
					Modules: []Module{k.module("keeper", false)},
					Rand:    func() float64 { return 0.5 },
					Backoff: supervisor.Backoff{InitialDelay: time.Second, MaxDelay: time.Second},
				}
				spoil(&o)
				if name == "event stream" {
					sub := w.system.EventStream.Subscribe(func(any) { panic(errKilled) })
					defer w.system.EventStream.Unsubscribe(sub)
				}
				w.dial(o)
				var want []string
				for i := range 100 {
					w.ready()
					text := fmt.Sprint("message ", i)
					w.send(text)
					want = append(want, text)
					time.Sleep(2 * time.Second)
					if i%10 == 9 {
						if err := w.client.Disconnect(context.Background()); err != nil {
							t.Fatal(err)
						}
					} else {
						w.link().Reset()
						synctest.Wait()
					}
				}
				w.ready()
				time.Sleep(time.Minute)
				k.check(t, "the other module", want)
				if b := w.client.Books(); b.Written != 100 {
					t.Errorf("%v", b)
				}
				if n := w.listener.Dials(); n != 101 {
					t.Errorf("%d dials; want 101", n)
				}
				w.end()
			})
		})
	}
}

// shy panics at each event.
type shy struct{}

func (shy) OnMessage(*Context, transport.Message) {}
func (shy) OnEvent(*Context, *Event)              { panic(errKilled) }

// grumpy panics in every hook, and lets all messages pass.
type grumpy struct{}

func (grumpy) OnReceive(*Conn, transport.Message) Verdict { return Pass() }
func (grumpy) OnSend(*Conn, transport.Message) Verdict    { return Pass() }
func (grumpy) OnConnectionAttempt(Attempt) error          { panic(errKilled) }
func (grumpy) OnConnectionFailure(Attempt, error)         { panic(errKilled) }
func (grumpy) OnConnect(*Conn) error                      { panic(errKilled) }
func (grumpy) OnDisconnect(*Conn, error)                  { panic(errKilled) }
func (grumpy) OnStop()                                    { panic(errKilled) }
