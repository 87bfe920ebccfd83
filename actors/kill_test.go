package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

var errKilled = errors.New("killed by the test")

// bomb makes the light actor panic that receives it. One that has ended already
// is not harmed.
type bomb struct{ in *light }

func (bomb) private() {}

func (b bomb) undelivered() {
	b.in.mu.Lock()
	ended := b.in.closed
	b.in.mu.Unlock()
	if !ended {
		panic(errKilled)
	}
}

// killLight makes the reader or the writer of the current connection panic.
func killLight(l *light) { l.PostUserMessage(bomb{l}) }

// victims are what is killed. Each returns false if it does not exist at that
// stage of the life.
var victims = map[string]func(w *world) bool{
	"reader": func(w *world) bool {
		c := w.client.s.line.Load()
		if c != nil {
			killLight(&c.reader.light)
		}
		return c != nil
	},
	"writer": func(w *world) bool {
		c := w.client.s.line.Load()
		if c != nil {
			killLight(&c.writer.light)
		}
		return c != nil
	},
	// Each of these panics in the state that it belongs to, and is ignored in the
	// others.
	"connection": func(w *world) bool {
		pid := w.status().Connection
		if pid == nil {
			return false
		}
		for _, msg := range []any{(*backoffOver)(nil), (*dialed)(nil), (*opened)(nil), (*pongReceived)(nil)} {
			w.system.Root.Send(pid, msg)
		}
		return true
	},
	"socket": func(w *world) bool {
		links := w.listener.Links()
		if len(links) == 0 {
			return false
		}
		links[len(links)-1].Reset()
		return true
	},
	"stream": func(w *world) bool {
		links := w.listener.Links()
		if len(links) == 0 {
			return false
		}
		_ = links[len(links)-1].Server().Close()
		return true
	},
	"module": func(w *world) bool {
		w.system.Root.Send(moduleOf(w, "sink"), "boom")
		return true
	},
	"middleware": func(w *world) bool {
		w.client.s.routes.Load().middleware[0].box.PostUserMessage("boom")
		return true
	},
}

func moduleOf(w *world, name string) *actor.PID {
	for _, g := range w.client.s.routes.Load().groups {
		if g.module.Name == name {
			return g.instances[0].pid
		}
	}
	return nil
}

func (w *world) status() *Status {
	w.t.Helper()
	answered, pid, err := w.client.s.root.ask()
	if err != nil {
		w.t.Fatal(err)
	}
	defer w.client.s.root.forgetAsk(pid)
	w.system.Root.RequestWithCustomSender(w.client.pid, &GetStatus{}, pid)
	status, ok := (<-answered).(*Status)
	if !ok {
		w.t.Fatal("no status: the client has ended")
	}
	return status
}

// sink records what comes, and panics when an actor tells it to.
type sink struct{ w *world }

func (s sink) OnMessage(_ *Context, m transport.Message) {
	s.w.mu.Lock()
	s.w.came = append(s.w.came, string(m.Payload))
	s.w.mu.Unlock()
}

func (s sink) Receive(ctx actor.Context) {
	if ctx.Message() == any("boom") {
		panic(errKilled)
	}
}

// passer is a middleware that lets everything pass, and panics when told to.
type passer struct{}

func (passer) OnReceive(*Conn, transport.Message) Verdict { return Pass() }
func (passer) OnSend(*Conn, transport.Message) Verdict    { return Pass() }
func (passer) Receive(ctx actor.Context) {
	if ctx.Message() == any("boom") {
		panic(errKilled)
	}
}

// stages bring a client to a point of its life.
var stages = map[string]func(w *world){
	"dialing": func(w *world) {
		w.listener.Silence(true)
		w.start()
		synctest.Wait()
	},
	"backoff": func(w *world) {
		w.listener.Refuse(true)
		w.start()
		synctest.Wait()
	},
	"opening": func(w *world) {
		w.start()
		synctest.Wait() // the set-up step waits for an hour
	},
	"ready": func(w *world) {
		w.start()
		w.finishSetup()
		w.ready()
	},
	"closing": func(w *world) {
		w.start()
		w.finishSetup()
		w.ready()
		w.link().Stall(transporttest.ToClient) // the close frame of the server does not come
		w.system.Root.Send(w.client.pid, &Do{Command: Reconnect})
		synctest.Wait()
	},
}

