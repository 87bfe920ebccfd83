package rooms

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

var bg = context.Background()

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	g, ok := got.([]string)
	w, _ := want.([]string)
	if ok && slices.Equal(g, w) || !ok && got == want {
		return
	}
	t.Errorf("%s: got %v, want %v", what, got, want)
}

func ids(members []Member) (all []string) {
	for _, m := range members {
		all = append(all, m.ID)
	}
	return all
}

func TestMembersGetWhatIsBroadcastWhileTheyAreThere(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann, bob, eve := w.visit(), w.visit(), w.visit()
		w.enter("lobby", ann, bob)
		w.enter("other", eve)
		w.broadcast("lobby", "1", "2")
		if err := w.rooms.Room("lobby").Leave(bg, bob.conn); err != nil {
			t.Fatal(err)
		}
		w.broadcast("lobby", "3")
		w.broadcast("nobody is here", "4")
		same(t, "ann", ann.got(), []string{"1", "2", "3"})
		same(t, "bob", bob.got(), []string{"1", "2"})
		same(t, "eve", eve.got(), []string(nil))
	})
}

func TestBroadcastSparesThoseExcepted(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann, bob, eve := w.visit(), w.visit(), w.visit()
		w.enter("lobby", ann, bob, eve)
		result, err := w.rooms.Room("lobby").BroadcastWait(bg, text("x"), ann.conn, eve.conn)
		if err != nil || result.Reached != 1 || len(result.Failed) != 0 {
			t.Errorf("%+v, %v", result, err)
		}
		same(t, "ann", ann.got(), []string(nil))
		same(t, "bob", bob.got(), []string{"x"})
	})
}

func TestAPayloadMayBeUsedAgainAfterBroadcast(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann := w.visit()
		w.enter("lobby", ann)
		payload := []byte("mine")
		if err := w.rooms.Room("lobby").Broadcast(transport.Message{Kind: transport.Binary, Payload: payload}); err != nil {
			t.Fatal(err)
		}
		copy(payload, "your")
		same(t, "ann", ann.got(), []string{"mine"})
	})
}

func TestWhatCannotBeSentIsRefusedAtOnce(t *testing.T) {
	in(t, setting{}, func(w *world) {
		room := w.rooms.Room("lobby")
		for _, m := range []transport.Message{{Kind: 7}, {Kind: transport.Text, Payload: []byte{0xff}}} {
			_, waited := room.BroadcastWait(bg, m)
			_, all := w.rooms.BroadcastAll(m)
			for _, err := range []error{room.Broadcast(m), waited, all, room.SendTo(bg, "x", m)} {
				var bad *transport.MessageError
				if !errors.As(err, &bad) {
					t.Errorf("%v: got %v", m, err)
				}
			}
		}
	})
}

func TestSendToReachesOneMember(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		w.enter("lobby", ann, bob)
		room := w.rooms.Room("lobby")
		if err := room.SendTo(bg, "2", text("psst")); err != nil {
			t.Error(err)
		}
		for name, err := range map[string]error{
			"nobody":  room.SendTo(bg, "3", text("psst")),
			"no room": w.rooms.Room("cellar").SendTo(bg, "1", text("psst")),
		} {
			if !errors.Is(err, ErrNotMember) {
				t.Errorf("%s: %v", name, err)
			}
		}
		same(t, "ann", ann.got(), []string(nil))
		same(t, "bob", bob.got(), []string{"psst"})
	})
}

func TestARoomKnowsItsMembersInTheOrderOfTheirJoins(t *testing.T) {
	in(t, setting{}, func(w *world) {
		var all []*visitor
		for range 9 {
			all = append(all, w.visit())
		}
		w.enter("lobby", all...)
		room := w.rooms.Room("lobby")
		for _, i := range []int{1, 4, 5, 6, 7} { // gaps are closed on the way
			if err := room.Leave(bg, all[i].conn); err != nil {
				t.Fatal(err)
			}
		}
		w.join("lobby", "ten", all[1])
		same(t, "members", ids(room.Members()), []string{"1", "3", "4", "9", "ten"})
		if room.Len() != 5 || !room.Has("4") || room.Has("5") {
			t.Errorf("len %d, has 4: %t, has 5: %t", room.Len(), room.Has("4"), room.Has("5"))
		}
		if c := room.Conns("ten"); len(c) != 1 || c[0] != all[1].conn {
			t.Errorf("connections of ten: %v", c)
		}
		same(t, "rooms", w.rooms.Names(), []string{"lobby"})
		same(t, "rooms of a connection", w.rooms.Of(all[1].conn), []string{"lobby"})
	})
}

