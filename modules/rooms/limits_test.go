package rooms

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

func TestLimitsRefuseWhatIsTooMuch(t *testing.T) {
	o := Options{MaxRooms: 3, MaxMembers: 2, MaxRoomsPerConn: 2, MaxName: 5, MaxKeys: 2, MaxMetadata: 10}
	in(t, setting{options: o}, func(w *world) {
		ann, bob, eve := w.visit(), w.visit(), w.visit()
		join := func(room string, v *visitor) error { return w.rooms.Room(room).Join(bg, v.conn, Member{}) }
		set := func(key, value string) error { return w.rooms.Room("a").Set(key, value) }
		for i, c := range []struct {
			err    error
			option string
		}{
			{join("a", ann), ""},
			{join("a", bob), ""},
			{join("a", eve), "MaxMembers"},
			{join("b", ann), ""},
			{join("c", ann), "MaxRoomsPerConn"},
			{w.rooms.Create("c"), ""},
			{w.rooms.Create("d"), "MaxRooms"},
			{join("d", bob), "MaxRooms"},
			{w.rooms.Room("d").Set("k", "v"), "MaxRooms"},
			{set("k", "12345678"), ""},
			{set("l", "12"), "MaxMetadata"},
			{set("l", ""), ""},
			{set("k", "1234"), ""},
			{set("l", "1"), ""},
			{set("m", ""), "MaxKeys"},
			{set("l", "2"), ""},
		} {
			var limit *LimitError
			switch {
			case c.option == "" && c.err != nil:
				t.Errorf("%d: %v", i, c.err)
			case c.option != "" && (!errors.As(c.err, &limit) || limit.Option != c.option):
				t.Errorf("%d: got %v, want the limit of %s", i, c.err, c.option)
			}
		}
		synctest.Wait()
		same(t, "rooms", w.rooms.Names(), []string{"a", "b", "c"})
		same(t, "rooms of ann", w.rooms.Of(ann.conn), []string{"a", "b"})
		w.leave("a", bob)
		if err := join("a", eve); err != nil {
			t.Errorf("after one has left: %v", err)
		}
	})
}

func TestNamesAreChecked(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann := w.visit()
		for _, name := range []string{"", strings.Repeat("x", 129), "\xff"} {
			room := w.rooms.Room(name)
			for what, err := range map[string]error{
				"join":   room.Join(bg, ann.conn, Member{}),
				"create": w.rooms.Create(name),
				"set":    room.Set("k", "v"),
			} {
				var bad *NameError
				if !errors.As(err, &bad) || bad.Of != "room" {
					t.Errorf("%s of %q: %v", what, name, err)
				}
			}
			var bad *NameError
			if err := w.rooms.Room("lobby").Join(bg, ann.conn, Member{ID: name}); name != "" && (!errors.As(err, &bad) || bad.Of != "member") {
				t.Errorf("join as %q: %v", name, err)
			}
		}
		if err := w.rooms.Room(strings.Repeat("x", 128)).Join(bg, ann.conn, Member{}); err != nil {
			t.Errorf("a name of 128 bytes: %v", err)
		}
	})
}

func TestNegativeLimitsAreNone(t *testing.T) {
	o := Options{MaxRooms: -1, MaxMembers: -1, MaxRoomsPerConn: -1, MaxName: -1, MaxKeys: -1, MaxMetadata: -1, QueueBytes: -1}.withDefaults()
	for _, n := range []int{o.MaxRooms, o.MaxMembers, o.MaxRoomsPerConn, o.MaxName, o.MaxKeys, o.MaxMetadata, o.QueueBytes} {
		if n != math.MaxInt {
			t.Errorf("%+v", o)
		}
	}
}

func TestOptionsThatCannotBeAreRefused(t *testing.T) {
	relay := func(*actors.Context, *Room, transport.Message) {}
	for _, c := range []struct {
		o      Options
		option string
	}{
		{Options{Slow: 9}, "Slow"},
		{Options{Relay: true}, "Relay"},
		{Options{Relay: true, AutoJoin: ByPath, OnMessage: relay}, "Relay"},
		{Options{RelayBack: true}, "RelayBack"},
		{Options{Instances: -1}, "Instances"},
	} {
		var bad *actors.OptionError
		if _, err := New(c.o); !errors.As(err, &bad) || bad.Option != "rooms.Options."+c.option {
			t.Errorf("%s: %v", c.option, err)
		}
	}
}

func TestAFloodOfBroadcastsIsBounded(t *testing.T) {
	var hold chan struct{} // of the bubble
	o := Options{QueueBytes: 10_000, OnJoin: func(*Room, *actors.Conn, Member) { <-hold }}
	in(t, setting{options: o}, func(w *world) {
		hold = make(chan struct{})
		ann := w.visit()
		w.enter("lobby", ann) // the room is held up now
		accepted := 0
		var err error
		for range 1000 {
			if err = w.rooms.Room("lobby").Broadcast(text(fmt.Sprintf("%0100d", accepted))); err != nil {
				break
			}
			accepted++
		}
		if !errors.Is(err, ErrBusy) || accepted != 10_000/(100+orderCost) {
			t.Errorf("%d accepted, then %v", accepted, err)
		}
		if err := w.rooms.Room("lobby").Broadcast(text("x")); err != nil {
			t.Errorf("a short message still has room: %v", err) // 60 × 164 = 9840
		}
		close(hold)
		if n := len(ann.got()); n != accepted+1 {
			t.Errorf("%d arrived", n)
		}
		if err := w.rooms.Room("lobby").Broadcast(text(strings.Repeat("x", 20_000))); err != nil {
			t.Errorf("a long message finds room in an empty queue: %v", err)
		}
	})
}
