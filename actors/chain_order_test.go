package actors

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// marks is a middleware that adds its name to every message.
func marks(name string, inline bool) Middleware {
	mark := func(_ *Conn, m transport.Message) Verdict {
		m.Payload = append(m.Payload[:len(m.Payload):len(m.Payload)], name...)
		return Replace(m)
	}
	return judge{receive: mark, send: mark}.named(name, inline)
}

// Inbound the chain runs in order, outbound in reverse, whatever its links are.
func TestTheChainIsReversedOutbound(t *testing.T) {
	for mix := range 8 {
		t.Run(fmt.Sprintf("mix %03b", mix), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				w.dial(ClientOptions{Middleware: []Middleware{marks("a", mix&1 > 0), marks("b", mix&2 > 0), marks("c", mix&4 > 0)}})
				w.ready()
				var out, back []string
				for i := range 100 {
					w.send(fmt.Sprint(i))
					out, back = append(out, fmt.Sprint(i, "cba")), append(back, fmt.Sprint(i, "cbaabc"))
				}
				synctest.Wait()
				if got := w.received(); !slices.Equal(got, out) {
					t.Errorf("%.200q arrived", got)
				}
				if got := w.echoed(); !slices.Equal(got, back) {
					t.Errorf("%.200q came back", got)
				}
				w.end()
			})
		})
	}
}

// An answer to an inbound message goes the whole way out; one to an outbound
// message comes in by those that are nearer to the modules.
func TestRepliesGoThroughTheChain(t *testing.T) {
	for mix := range 8 {
		replies := func(inline bool) Middleware {
			answer := func(to string) func(*Conn, transport.Message) Verdict {
				return func(_ *Conn, m transport.Message) Verdict {
					if strings.HasPrefix(string(m.Payload), to) {
						return Reply(said("answer"))
					}
					return Pass()
				}
			}
			return judge{receive: answer("question"), send: answer("request")}.named("replies", inline)
		}
		chain := func() []Middleware {
			return []Middleware{marks("a", mix&1 > 0), replies(mix&2 > 0), marks("c", mix&4 > 0)}
		}
		t.Run(fmt.Sprintf("inbound, mix %03b", mix), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{Middleware: chain()})
				w.dial(ClientOptions{})
				w.ready()
				w.bounce("question")
				if got := w.echoed(); !slices.Equal(got, []string{"answerca"}) {
					t.Errorf("the peer got %q", got)
				}
				w.end()
			})
		})
		t.Run(fmt.Sprintf("outbound, mix %03b", mix), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				w.dial(ClientOptions{Middleware: chain()})
				w.ready()
				w.bounce("request")
				if got := w.echoed(); !slices.Equal(got, []string{"answerc"}) {
					t.Errorf("the module got %q", got)
				}
				if got := w.received(); len(got) != 0 {
					t.Errorf("%q arrived", got)
				}
				w.end()
			})
		})
	}
}

// What one read or one chunk brings goes through a middleware as a whole.
func TestBatchesStayBatches(t *testing.T) {
	for mix := range 4 {
		t.Run(fmt.Sprintf("mix %02b", mix), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				d := &diary{}
				sees := func(name string, inline bool) Middleware {
					see := func(way string) func(*Conn, transport.Message) Verdict {
						return func(*Conn, transport.Message) Verdict {
							d.note("%s %s", name, way)
							return Pass()
						}
					}
					return judge{receive: see("in"), send: see("out")}.named(name, inline)
				}
				w.serve(ServerOptions{})
				w.listener.Refuse(true)
				w.dial(ClientOptions{
					Middleware: []Middleware{sees("a", mix&1 > 0), sees("b", mix&2 > 0)},
					Modules:    []Module{{Name: "m", New: func() Handler { return HandlerFunc(func(*Context, transport.Message) { d.note("m") }) }}},
				})
				for i := range 100 { // they wait for the connection, and leave together
					w.send(fmt.Sprint(i))
				}
				w.listener.Refuse(false)
				w.ready()
				var runs []string // 100 × the same line is one turn
				d.mu.Lock()
				for i, line := range d.lines {
					if i == 0 || d.lines[i-1] != line {
						runs = append(runs, line)
					}
				}
				if n := len(d.lines); n != 500 {
					t.Errorf("%d steps, want 5 for each message", n)
				}
				d.mu.Unlock()
				// The answers may come in a few reads; one by one it would be 500 turns.
				if len(runs) > 20 || !slices.Equal(runs[:4], []string{"b out", "a out", "a in", "b in"}) {
					t.Errorf("%d turns: %.300q", len(runs), runs)
				}
				w.end()
			})
		})
	}
}

func TestAddedModulesAreBehindTheMiddleware(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{})
			s := &spy{}
			w.dial(ClientOptions{Middleware: []Middleware{marks("a", inline)}, Modules: []Module{s.module(Module{Name: "old"})}})
			w.ready()
			w.bounce("1")
			w.system.Root.Send(w.client.pid, &AddModule{Module: s.module(Module{Name: "new"})})
			synctest.Wait()
			w.bounce("2")
			s.took(t, "old", "1aa 2aa")
			s.took(t, "new", "2aa")
			w.end()
		})
	})
}

// What a middleware still has when its client closes is written.
func TestCloseWaitsForTheMiddleware(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{})
			slow := judge{send: func(*Conn, transport.Message) Verdict {
				time.Sleep(time.Second)
				return Pass()
			}}
			w.dial(ClientOptions{Middleware: []Middleware{slow.named("slow", inline)}})
			w.ready()
			w.send("1", "2", "3")
			w.end()
			if got := w.received(); !slices.Equal(got, []string{"1", "2", "3"}) {
				t.Errorf("%q arrived", got)
			}
			w.delivered(false)
		})
	})
}
