package actors

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// ends waits for the frame, and returns how long that took.
func (p *peer) ends(want string) time.Duration {
	p.t.Helper()
	start := time.Now()
	for range 10_000 {
		got := p.next()
		if got == "nothing" {
			continue
		}
		if got != want {
			p.t.Errorf("got %q, want %q", got, want)
		}
		break
	}
	return time.Since(start)
}

// slack is how much later than it is due a deadline may be kept: an eighth, or a second.
func slack(d time.Duration) time.Duration { return min(d/8, time.Second) + 10*time.Millisecond }

func TestAConnectionWithoutMessagesEndsWhenItIsIdle(t *testing.T) {
	for _, idle := range []time.Duration{time.Second, 7 * time.Second, 5 * time.Minute, 24 * time.Hour} {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{IdleTimeout: idle, Heartbeat: Heartbeat{Interval: -1}})
			p := w.meet("/")
			if took := p.ends("close 1001 idle"); took < idle || took > idle+slack(idle) {
				t.Errorf("idle after %v, want %v", took, idle)
			}
			w.end()
		})
	}
}

func TestOnlyWholeMessagesKeepAConnectionFromBeingIdle(t *testing.T) {
	const idle, every = 20 * time.Second, 3 * time.Second
	for name, c := range map[string]struct {
		does  func(p *peer, conn *Conn, i int)
		keeps bool
	}{
		"a text":       {func(p *peer, _ *Conn, _ int) { p.text("x") }, true},
		"an empty one": {func(p *peer, _ *Conn, _ int) { p.write(piece{head: binary_}) }, true},
		"a ping":       {func(p *peer, _ *Conn, _ int) { p.write(piece{head: ping, body: "x"}) }, false},
		"a pong":       {func(p *peer, _ *Conn, _ int) { p.write(piece{head: pong, body: "x"}) }, false},
		"what we send": {func(_ *peer, c *Conn, _ int) { _, _ = c.Send(transport.Text, []byte("x")) }, false},
		"a part":       {func(p *peer, _ *Conn, i int) { p.write(piece{head: []byte{text & more, rest}[min(i, 1)], body: "x"}) }, false},
		"bytes of a part": {func(p *peer, _ *Conn, i int) {
			_, _ = p.nc.Write([]byte{0x81, 0x84, 0, 0, 0, 0, 'x', 'x', 'x'}[i : i+1])
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				g := &guestbook{}
				o := ServerOptions{IdleTimeout: idle, Heartbeat: Heartbeat{Interval: 2 * time.Second}, Modules: []Module{g.module()}}
				if name == "bytes of a part" {
					o.Heartbeat.Interval = -1 // a pong would end up in it
				}
				w.serve(o)
				p := w.comes("1.1.1.1:1")
				synctest.Wait()
				ended := make(chan time.Time, 1)
				go func() {
					for got := ""; got != "close 1001 idle"; got = p.next() {
						if got == "EOF" || got == "reset" {
							t.Errorf("it ends with %q", got)
							break
						}
					}
					ended <- time.Now()
				}()
				start := time.Now()
				for i := range 6 {
					time.Sleep(every)
					c.does(p, g.all()[0], i)
				}
				want := idle
				if c.keeps {
					want = 6*every + idle
				}
				if took := (<-ended).Sub(start); took < want || took > want+slack(idle) {
					t.Errorf("idle after %v, want %v", took, want)
				}
				w.end()
			})
		})
	}
}

// While the client waits for an answer, and while the server does not read, it is not the
// client who is idle.
func TestAConnectionIsNotIdleWhileItsMessagesAreHandled(t *testing.T) {
	for name, m := range map[string]Module{
		"in the turn, then not": module("slow", "", func(ctx *Context, m transport.Message) {
			time.Sleep(45 * time.Second)
			_, _ = ctx.Echo(m)
		}),
		"it wants no more": {Name: "full", Async: true, QueueBytes: 1, New: func() Handler {
			return HandlerFunc(func(ctx *Context, m transport.Message) {
				time.Sleep(45 * time.Second)
				_, _ = ctx.Echo(m)
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{IdleTimeout: 10 * time.Second, Heartbeat: Heartbeat{Interval: -1}, Modules: []Module{m}})
				p := w.meet("/")
				p.text("1")
				time.Sleep(time.Second)
				p.text("2")
				start := time.Now()
				p.expect("text 1", "text 2")
				p.ends("close 1001 idle")
				if took := time.Since(start); took < 99*time.Second || took > 102*time.Second {
					t.Errorf("idle after %v", took)
				}
				w.end()
			})
		})
	}
}

func TestConnectionsHaveALifeOfTheirOwn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const life, n = time.Hour, 40
		w.serve(ServerOptions{MaxLifetime: life, Heartbeat: Heartbeat{Interval: -1}})
		lives := make(chan time.Duration, n)
		for range n {
			p := w.comes("1.1.1.1:1")
			go func() {
				p.text("activity does not help")
				p.expect("text activity does not help")
				lives <- p.ends("close 1012 connection is too old")
			}()
		}
		var ages []time.Duration
		for range n {
			ages = append(ages, <-lives)
		}
		slices.Sort(ages)
		if ages[0] < life*9/10 || ages[n-1] > life*11/10+slack(life) {
			t.Errorf("they live from %v to %v", ages[0], ages[n-1])
		}
		if spread := ages[n-1] - ages[0]; spread < life/10 {
			t.Errorf("they all end within %v", spread)
		}
		w.end()
	})
}

func TestATermThatEndsWhileAConnectionClosesChangesNothing(t *testing.T) {
	for name, o := range map[string]ServerOptions{
		"idle":     {IdleTimeout: 10 * time.Second},
		"lifetime": {MaxLifetime: 10 * time.Second},
		"asking":   {RevalidateEvery: 10 * time.Second, Authenticate: byName, Revalidate: (&review{answer: nil}).ask},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			g := &guestbook{}
			o.Modules, o.CloseTimeout, o.Heartbeat = []Module{g.module()}, time.Minute, Heartbeat{Interval: -1}
			w.serve(o)
			p := w.comes("1.1.1.1:1", called("ann"))
			synctest.Wait()
			time.Sleep(8 * time.Second)
			g.all()[0].Close(4000, "mine")
			time.Sleep(40 * time.Second)
			p.expect("close 4000 mine")
			start := time.Now()
			p.expect("reset")
			if took := time.Since(start); took < 19*time.Second || took > 22*time.Second {
				t.Errorf("%s: reset after %v more", name, took)
			}
			w.end()
		})
	}
}

func TestAMessageOfLongDurationIsCutByTheIdleTimeout(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{IdleTimeout: 10 * time.Second, Heartbeat: Heartbeat{Interval: -1}})
		p := w.meet("/")
		w.link().Trickle(transporttest.ToServer, 1, 100*time.Millisecond)
		p.text(fmt.Sprintf("%0300d", 1)) // half a minute
		if took := p.ends("close 1001 idle"); took < 10*time.Second || took > 12*time.Second {
			t.Errorf("idle after %v", took)
		}
		w.link().Trickle(transporttest.ToServer, 0, 0)
		w.end()
	})
}

func TestClientsHaveNoTerms(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(ClientOptions{})
		w.ready()
		c := w.client.s.line.Load()
		if c.side.policy.metered || c.side.policy.idle != 0 || c.Principal() != nil {
			t.Errorf("%+v", c.side.policy)
		}
		w.end()
	})
}
