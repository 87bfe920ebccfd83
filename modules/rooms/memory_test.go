package rooms

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
)

// heap is what is in use, once nothing moves any more.
func heap() int {
	synctest.Wait()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// What it costs to be in one more room.
func TestAMembershipCostsLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
	const connections, perConnection = 200, 20
	in(t, setting{}, func(w *world) {
		var all []*visitor
		for range connections {
			all = append(all, w.visit())
		}
		w.enter("first", all...) // the rooms are there, and the connections are watched
		for i := range perConnection {
			w.join(fmt.Sprint("room ", i), "first", all[0])
		}
		names := make([]string, connections)
		for i := range names {
			names[i] = fmt.Sprintf("member %d", i)
		}
		before := heap()
		for i := range perConnection {
			room := w.rooms.Room(fmt.Sprint("room ", i))
			for j, v := range all[1:] {
				if err := room.Join(bg, v.conn, Member{ID: names[j]}); err != nil {
					t.Fatal(err)
				}
			}
		}
		each := (heap() - before) / ((connections - 1) * perConnection)
		t.Logf("%d bytes for a membership", each)
		if each > 200 {
			t.Errorf("a membership costs %d bytes, want 200 at most", each)
		}
		for i := range perConnection {
			for _, v := range all {
				w.leave(fmt.Sprint("room ", i), v)
			}
		}
		if left := heap() - before; left > 64<<10 {
			t.Errorf("%d bytes are left of members who have left", left)
		}
	})
}

func TestARoomCostsLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
	const rooms = 2000
	in(t, setting{options: Options{MaxRoomsPerConn: -1}}, func(w *world) {
		ann := w.visit()
		w.enter("first", ann)
		names := make([]string, rooms)
		for i := range names {
			names[i] = fmt.Sprintf("room %d", i)
		}
		before := heap()
		for _, name := range names {
			if err := w.rooms.Create(name); err != nil {
				t.Fatal(err)
			}
		}
		created := heap()
		for _, name := range names {
			w.enter(name, ann)
		}
		joined := heap()
		empty, inUse := (created-before)/rooms, (joined-created)/rooms
		t.Logf("a room costs %d bytes, its actor and first member %d more", empty, inUse)
		if empty > 600 || inUse > 4000 {
			t.Errorf("a room costs %d bytes and %d with somebody in it", empty, inUse)
		}
	})
}

// What it costs to watch for the end of a connection: once, however many rooms it is in.
func TestAConnectionInARoomCostsLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
	const connections = 500
	in(t, setting{}, func(w *world) {
		var all []*visitor
		for range connections {
			all = append(all, w.visit())
		}
		w.enter("first", all[0])
		before := heap()
		for _, v := range all[1:] {
			w.join("first", "", v)
		}
		each := (heap() - before) / (connections - 1)
		t.Logf("%d bytes for a connection in its first room", each)
		if each > 1200 {
			t.Errorf("a connection in its first room costs %d bytes", each)
		}
	})
}
