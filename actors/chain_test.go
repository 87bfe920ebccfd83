package actors

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// judge is an Interceptor without hooks that does what a test says.
type judge struct {
	receive, send func(*Conn, transport.Message) Verdict
}

func (j judge) OnReceive(c *Conn, m transport.Message) Verdict {
	if j.receive == nil {
		return Pass()
	}
	return j.receive(c, m)
}

func (j judge) OnSend(c *Conn, m transport.Message) Verdict {
	if j.send == nil {
		return Pass()
	}
	return j.send(c, m)
}

// named makes a middleware of it.
func (j judge) named(name string, inline bool) Middleware {
	return Middleware{Name: name, Inline: inline, New: func() Interceptor { return j }}
}

// both runs a test with an actor and with an inline middleware.
func both(t *testing.T, f func(t *testing.T, inline bool)) {
	for _, inline := range []bool{false, true} {
		t.Run(map[bool]string{false: "actor", true: "inline"}[inline], func(t *testing.T) { f(t, inline) })
	}
}

func said(s string) transport.Message {
	return transport.Message{Kind: transport.Text, Payload: []byte(s)}
}

var errNotThis = errors.New("not this one")

// verdicts are those on messages that say what they are to be.
func verdicts(_ *Conn, m transport.Message) Verdict {
	switch string(m.Payload) {
	case "replace":
		return Replace(transport.Message{Kind: transport.Binary, Payload: []byte("replaced")})
	case "drop":
		return Drop("test")
	case "reject":
		return Reject(errNotThis)
	case "reject without a cause":
		return Reject(nil)
	case "reply":
		return Reply(said("reply to it"))
	case "close":
		return CloseConn(4001, "enough")
	}
	return Pass()
}

func TestVerdictsOnInboundMessages(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		for _, c := range []struct{ send, handled, back string }{
			{"pass", "pass", "pass"},
			{"replace", "replaced", "replaced"},
			{"drop", "", ""},
			{"reject", "", ""},
			{"reply", "", "reply to it"},
		} {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{Middleware: []Middleware{judge{receive: verdicts}.named("m", inline)}})
				w.dial(ClientOptions{})
				w.ready()
				w.bounce("before")
				w.send(c.send)
				w.bounce("behind")
				around := func(s string) []string {
					return strings.Fields(strings.Join([]string{"before", strings.ReplaceAll(s, " ", "_"), "behind"}, " "))
				}
				got := strings.Fields(strings.ReplaceAll(strings.Join(w.echoed(), "\n"), " ", "_"))
				if arrived := w.received(); !slices.Equal(arrived, around(c.handled)) || !slices.Equal(got, around(c.back)) {
					t.Errorf("%s: the module got %q and the peer %q", c.send, arrived, got)
				}
				if n := w.server.s.counters.discarded.Load(); n != uint64(3-len(w.received())) {
					t.Errorf("%s: %d discarded", c.send, n)
				}
				if n := w.listener.Dials(); n != 1 {
					t.Errorf("%s: %d dials", c.send, n)
				}
				w.end()
			})
		}
	})
}

func TestVerdictsOnOutboundMessages(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		for _, c := range []struct {
			send, arrived, came string
			outcome             Outcome
		}{
			{"pass", "pass", "pass", Outcome{Result: Written}},
			{"replace", "replaced", "replaced", Outcome{Result: Written}},
			{"drop", "", "", Outcome{Result: Dropped, Reason: Rejected, Err: dropped("test")}},
			{"reject", "", "", Outcome{Result: Dropped, Reason: Rejected, Err: errNotThis}},
			{"reject without a cause", "", "", Outcome{Result: Dropped, Reason: Rejected, Err: ErrRejected}},
			{"reply", "", "reply to it", Outcome{Result: Dropped, Reason: Superseded}},
		} {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				w.dial(ClientOptions{Middleware: []Middleware{judge{send: verdicts}.named("m", inline)}})
				w.ready()
				w.send("before", c.send, "behind")
				synctest.Wait()
				list := func(middle string) []string {
					return slices.DeleteFunc([]string{"before", middle, "behind"}, func(s string) bool { return s == "" })
				}
				came := w.echoed()
				slices.Sort(came) // what the middleware replied came before the echo of its neighbours
				want := list(c.came)
				slices.Sort(want)
				if arrived := w.received(); !slices.Equal(arrived, list(c.arrived)) || !slices.Equal(came, want) {
					t.Errorf("%s: %q arrived and %q came", c.send, arrived, came)
				}
				w.mu.Lock()
				c.outcome.ID = w.ids[c.send]
				same := func(o Outcome) bool {
					cause := o.Err
					o.Err = c.outcome.Err
					return o == c.outcome && errors.Is(cause, c.outcome.Err)
				}
				if !slices.ContainsFunc(w.outcomes, same) {
					t.Errorf("%s: no %+v in %+v", c.send, c.outcome, w.outcomes)
				}
				w.mu.Unlock()
				w.end()
			})
		}
	})
}

// A middleware's close tells the peer the code, what came before it is handled, and
// what comes behind it is not.
func TestACloseByAMiddleware(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		for way, j := range map[string]judge{"inbound": {receive: verdicts}, "outbound": {send: verdicts}} {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{Middleware: []Middleware{j.named("m", inline)}})
				c := w.dial(ClientOptions{Restart: supervisor.Temporary})
				w.ready()
				if err := c.Hold(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.send("1", "close", "2") // they will leave, and come, as one batch
				if err := c.Connect(t.Context()); err != nil {
					t.Fatal(err)
				}
				err := c.WaitStopped(t.Context())
				closed, ok := errors.AsType[*transport.CloseError](err)
				if !ok || closed.Code != 4001 || closed.Reason != "enough" {
					t.Errorf("%s: the peer saw %v", way, err)
				}
				if got := w.echoed(); !slices.Equal(got, []string{"1"}) {
					t.Errorf("%s: %q came back, want what was before the close", way, got)
				}
				if got := w.received(); way == "inbound" && !slices.Equal(got, []string{"1"}) {
					t.Errorf("%s: the module got %q, want what was before the close", way, got)
				}
				w.end()
			})
		}
	})
}
