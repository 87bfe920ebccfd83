package actors

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// booms panics at messages that begin with boom.
func booms(_ *Conn, m transport.Message) Verdict {
	if strings.HasPrefix(string(m.Payload), "boom") {
		panic(errKilled)
	}
	return Pass()
}

// failing is a judge that panics one way.
var failing = map[string]judge{"OnReceive": {receive: booms}, "OnSend": {send: booms}}

func TestAPanicAtAMessageFailsAsDeclared(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		for way, j := range failing {
			for _, open := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, open %t", way, open), func(t *testing.T) {
					inWorld(t, func(t *testing.T, w *world) {
						w.serve(ServerOptions{})
						m := j.named("m", inline)
						m.FailOpen = open
						w.dial(ClientOptions{Middleware: []Middleware{m}})
						w.ready()
						w.send("1", "boom", "2")
						time.Sleep(time.Second)
						want := []string{"1", "2"}
						if open {
							want = []string{"1", "boom", "2"}
						}
						if got := w.echoed(); !slices.Equal(got, want) {
							t.Errorf("%q came back, want %q", got, want)
						}
						w.mu.Lock()
						for _, o := range w.outcomes {
							if fails := o.ID == w.ids["boom"] && !open && way == "OnSend"; fails != (o.Result == Dropped) || fails != errors.Is(o.Err, ErrRejected) {
								t.Errorf("outcome %+v", o)
							}
						}
						w.mu.Unlock()
						if n := w.client.s.counters.discarded.Load(); (n == 1) != (!open && way == "OnReceive") {
							t.Errorf("%d discarded", n)
						}
						if n := w.listener.Dials(); n != 1 {
							t.Errorf("%d dials", n)
						}
						w.end()
					})
				})
			}
		}
	})
}

// The replies to what is handled behind a panic are written, though the turn that
// brought it is over.
func TestRepliesBehindAPanicAreWritten(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{Middleware: []Middleware{failing["OnReceive"].named("m", inline)}})
			c := w.dial(ClientOptions{})
			w.ready()
			w.bounce("0") // the middleware runs in the turn of the reader
			if err := c.Hold(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.send("1", "boom", "2", "3") // they will leave together
			if err := c.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.ready()
			time.Sleep(time.Second)
			if got := w.echoed(); !slices.Equal(got, []string{"0", "1", "2", "3"}) {
				t.Errorf("%q came back", got)
			}
			w.end()
		})
	})
}

// A hundred panics among ten thousand messages cost a hundred messages.
func TestPanicsUnderLoadCostTheirMessagesAlone(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		for way, j := range failing {
			t.Run(way, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.serve(ServerOptions{})
					other := judge{receive: func(*Conn, transport.Message) Verdict { return Pass() }}
					w.dial(ClientOptions{
						Middleware: []Middleware{other.named("before", false), j.named("m", inline), other.named("behind", true)},
						Outbox:     OutboxLimits{Age: -1},
					})
					w.ready()
					var want []string
					for round := range 100 {
						for i := range 100 {
							text := fmt.Sprintf("%d %d", round, i)
							if i == round {
								text = "boom " + text
							} else {
								want = append(want, text)
							}
							w.send(text)
						}
						if !inline && round%5 == 4 {
							time.Sleep(time.Minute) // more than ten in a minute, and it would be given up
						}
					}
					time.Sleep(time.Minute)
					if got := w.echoed(); !slices.Equal(got, want) {
						t.Errorf("%d messages came back, want %d in order", len(got), len(want))
					}
					b, c := w.client.Books(), &w.client.s.counters
					if way == "OnSend" && (b.Dropped[Rejected] != 100 || b.Written != 9900) {
						t.Errorf("%v, want 100 rejected", b)
					}
					if n := c.discarded.Load(); way == "OnReceive" && n != 100 {
						t.Errorf("%d discarded, want 100", n)
					}
					if n := w.listener.Dials(); n != 1 {
						t.Errorf("%d dials", n)
					}
					begin := time.Now()
					if err := w.client.Close(t.Context()); err != nil || time.Since(begin) > 5*time.Second {
						t.Errorf("closed after %v: %v", time.Since(begin), err)
					}
					w.end()
				})
			})
		}
	})
}

