package actors

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// What goes out is legal, whatever a middleware makes of it.
func TestAReplacementIsALegalMessage(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		for name, bad := range map[string]transport.Message{
			"a kind that is none": {Kind: 0, Payload: []byte("x")},
			"a ping":              {Kind: 9, Payload: []byte("x")},
			"a close frame":       {Kind: 8, Payload: []byte{3, 232}},
			"a reserved opcode":   {Kind: 3, Payload: []byte("x")},
			"no UTF-8":            {Kind: transport.Text, Payload: []byte{0xff}},
		} {
			t.Run(name, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.serve(ServerOptions{})
					w.dial(ClientOptions{Middleware: []Middleware{judge{send: func(_ *Conn, m transport.Message) Verdict {
						if string(m.Payload) == "bad" {
							return Replace(bad)
						}
						return Pass()
					}}.named("m", inline)}})
					w.ready()
					w.send("1", "bad")
					w.bounce("2")
					if got := w.received(); !slices.Equal(got, []string{"1", "2"}) {
						t.Errorf("%q arrived", got)
					}
					if n := w.listener.Dials(); n != 1 || w.client.State() != Ready {
						t.Errorf("%d dials, state %v: %v", n, w.client.State(), w.client.Err())
					}
					if b := w.client.Books(); b.Written != 2 || b.Dropped[Rejected] != 1 {
						t.Errorf("%v, want the bad one rejected", b)
					}
					w.end()
				})
			})
		}
	})
}

// A replacement that the outbox would not have accepted is not sent either.
func TestAReplacementIsBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Limits: transport.Limits{MaxMessage: 64 << 20}})
		big := make([]byte, 8<<20)
		w.dial(ClientOptions{Outbox: OutboxLimits{Bytes: 1 << 20}, Middleware: []Middleware{judge{send: func(_ *Conn, m transport.Message) Verdict {
			return Replace(transport.Message{Kind: transport.Binary, Payload: big})
		}}.named("m", true)}})
		w.ready()
		w.send("x")
		synctest.Wait()
		if b := w.client.Books(); b.Dropped[Rejected] != 1 {
			t.Errorf("%v, want it rejected: the outbox takes 1 MiB", b)
		}
		w.end()
	})
}

// An outcome's cause names the rejection, as ErrRejected's comment says.
func TestARejectionIsInTheChainOfItsCause(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(ClientOptions{Middleware: []Middleware{judge{send: verdicts}.named("m", true)}})
		w.ready()
		w.send("reject", "drop")
		synctest.Wait()
		w.mu.Lock()
		for _, o := range w.outcomes {
			if !errors.Is(o.Err, ErrRejected) {
				t.Errorf("%v is no ErrRejected", o.Err)
			}
		}
		w.mu.Unlock()
		w.end()
	})
}

// A middleware that does not keep up must not make a server keep whatever its peers
// send: it stops reading, and TCP pushes back.
func TestASlowMiddlewarePushesBack(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			const size, n = 16 << 10, 2000 // 32 MB
			release := make(chan struct{})
			w.serve(ServerOptions{
				Heartbeat: Heartbeat{Interval: -1}, Outbox: OutboxLimits{Bytes: 64 << 20},
				Middleware: []Middleware{judge{receive: func(_ *Conn, m transport.Message) Verdict {
					if string(m.Payload) == "wait" {
						<-release
					}
					return Drop("test")
				}}.named("slow", inline)},
			})
			o := ClientOptions{
				Heartbeat: Heartbeat{Interval: -1}, WriteTimeout: -1,
				Outbox: OutboxLimits{Bytes: 64 << 20, Age: -1},
			}
			other := w.dial(o) // its message keeps the middleware busy
			w.ready()
			w.send("wait")
			synctest.Wait()
			c := w.dial(o)
			w.ready()
			for range n {
				if _, err := c.SendBinary(make([]byte, size)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
			if b := c.Books(); b.InFlight < n/2 && !inline { // an inline one is not busy for the second
				t.Errorf("%d of %d messages wait at the sender: the others have been read, and wait in memory", b.InFlight, n)
			}
			close(release)
			time.Sleep(time.Minute)
			if b := c.Books(); b.Written != n {
				t.Errorf("%v, want all written", b)
			}
			if err := other.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
			w.client, w.shared = nil, true
			w.end()
		})
	})
}

// A middleware that takes its time over what goes out must not keep the writer from
// answering pings.
func TestASlowMiddlewareDoesNotSilenceTheConnection(t *testing.T) {
	for _, way := range []string{"in", "out"} {
		t.Run(way, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: time.Second, Timeout: time.Second}})
				slow := func(*Conn, transport.Message) Verdict {
					time.Sleep(30 * time.Second)
					return Pass()
				}
				j := judge{receive: slow}
				if way == "out" {
					j = judge{send: slow}
				}
				w.dial(ClientOptions{Middleware: []Middleware{j.named("slow", false)}})
				w.ready()
				w.send("1")
				time.Sleep(time.Minute)
				if n := w.listener.Dials(); n != 1 {
					t.Errorf("%d dials: pings were not answered\n%s", n, w.story())
				}
				if got := w.echoed(); !slices.Equal(got, []string{"1"}) {
					t.Errorf("%q came back", got)
				}
				w.end()
			})
		})
	}
}
