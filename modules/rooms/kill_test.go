package rooms

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// pid is the PID of an actor of ours: "room" is that of the lobby.
func (w *world) pid(kind string) *actor.PID {
	w.t.Helper()
	w.rooms.mu.Lock()
	defer w.rooms.mu.Unlock()
	switch kind {
	case "hall":
		return w.rooms.hall.Load()
	case "module":
		return w.rooms.home
	}
	p := w.rooms.rooms["lobby"]
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.host
}

// bomb makes a room fail.
type bomb struct{ *ticket }

func (bomb) cost() int     { return 0 }
func (bomb) perform(*host) { panic("boom") }

func (w *world) fail(room string) *ticket {
	w.t.Helper()
	b := bomb{newTicket()}
	if there, err := w.rooms.Room(room).tell(b); !there || err != nil {
		w.t.Fatal(there, err)
	}
	return b.ticket
}

func TestARoomSurvivesTheEndOfItsActors(t *testing.T) {
	for name, kill := range map[string]func(w *world){
		"room killed":   func(w *world) { w.system.Root.Stop(w.pid("room")) },
		"room poisoned": func(w *world) { w.system.Root.Poison(w.pid("room")) },
		"room failed":   func(w *world) { w.fail("lobby") },
		"hall killed":   func(w *world) { w.system.Root.Stop(w.pid("hall")) },
		"hall poisoned": func(w *world) { w.system.Root.Poison(w.pid("hall")) },
		"module restarted": func(w *world) {
			module := w.pid("module")
			process, _ := w.system.ProcessRegistry.Get(module)
			process.SendSystemMessage(module, &actor.Restart{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, setting{options: telling(-1)}, func(w *world) {
				ann, bob := w.visit(), w.visit()
				w.enter("lobby", ann, bob)
				want := []string{"=1", "+2"}
				for i := range 20 {
					kill(w)
					w.broadcast("lobby", fmt.Sprint(i, " at once"))
					synctest.Wait()
					w.broadcast("lobby", fmt.Sprint(i, " later"))
					time.Sleep(20 * time.Second) // restarts have their pauses
					want = append(want, fmt.Sprint(i, " at once"), fmt.Sprint(i, " later"))
				}
				same(t, "ann", ann.got(), want)
				bob.link.Reset()
				same(t, "ann", ann.got(), append(want, "-2"))
				same(t, "members", ids(w.rooms.Room("lobby").Members()), []string{"1"})
			})
		})
	}
}

// A connection may end, or join, while no actor is there to note it.
func TestNothingIsMissedWhileTheActorsAreDown(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann, bob, eve := w.visit(), w.visit(), w.visit()
		w.enter("lobby", ann, bob)
		w.fail("lobby") // it rests 50 ms now at most
		synctest.Wait()
		bob.link.Reset()
		joined := make(chan error)
		go func() { joined <- w.rooms.Room("lobby").Join(bg, eve.conn, Member{ID: "eve"}) }()
		time.Sleep(time.Second)
		if err := <-joined; err != nil {
			t.Error(err)
		}
		same(t, "members", ids(w.rooms.Room("lobby").Members()), []string{"1", "eve"})
	})
}

func TestWhoWaitsForARoomThatFailsIsToldSo(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann := w.visit()
		w.enter("lobby", ann)
		if err := w.fail("lobby").wait(bg, w.rooms); !errors.Is(err, ErrFailed) {
			t.Errorf("got %v", err)
		}
	})
}

// Panics in functions of the user harm nobody: each of them is called for "boom", and
// panics.
func TestAPanicInAFunctionOfOptionsHarmsNobodyElse(t *testing.T) {
	panics := func(room string) {
		if room == "boom" {
			panic("at the disco")
		}
	}
	o := Options{
		PresenceEvery: -1,
		OnJoin:        func(room *Room, _ *actors.Conn, _ Member) { panics(room.Name()) },
		OnLeave:       func(room *Room, _ *actors.Conn, _ Member, _ error) { panics(room.Name()) },
		OnPresence:    func(room *Room, _ Diff) { panics(room.Name()) },
		Presence: func(room string, d Diff) (transport.Message, bool) {
			panics(room)
			return text(told(d)), true
		},
	}
	in(t, setting{options: o, errors: true}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		w.enter("boom", ann, bob)
		w.enter("calm", ann)
		synctest.Wait()
		w.broadcast("boom", "x")
		synctest.Wait()
		w.broadcast("calm", "y")
		w.leave("boom", bob)
		same(t, "ann", ann.got(), []string{"=1", "x", "y"})
		same(t, "members", ids(w.rooms.Room("boom").Members()), []string{"1"})
		// Each join: OnJoin, OnPresence, Presence for those who know and those who do not.
		if n := w.rooms.Stats().Panics; n < 9 {
			t.Errorf("%d panics counted", n)
		}
	})
}