func TestAnIDBelongsToOneConnection(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		w.join("lobby", "a", ann)
		room := w.rooms.Room("lobby")
		for name, err := range map[string]error{
			"taken":        room.Join(bg, bob.conn, Member{ID: "a"}),
			"twice":        room.Join(bg, ann.conn, Member{ID: "b"}),
			"the same":     room.Join(bg, ann.conn, Member{ID: "a"}),
			"no such":      w.rooms.Room("cellar").Leave(bg, ann.conn),
			"not a member": room.Leave(bg, bob.conn),
			"no conn":      room.Join(bg, nil, Member{}),
			"no conn left": room.Leave(bg, nil),
			"empty conn":   room.Join(bg, &actors.Conn{}, Member{}),
		} {
			want := ErrMemberExists
			switch {
			case strings.HasPrefix(name, "no "), name == "empty conn":
				want = ErrNoConn
			}
			if name == "no such" || name == "not a member" {
				want = ErrNotMember
			}
			if !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
		w.broadcast("lobby", "x")
		same(t, "ann", ann.got(), []string{"x"})
	})
}

func TestWithoutAnIDAMemberHasTheNumberOfItsConnection(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann := w.visit()
		w.join("lobby", "", ann)
		same(t, "members", ids(w.rooms.Room("lobby").Members()), []string{"#1"})
	})
}

func TestAConnectionThatEndsLeavesAllItsRooms(t *testing.T) {
	var mu sync.Mutex // rooms do not wait for each other
	var left []string
	o := Options{OnLeave: func(room *Room, _ *actors.Conn, m Member, cause error) {
		mu.Lock()
		defer mu.Unlock()
		if !errors.Is(cause, actors.ErrStopped) {
			t.Errorf("cause: %v", cause)
		}
		left = append(left, room.Name()+" "+m.ID)
	}}
	in(t, setting{options: o}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		for _, room := range []string{"a", "b", "c"} {
			w.enter(room, ann)
		}
		w.join("a", "bob", bob)
		ann.link.Reset()
		synctest.Wait()
		mu.Lock()
		slices.Sort(left)
		mu.Unlock()
		same(t, "left", left, []string{"a 1", "b 1", "c 1"})
		same(t, "rooms", w.rooms.Names(), []string{"a"})
		same(t, "members", ids(w.rooms.Room("a").Members()), []string{"bob"})
		if s := w.rooms.Stats(); s.Rooms != 1 || s.Connections != 1 || s.Memberships != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAConnectionThatHasEndedCannotJoin(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann := w.visit()
		ann.link.Reset()
		synctest.Wait()
		if err := w.rooms.Room("lobby").Join(bg, ann.conn, Member{}); !errors.Is(err, actors.ErrStopped) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if n := w.rooms.Len(); n != 0 {
			t.Errorf("%d rooms", n)
		}
	})
}

