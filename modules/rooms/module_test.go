package rooms

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// come is visit by a path.
func (w *world) come(path string) *visitor {
	w.t.Helper()
	v := w.knock(path)
	v.conn = <-w.door(v.name)
	synctest.Wait()
	return v
}

func (v *visitor) say(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if _, err := v.SendText(s); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Wait()
}

func TestAConnectionJoinsTheRoomInItsPath(t *testing.T) {
	for name, back := range map[string]bool{"to the others": false, "to all": true} {
		t.Run(name, func(t *testing.T) {
			o := Options{Path: "/rooms/{name}", AutoJoin: ByPath, Relay: true, RelayBack: back}
			in(t, setting{options: o}, func(w *world) {
				ann, bob, eve := w.come("/rooms/blue"), w.come("/rooms/blue"), w.come("/rooms/red")
				lost := w.come("/elsewhere")
				same(t, "rooms", w.rooms.Names(), []string{"blue", "red"})
				ann.say(t, "1", "2")
				bob.say(t, "3")
				eve.say(t, "4")
				lost.say(t, "5")
				want := map[*visitor][]string{ann: {"3"}, bob: {"1", "2"}, eve: nil, lost: nil}
				if back {
					want = map[*visitor][]string{ann: {"1", "2", "3"}, bob: {"1", "2", "3"}, eve: {"4"}, lost: nil}
				}
				for v, texts := range want {
					same(t, v.name, v.got(), texts)
				}
			})
		})
	}
}

func TestOnlyMembersAreRelayed(t *testing.T) {
	o := Options{Path: "/rooms/{name}", AutoJoin: ByPath, Relay: true}
	in(t, setting{options: o}, func(w *world) {
		ann, bob := w.come("/rooms/blue"), w.come("/rooms/blue")
		w.enter("red", ann)
		w.leave("blue", ann)
		ann.say(t, "x")
		same(t, "bob", bob.got(), []string(nil))
		w.enter("blue", ann) // by itself, so it is not the room of its path any more
		ann.say(t, "y")
		same(t, "bob", bob.got(), []string(nil))
	})
}

func TestOnMessageGetsTheMessageAndTheRoomOfItsConnection(t *testing.T) {
	o := Options{
		Path:     "/rooms/{name...}",
		AutoJoin: ByPath,
		OnMessage: func(ctx *actors.Context, room *Room, m transport.Message) {
			switch {
			case string(m.Payload) == "boom":
				panic("boom")
			case room == nil:
				_, _ = ctx.Reply(transport.Text, []byte("nowhere: "+string(m.Payload)))
			default:
				// What waits may be called here too: the room is another actor.
				if err := room.rooms.Room("new of "+room.Name()).Join(bg, ctx.Conn(), Member{}); err != nil && !errors.Is(err, ErrMemberExists) {
					panic(err)
				}
				if _, err := room.BroadcastWait(bg, m, ctx.Conn()); err != nil {
					panic(err)
				}
			}
		},
	}
	in(t, setting{options: o, errors: true}, func(w *world) {
		ann, bob, none := w.come("/rooms/blue"), w.come("/rooms/blue"), w.come("/rooms/")
		ann.say(t, "1", "boom", "2")
		none.say(t, "3")
		same(t, "bob", bob.got(), []string{"1", "2"})
		same(t, "none", none.got(), []string{"nowhere: 3"})
		same(t, "rooms", w.rooms.Names(), []string{"blue", "new of blue"})
		if n := w.rooms.Stats().Panics; n != 1 {
			t.Errorf("%d panics", n)
		}
	})
}

// errTeapot has a close frame of its own.
var errTeapot = &transport.CloseError{Code: 4418, Reason: "teapot"}

func TestAConnectionThatMayNotJoinIsClosed(t *testing.T) {
	o := Options{
		Path:       "/rooms/{name}",
		AutoJoin:   ByPath,
		MaxMembers: 1,
		Authorize: func(_ context.Context, room string, c *actors.Conn, m *Member) error {
			switch room {
			case "secret":
				return errors.New("not for you")
			case "panic":
				panic("boom")
			case "teapot":
				return errTeapot
			}
			m.ID = fmt.Sprint("renamed ", c.ID())
			return nil
		},
	}
	in(t, setting{options: o, errors: true}, func(w *world) {
		w.come("/rooms/full")
		same(t, "members", ids(w.rooms.Room("full").Members()), []string{"renamed 1"})
		for room, code := range map[string]transport.CloseCode{
			"full": transport.TryAgainLater, "secret": transport.PolicyViolation,
			"panic": transport.PolicyViolation, "teapot": 4418,
		} {
			v := w.knock("/rooms/" + room)
			var frame *transport.CloseError
			if err := v.WaitStopped(bg); !errors.As(err, &frame) || frame.Code != code {
				t.Errorf("%s: %v, want %d", room, err, code)
			}
		}
		same(t, "rooms", w.rooms.Names(), []string{"full"})
	})
}