// start makes a client whose set-up step waits until it is told to finish.
func (w *world) start() {
	w.dial(ClientOptions{
		Modules:     []Module{{Name: "sink", New: func() Handler { return sink{w} }}},
		Middleware:  []Middleware{{Name: "passer", New: func() Interceptor { return passer{} }}},
		Outbox:      OutboxLimits{Age: -1},
		Backoff:     supervisor.Backoff{InitialDelay: time.Minute, Jitter: -1},
		OpenTimeout: 2 * time.Hour,
		Setup: []SetupStep{func(ctx context.Context, s *Setup) error {
			if _, err := s.Send(transport.Text, []byte(fmt.Sprint("hello ", s.Conn().Epoch()))); err != nil {
				return err
			}
			if _, err := s.Receive(ctx); err != nil {
				return err
			}
			select {
			case <-w.opens:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}},
	})
}

// finishSetup lets every set-up step go on from now on.
func (w *world) finishSetup() {
	select {
	case <-w.opens:
	default:
		close(w.opens)
	}
}

func TestWhateverIsKilledAtWhateverStageTheClientComesBack(t *testing.T) {
	for victim, kill := range victims {
		for stage, reach := range stages {
			t.Run(victim+" while "+stage, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.serve(ServerOptions{})
					reach(w)
					pid := w.client.PID().String()
					for i := range 20 {
						w.send(fmt.Sprint("a", i))
					}
					if !kill(w) {
						w.send("no such victim here")
					}
					for i := range 20 {
						w.send(fmt.Sprint("b", i))
					}
					synctest.Wait()
					w.listener.Refuse(false)
					w.listener.Silence(false)
					w.finishSetup()
					w.ready()
					w.send("last")
					time.Sleep(time.Minute)
					synctest.Wait()
					if got := w.received(); len(got) == 0 || got[len(got)-1] != "last" {
						t.Errorf("the client does not work any more:\n%s", w.story())
					}
					if w.client.PID().String() != pid {
						t.Error("the PID changed")
					}
					w.end()
					w.forgetSetup()
					w.delivered(victim == "socket" || victim == "stream")
				})
			})
		}
	}
}

// forgetSetup takes the set-up messages out of what arrived: they have no place
// in the order of the others.
func (w *world) forgetSetup() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var data []string
	for _, text := range w.arrived {
		if _, ours := w.ids[text]; ours {
			data = append(data, text)
		}
	}
	w.arrived = data
}

func TestAModuleThatPanicsLosesOnlyTheMessageAtFault(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		restarts := 0
		w.dial(ClientOptions{Modules: []Module{{Name: "fragile", New: func() Handler {
			restarts++
			return HandlerFunc(func(_ *Context, m transport.Message) {
				if string(m.Payload) == "boom" {
					panic(errKilled)
				}
				w.mu.Lock()
				w.came = append(w.came, string(m.Payload))
				w.mu.Unlock()
			})
		}}}})
		w.ready()
		for i := range 100 {
			w.send(fmt.Sprint(i))
			if i == 50 {
				w.send("boom")
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := w.echoed(); len(got) != 100 || got[99] != "99" {
			t.Errorf("%d of 100 messages handled: %v", len(got), got)
		}
		if n := w.client.s.counters.failed.Load(); n != 1 || restarts != 2 {
			t.Errorf("%d failed, module made %d times; want 1 and 2", n, restarts)
		}
		if n := w.listener.Dials(); n != 1 {
			t.Errorf("the connection was touched: %d dials", n)
		}
		w.end()
	})
}

func TestAMiddlewareThatPanicsGivesTheMessageAnOutcome(t *testing.T) {
	for _, open := range []bool{false, true} {
		t.Run(fmt.Sprint("fail open ", open), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				c := w.dial(ClientOptions{Middleware: []Middleware{{Name: "fragile", FailOpen: open, New: func() Interceptor { return fragile{} }}}})
				w.ready()
				w.send("1", "boom out", "2", "boom in", "3")
				time.Sleep(time.Minute)
				synctest.Wait()
				out, in := len(w.received()), len(w.echoed())
				b := c.Books()
				switch {
				case open && (out != 5 || in != 5 || b.Written != 5):
					t.Errorf("fail open: %d went out, %d came in, %v", out, in, b)
				case !open && (out != 4 || in != 3 || b.Dropped[Rejected] != 1):
					t.Errorf("fail closed: %d went out, %d came in, %v", out, in, b)
				}
				if n := w.listener.Dials(); n != 1 {
					t.Errorf("the connection was touched: %d dials", n)
				}
				w.end()
				w.delivered(false)
			})
		})
	}
}

// fragile panics at certain messages.
type fragile struct{}

func (fragile) OnReceive(_ *Conn, m transport.Message) Verdict {
	if string(m.Payload) == "boom in" {
		panic(errKilled)
	}
	return Pass()
}

func (fragile) OnSend(_ *Conn, m transport.Message) Verdict {
	if string(m.Payload) == "boom out" {
		panic(errKilled)
	}
	return Pass()
}

func TestAModuleThatKeepsFailingIsGivenUpAndTheRestLivesOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(ClientOptions{Modules: []Module{
			{Name: "hopeless", New: func() Handler {
				return HandlerFunc(func(*Context, transport.Message) { panic(errKilled) })
			}},
			{Name: "sink", New: func() Handler { return sink{w} }},
		}})
		w.ready()
		for i := range 100 {
			w.send(fmt.Sprint(i))
		}
		time.Sleep(10 * time.Minute)
		w.send("after")
		synctest.Wait()
		if got := w.echoed(); len(got) != 101 {
			t.Errorf("the module beside got %d of 101", len(got))
		}
		w.end()
	})
}

func TestMessagesBehindAMiddlewareReachABusyModuleAsTheyWere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(ClientOptions{
			Middleware: []Middleware{{Name: "passer", New: func() Interceptor { return passer{} }}},
			Modules: []Module{{Name: "slow", Async: true, New: func() Handler {
				return HandlerFunc(func(_ *Context, m transport.Message) {
					time.Sleep(time.Second)
					w.mu.Lock()
					w.came = append(w.came, string(m.Payload))
					w.mu.Unlock()
				})
			}}},
		})
		w.ready()
		want := []string{}
		for i := range 30 {
			want = append(want, fmt.Sprint("m", i))
			w.send(want[i])
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		if got := w.echoed(); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		w.end()
	})
}