func TestARoomStaysAsLongAsSomethingKeepsIt(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann := w.visit()
		for _, room := range []string{"passing", "created", "described"} {
			if room == "created" {
				if err := w.rooms.Create(room); err != nil {
					t.Fatal(err)
				}
			}
			w.enter(room, ann)
			if err := w.rooms.Room(room).Leave(bg, ann.conn); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if err := w.rooms.Room("described").Set("topic", "ropes"); err != nil {
			t.Fatal(err)
		}
		same(t, "rooms", w.rooms.Names(), []string{"created", "described"})
		w.rooms.Room("described").Remove("no such")
		same(t, "rooms", w.rooms.Names(), []string{"created", "described"})
		w.rooms.Room("described").Remove("topic")
		if err := w.rooms.Delete("created"); err != nil {
			t.Fatal(err)
		}
		same(t, "rooms", w.rooms.Names(), []string{})
		if err := w.rooms.Delete("created"); !errors.Is(err, ErrNoRoom) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func TestADeletedRoomLosesItsMembersBehindWhatWasSent(t *testing.T) {
	var causes []error
	o := Options{OnLeave: func(_ *Room, _ *actors.Conn, _ Member, cause error) { causes = append(causes, cause) }}
	in(t, setting{options: o}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		w.enter("lobby", ann, bob)
		w.broadcast("lobby", "before")
		if err := w.rooms.Delete("lobby"); err != nil {
			t.Fatal(err)
		}
		w.enter("lobby", bob) // into another room of that name
		if err := w.rooms.Create("lobby"); !errors.Is(err, ErrExists) {
			t.Errorf("create: %v", err)
		}
		w.broadcast("lobby", "after")
		same(t, "ann", ann.got(), []string{"before"})
		same(t, "bob", bob.got(), []string{"before", "after"})
		if len(causes) != 2 || !errors.Is(causes[0], ErrDeleted) || !errors.Is(causes[1], ErrDeleted) {
			t.Errorf("causes: %v", causes)
		}
		if s := w.rooms.Stats(); s.Memberships != 1 || s.Connections != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestMetadataIsKeptWithTheRoom(t *testing.T) {
	in(t, setting{}, func(w *world) {
		room := w.rooms.Room("lobby")
		for key, value := range map[string]string{"topic": "ropes", "since": "1843"} {
			if err := room.Set(key, value); err != nil {
				t.Fatal(err)
			}
		}
		ann := w.visit()
		w.enter("lobby", ann)
		if v, ok := room.Get("topic"); v != "ropes" || !ok {
			t.Errorf("topic %q, %t", v, ok)
		}
		all := room.Metadata()
		all["topic"] = "changed"
		if v, _ := room.Get("topic"); v != "ropes" || len(all) != 2 {
			t.Errorf("topic %q after a copy was changed, %d keys", v, len(all))
		}
		room.Clear()
		if _, ok := room.Get("topic"); ok || len(room.Metadata()) != 0 || w.rooms.Len() != 1 {
			t.Errorf("left: %v, %d rooms", room.Metadata(), w.rooms.Len())
		}
	})
}

func TestOnLeaveIsToldWhy(t *testing.T) {
	var causes []error
	o := Options{OnLeave: func(_ *Room, _ *actors.Conn, _ Member, cause error) { causes = append(causes, cause) }}
	in(t, setting{options: o}, func(w *world) {
		ann := w.visit()
		for i, want := range []error{nil, ErrDeleted, actors.ErrStopped} {
			w.enter("lobby", ann)
			switch want {
			case nil:
				w.leave("lobby", ann)
			case ErrDeleted:
				if err := w.rooms.Delete("lobby"); err != nil {
					t.Fatal(err)
				}
			default:
				ann.link.Reset()
			}
			synctest.Wait()
			if len(causes) != i+1 || !errors.Is(causes[i], want) {
				t.Errorf("causes: %v, want %v", causes, want)
			}
		}
	})
}

func TestARoomThatHasEndedTakesNothingMore(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann := w.visit()
		w.enter("lobby", ann)
		p, err := w.rooms.open("lobby")
		if err != nil {
			t.Fatal(err)
		}
		w.leave("lobby", ann)
		synctest.Wait()
		if err := p.push(&tell{}); !errors.Is(err, errShut) {
			t.Errorf("got %v", err)
		}
	})
}

// A room ends with its last member while the next one is at the door: nobody comes into
// a room that nobody else finds.
func TestRoomsThatComeAndGoLoseNobody(t *testing.T) {
	in(t, setting{}, func(w *world) {
		var wg sync.WaitGroup
		for i := range 4 {
			v := w.visit()
			wg.Go(func() {
				room := w.rooms.Room("lobby")
				for n := range 300 {
					if err := room.Join(bg, v.conn, Member{}); err != nil {
						t.Errorf("%d, round %d: %v", i, n, err)
						return
					}
					result, err := room.BroadcastWait(bg, text("x"))
					if err != nil || result.Reached == 0 {
						t.Errorf("%d, round %d: %+v, %v", i, n, result, err)
					}
					if err := room.Leave(bg, v.conn); err != nil {
						t.Errorf("%d, round %d: %v", i, n, err)
						return
					}
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if s := w.rooms.Stats(); s.Rooms+s.Connections+s.Memberships != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
}