func TestAFunctionThatEndsItsGoroutineHarmsNobodyElse(t *testing.T) {
	once := true
	o := Options{OnJoin: func(*Room, *actors.Conn, Member) {
		if once {
			once = false
			runtime.Goexit()
		}
	}}
	in(t, setting{options: o}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		w.enter("lobby", ann, bob)
		w.broadcast("lobby", "x")
		time.Sleep(time.Second)
		same(t, "ann", ann.got(), []string{"x"})
		same(t, "bob", bob.got(), []string{"x"})
	})
}

func TestAfterTheEndOfTheServerNobodyWaits(t *testing.T) {
	in(t, setting{options: Options{OnPresence: func(*Room, Diff) {}}}, func(w *world) {
		ann := w.visit()
		w.enter("lobby", ann)
		if err := w.rooms.Create("kept"); err != nil {
			t.Fatal(err)
		}
		room := w.rooms.Room("lobby")
		waits := make(chan error)
		w.system.Root.Send(w.pid("hall"), &actor.PoisonPill{})
		go func() {
			for {
				if _, err := room.BroadcastWait(bg, text("x")); err != nil {
					waits <- err
					return
				}
			}
		}()
		w.close()
		if err := <-waits; !errors.Is(err, ErrClosed) {
			t.Errorf("who waited was told %v", err)
		}
		_, waited := room.BroadcastWait(bg, text("x"))
		_, all := w.rooms.BroadcastAll(text("x"))
		for what, err := range map[string]error{
			"join": room.Join(bg, ann.conn, Member{}), "leave": room.Leave(bg, ann.conn), "broadcast": room.Broadcast(text("x")),
			"wait": waited, "all": all, "send": room.SendTo(bg, "1", text("x")), "set": room.Set("k", "v"),
			"create": w.rooms.Create("x"), "delete": w.rooms.Delete("lobby"),
		} {
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if room.Len() != 0 || room.Has("1") || room.Members() != nil || w.rooms.Of(ann.conn) != nil {
			t.Error("somebody is still there")
		}
	})
}

// A module that is stopped by force takes the rooms with it. Its successor opens new
// ones, and who was in the old ones is told to come back.
func TestTheRoomsEndWithTheirModule(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann := w.visit()
		w.enter("lobby", ann)
		w.system.Root.Stop(w.pid("module"))
		time.Sleep(time.Second)
		lobby := w.rooms.Room("lobby")
		if lobby.Len() != 0 || ann.conn.CloseCode() != transport.ServiceRestart {
			t.Errorf("%d members, and the connection ended with %d", lobby.Len(), ann.conn.CloseCode())
		}
		w.enter("lobby", w.visit())
		if result, err := lobby.BroadcastWait(bg, text("x")); result.Reached != 1 || err != nil {
			t.Errorf("reached %d: %v", result.Reached, err)
		}
	})
}

func TestWithoutAModuleNobodyWaits(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann := w.visit()
		r, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Room("lobby").Join(bg, ann.conn, Member{}); !errors.Is(err, ErrNoServer) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhoGivesUpHasNotJoined(t *testing.T) {
	var hold chan struct{} // of the bubble
	o := Options{OnJoin: func(_ *Room, _ *actors.Conn, m Member) {
		if m.ID == "1" {
			<-hold
		}
	}}
	in(t, setting{options: o}, func(w *world) {
		hold = make(chan struct{})
		ann, bob := w.visit(), w.visit()
		w.enter("lobby", ann)
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		room := w.rooms.Room("lobby")
		_, waited := room.BroadcastWait(ctx, text("x"))
		for what, err := range map[string]error{
			"join": room.Join(ctx, bob.conn, Member{}), "leave": room.Leave(ctx, ann.conn),
			"send": room.SendTo(ctx, "1", text("y")), "broadcast": waited,
		} {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", what, err)
			}
		}
		close(hold)
		w.broadcast("lobby", "z")
		same(t, "ann", ann.got(), []string{"z"})
		same(t, "bob", bob.got(), []string(nil))
		same(t, "members", ids(room.Members()), []string{"1"})
	})
}

func TestARoomDoesNotWaitForItself(t *testing.T) {
	var errs []error
	o := Options{OnJoin: func(room *Room, c *actors.Conn, m Member) {
		_, err := room.BroadcastWait(bg, text("x"))
		errs = append(errs, err, room.Join(bg, c, m), room.Leave(bg, c), room.SendTo(bg, m.ID, text("x")))
		if room.Len() != 1 || !room.Has(m.ID) || room.Set("k", "v") != nil || room.Broadcast(text("y")) != nil {
			errs = append(errs, nil)
		}
	}}
	in(t, setting{options: o}, func(w *world) {
		ann := w.visit()
		w.enter("lobby", ann)
		same(t, "ann", ann.got(), []string{"y"})
		for i, err := range errs {
			if !errors.Is(err, ErrInside) || i > 3 {
				t.Errorf("%d: %v", i, err)
			}
		}
	})
}