// A panic in the middle of a storm, with reconnects: every message has one outcome,
// and the books balance.
func TestPanicsAndReconnectsKeepTheBooks(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{})
			w.dial(ClientOptions{
				Middleware: []Middleware{judge{receive: booms, send: booms}.named("m", inline), judge{}.named("behind", true)},
				Outbox:     OutboxLimits{Age: -1},
			})
			w.ready()
			for round := range 20 {
				for i := range 50 {
					w.send(fmt.Sprintf("%d %d", round, i))
				}
				w.send(fmt.Sprint("boom ", round))
				for i := range 50 {
					w.send(fmt.Sprintf("%d+%d", round, i))
				}
				if round%2 == 0 {
					w.link().Reset()
				}
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			if b := w.client.Books(); b.Dropped[Rejected] < 15 || b.DroppedAll() != b.Dropped[Rejected] {
				t.Errorf("%v, want only the panics rejected", b)
			}
			w.end()
			w.delivered(true)
		})
	})
}

func TestAMiddlewareThatCannotBeMade(t *testing.T) {
	none := Middleware{Name: "m", New: func() Interceptor { panic(errKilled) }}
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			m := none
			m.Inline = inline
			server, err := NewServer(w.system, ServerOptions{Middleware: []Middleware{m}})
			if inline != (err != nil) {
				t.Errorf("NewServer returned %v", err) // an actor is tried again
			}
			if err == nil {
				time.Sleep(time.Hour)
				if err := server.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
			c, err := Dial(t.Context(), w.system, "ws://hawser.test/", ClientOptions{NetDial: w.listener.Dial, Middleware: []Middleware{m}})
			if err != nil {
				t.Fatal(err)
			}
			if inline {
				if err := c.WaitStopped(t.Context()); !errors.Is(err, errKilled) {
					t.Errorf("the client stopped by %v", err)
				}
			}
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
			w.end()
		})
	})
}

// An inline middleware that cannot be made again goes on as it was.
func TestAnInlineMiddlewareThatCannotBeMadeAgainStays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		made := 0
		w.dial(ClientOptions{Middleware: []Middleware{{Name: "m", Inline: true, New: func() Interceptor {
			if made++; made > 1 {
				panic(errKilled)
			}
			return failing["OnSend"]
		}}}})
		w.ready()
		w.send("1", "boom", "2", "boom again", "3")
		synctest.Wait()
		if got := w.received(); !slices.Equal(got, []string{"1", "2", "3"}) {
			t.Errorf("%q arrived", got)
		}
		w.end()
	})
}

// A middleware that ends its goroutine, as t.FailNow does, costs its connection at
// most; the client comes back and closes in time.
func TestAMiddlewareThatEndsItsGoroutine(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		for _, way := range []string{"in", "out"} {
			t.Run(way, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					var gone atomic.Bool
					leave := func(_ *Conn, m transport.Message) Verdict {
						if string(m.Payload) == "leave" && !gone.Swap(true) {
							runtime.Goexit()
						}
						return Pass()
					}
					j := judge{receive: leave}
					if way == "out" {
						j = judge{send: leave}
					}
					w.serve(ServerOptions{})
					w.dial(ClientOptions{Middleware: []Middleware{j.named("m", inline)}})
					w.ready()
					w.send("leave")
					time.Sleep(time.Minute)
					w.ready()
					w.bounce("on")
					if got := w.echoed(); len(got) == 0 || got[len(got)-1] != "on" {
						t.Errorf("%q came back", got)
					}
					w.end()
				})
			})
		}
	})
}