func TestAuthorizeMayRefuseAJoin(t *testing.T) {
	cause := errors.New("not for you")
	o := Options{Authorize: func(ctx context.Context, _ string, _ *actors.Conn, m *Member) error {
		switch m.ID {
		case "slow":
			<-ctx.Done()
			return ctx.Err()
		case "panic":
			panic("boom")
		}
		return cause
	}}
	in(t, setting{options: o, errors: true}, func(w *world) {
		ann := w.visit()
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		for id, want := range map[string]error{"slow": context.DeadlineExceeded, "panic": nil, "ann": cause} {
			err := w.rooms.Room("lobby").Join(ctx, ann.conn, Member{ID: id})
			var refused *RefusedError
			if !errors.As(err, &refused) || want != nil && !errors.Is(err, want) {
				t.Errorf("%s: %v", id, err)
			}
		}
		if n := w.rooms.Len(); n != 0 {
			t.Errorf("%d rooms", n)
		}
	})
}

// A module that wants nothing leaves the paths of the server to the others.
func TestAModuleThatOnlyHasRoomsServesNoPath(t *testing.T) {
	in(t, setting{}, func(w *world) {
		r, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		echo := actors.Module{Name: "echo", Path: "/echo", New: func() actors.Handler { return door{w} }}
		server, err := actors.NewServer(w.system, actors.ServerOptions{Modules: []actors.Module{echo, r.Module()}})
		if err != nil {
			t.Fatal(err)
		}
		listener := transporttest.NewListener()
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		d := transport.Dialer{NetDial: listener.Dial, Proxy: transport.NoProxy}
		_, _, err = d.Dial(bg, "ws://rooms.test/other")
		if err := server.Close(bg); err != nil {
			t.Error(err)
		}
		<-served
		var refused *transport.HandshakeError
		if !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
			t.Errorf("got %v, want 404", err)
		}
	})
}

func TestSeveralInstancesShareTheMessages(t *testing.T) {
	o := Options{
		Path: "/rooms/{name}", AutoJoin: ByPath, Instances: 3,
		Authorize: func(ctx context.Context, _ string, _ *actors.Conn, _ *Member) error {
			select { // it takes its time
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
		OnMessage: func(_ *actors.Context, room *Room, m transport.Message) { _ = room.Broadcast(m) },
	}
	in(t, setting{options: o}, func(w *world) {
		began := time.Now()
		var wg sync.WaitGroup
		var all []*visitor
		for range 3 {
			all = append(all, w.knock("/rooms/blue"))
		}
		for _, v := range all {
			wg.Go(func() { v.conn = <-w.door(v.name) })
		}
		wg.Wait()
		time.Sleep(1100 * time.Millisecond)
		if n := w.rooms.Room("blue").Len(); n != 3 {
			t.Errorf("%d have joined after %s", n, time.Since(began))
		}
		all[0].say(t, "1", "2")
		for _, v := range all {
			same(t, v.name, v.got(), []string{"1", "2"})
		}
	})
}

// signal is an event of the program.
type signal struct{ room, text string }

func TestEventsOfTheSystemReachARoom(t *testing.T) {
	o := Options{Events: func(event any) (string, transport.Message, bool) {
		s, ok := event.(*signal)
		if !ok {
			return "", transport.Message{}, false
		}
		if s.text == "boom" {
			panic("boom")
		}
		return s.room, text(s.text), true
	}}
	in(t, setting{options: o, errors: true}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		w.enter("blue", ann)
		w.enter("red", bob)
		for _, s := range []*signal{{"blue", "1"}, {"red", "boom"}, {"red", "2"}, {"green", "3"}, {"blue", "4"}} {
			w.system.EventStream.Publish(s)
		}
		same(t, "ann", ann.got(), []string{"1", "4"})
		same(t, "bob", bob.got(), []string{"2"})
		before := w.system.EventStream.Length()
		w.close()
		if n := w.system.EventStream.Length(); n != before-1 {
			t.Errorf("%d subscriptions, there were %d", n, before)
		}
		w.system.EventStream.Publish(&signal{"blue", "boom"}) // nobody listens
		if n := w.rooms.Stats().Panics; n != 1 {
			t.Errorf("%d panics", n)
		}
	})
}

func TestBroadcastAllReachesEachConnectionOnce(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann, bob, none := w.visit(), w.visit(), w.visit()
		for _, room := range []string{"a", "b", "c"} {
			w.enter(room, ann)
		}
		w.join("c", "bob", bob)
		result, err := w.rooms.BroadcastAll(text("x"))
		if err != nil || result.Reached != 2 || len(result.Failed) != 0 {
			t.Errorf("%+v, %v", result, err)
		}
		same(t, "ann", ann.got(), []string{"x"})
		same(t, "bob", bob.got(), []string{"x"})
		same(t, "none", none.got(), []string(nil))
	})
}

func TestStatsCountWhatHappened(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		w.enter("a", ann, bob)
		w.enter("b", ann)
		w.broadcast("a", "1", "2")
		if err := w.rooms.Room("b").SendTo(bg, "1", text("3")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := Stats{Rooms: 2, Connections: 2, Memberships: 3, Messages: 3, Reached: 5}
		if got := w.rooms.Stats(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if !slices.Equal(ids(w.rooms.Room("a").Members()), []string{"1", "2"}) {
			t.Error("members")
		}
	})
}
