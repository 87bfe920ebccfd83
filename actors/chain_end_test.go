package actors

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// napper is a middleware that is busy for a second when it is told so.
type napper struct{ judge }

func (napper) Receive(actor.Context) { time.Sleep(time.Second) }

// A middleware that has messages in its mailbox when their connection is lost passes
// them on to the module before the modules, and whoever is behind it, hear of the end.
func TestOnDisconnectIsBehindTheLastMessage(t *testing.T) {
	for mix := range 4 {
		t.Run(fmt.Sprintf("mix %02b", mix), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				d := &diary{}
				var peer *Conn
				w.serve(ServerOptions{Modules: []Module{{Name: "peer", New: func() Handler {
					return HandlerFunc(func(c *Context, _ transport.Message) { peer = c.Conn() })
				}}}})
				w.dial(ClientOptions{
					Middleware: []Middleware{
						d.middleware("a", mix&1 > 0, nil),
						{Name: "slow", New: func() Interceptor { return napper{} }},
						d.middleware("b", mix&2 > 0, nil),
					},
					Modules: []Module{d.module("m", nil)},
				})
				w.ready()
				w.bounce("1")
				w.client.s.routes.Load().middleware[1].box.PostUserMessage("sleep")
				synctest.Wait()
				if _, err := peer.Send(transport.Text, []byte("2")); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				w.link().Reset()
				time.Sleep(time.Minute)
				ended := map[string]bool{}
				d.mu.Lock()
				for _, l := range d.lines {
					who, what, _ := strings.Cut(l, " ")
					if strings.HasPrefix(what, "OnDisconnect 1") {
						ended[who] = true
					}
					if ended[who] && (what == "OnReceive 2" || what == "2") {
						t.Errorf("%s had the message behind the end:\n%s", who, strings.Join(d.lines, "\n"))
					}
				}
				if !slices.Contains(d.lines, "m 2") {
					t.Errorf("the message is lost:\n%s", strings.Join(d.lines, "\n"))
				}
				d.mu.Unlock()
				if len(ended) != 3 {
					t.Errorf("told the end: %v", ended)
				}
				w.end()
			})
		})
	}
}

// Nobody sees a message of a connection of whose end it has been told.
func TestNoMessageIsSeenBehindTheEnd(t *testing.T) {
	for mix := range 8 {
		t.Run(fmt.Sprintf("mix %03b", mix), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				d := &diary{}
				w.serve(ServerOptions{})
				slow := judge{
					send: func(*Conn, transport.Message) Verdict {
						time.Sleep(time.Second)
						return Pass()
					},
					receive: func(*Conn, transport.Message) Verdict {
						time.Sleep(time.Second)
						return Pass()
					},
				}
				sees := func(name string, inline bool) Middleware {
					return Middleware{Name: name, Inline: inline, New: func() Interceptor { return &follower{d: d, name: name} }}
				}
				w.dial(ClientOptions{
					Heartbeat:  Heartbeat{Interval: -1},
					Middleware: []Middleware{sees("a", mix&1 > 0), slow.named("slow", mix&2 > 0), sees("b", mix&4 > 0)},
				})
				w.ready()
				for i := range 20 {
					w.send(fmt.Sprint(i), fmt.Sprint(i, "+"))
					time.Sleep(100 * time.Millisecond)
					if i%7 == 3 {
						w.link().Reset()
					}
				}
				time.Sleep(10 * time.Minute) // it has a lot to do
				w.end()
				ended := map[string]bool{}
				for _, l := range d.lines {
					who, what, _ := strings.Cut(l, ": ")
					if ended[who] {
						t.Errorf("%s %s, behind the end", who, what)
					}
					ended[who] = what == "end"
				}
			})
		})
	}
}

// follower notes of each connection what it sees of it.
type follower struct {
	d    *diary
	name string
}

func (f *follower) see(c *Conn, what string) Verdict {
	f.d.note("%s %d: %s", f.name, c.ID(), what)
	return Pass()
}

func (f *follower) OnReceive(c *Conn, m transport.Message) Verdict {
	return f.see(c, "received "+string(m.Payload))
}

func (f *follower) OnSend(c *Conn, m transport.Message) Verdict {
	return f.see(c, "sent "+string(m.Payload))
}
func (f *follower) OnDisconnect(c *Conn, _ error) { f.see(c, "end") }

func TestEveryMiddlewareIsToldWhenItEnds(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			d := &diary{}
			w.serve(ServerOptions{Middleware: []Middleware{d.middleware("server", inline, nil)}})
			w.dial(ClientOptions{Middleware: []Middleware{d.middleware("client", inline, nil)}})
			w.ready()
			w.end()
			got := d.of("OnStop")
			slices.Sort(got)
			if want := []string{"client OnStop", "server OnStop"}; !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	})
}

func TestEveryMiddlewareIsToldWhenItRestarts(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			d := &diary{}
			w.serve(ServerOptions{})
			m := d.middleware("m", inline, func(hook string) error {
				if hook == "OnSend" {
					panic("no")
				}
				return nil
			})
			w.dial(ClientOptions{Middleware: []Middleware{m}})
			w.ready()
			w.send("x")
			time.Sleep(time.Minute)
			if got := d.of("OnStop"); len(got) != 1 {
				t.Errorf("%q, want one end, of the Interceptor that panicked", got)
			}
			w.end()
		})
	})
}
