package rooms

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// model is what a world of rooms has to do.
type model struct {
	w      *world
	guests []*modelled
	inside map[string][]*modelled // by room, in the order of joins
	sent   int
}

// modelled is a visitor with what it has to get, by room: messages of different rooms
// stand in no order.
type modelled struct {
	*visitor
	wants   map[string][]string
	stalled bool
}

var modelRooms = []string{"red", "green", "blue"}

func newModel(w *world) *model {
	m := &model{w: w, inside: map[string][]*modelled{}}
	for range 4 {
		m.guests = append(m.guests, m.newGuest())
	}
	return m
}

func (m *model) newGuest() *modelled {
	return &modelled{visitor: m.w.visit(), wants: map[string][]string{}}
}

func (m *model) room(rt *rapid.T) string { return rapid.SampledFrom(modelRooms).Draw(rt, "room") }

func (m *model) guest(rt *rapid.T) *modelled { return rapid.SampledFrom(m.guests).Draw(rt, "guest") }

func (m *model) text(room string, size int) string {
	m.sent++
	return fmt.Sprintf("%s %d %s", room, m.sent, strings.Repeat("x", size))
}

func (m *model) join(rt *rapid.T) {
	room, g := m.room(rt), m.guest(rt)
	err := m.w.rooms.Room(room).Join(bg, g.conn, Member{ID: g.name})
	if there := slices.Contains(m.inside[room], g); there != errors.Is(err, ErrMemberExists) || !there && err != nil {
		rt.Fatalf("join of %s, there: %t: %v", room, there, err)
	} else if !there {
		m.inside[room] = append(m.inside[room], g)
	}
}

func (m *model) out(room string, g *modelled) bool {
	i := slices.Index(m.inside[room], g)
	if i >= 0 {
		m.inside[room] = slices.Delete(m.inside[room], i, i+1)
	}
	return i >= 0
}

func (m *model) leave(rt *rapid.T) {
	room, g := m.room(rt), m.guest(rt)
	err := m.w.rooms.Room(room).Leave(bg, g.conn)
	if there := m.out(room, g); there == errors.Is(err, ErrNotMember) || there && err != nil {
		rt.Fatalf("leave of %s, there: %t: %v", room, there, err)
	}
}

// broadcast waits for the result only if somebody may miss the message.
func (m *model) broadcast(rt *rapid.T) {
	room := m.room(rt)
	stalled := slices.ContainsFunc(m.inside[room], func(g *modelled) bool { return g.stalled })
	if !stalled && rapid.Bool().Draw(rt, "tell") {
		s := m.text(room, 0)
		if err := m.w.rooms.Room(room).Broadcast(text(s)); err != nil {
			rt.Fatal(err)
		}
		for _, g := range m.inside[room] {
			g.wants[room] = append(g.wants[room], s)
		}
		return
	}
	size := 0
	if stalled {
		size = 100_000
	}
	s := m.text(room, size)
	result, err := m.w.rooms.Room(room).BroadcastWait(bg, text(s))
	if stalled {
		synctest.Wait() // so that nobody else is congested
	}
	if err != nil || result.Reached+len(result.Failed) != len(m.inside[room]) || len(result.Failed) != result.Skipped {
		rt.Fatalf("%+v, %v for %d members", result, err, len(m.inside[room]))
	}
	for _, g := range m.inside[room] {
		missed := slices.ContainsFunc(result.Failed, func(f Failure) bool { return f.ID == g.name })
		if !missed {
			g.wants[room] = append(g.wants[room], s)
		}
		if missed && !g.stalled {
			rt.Fatalf("%s missed %.20s", g.name, s)
		}
	}
}

func (m *model) sendTo(rt *rapid.T) {
	room, g := m.room(rt), m.guest(rt)
	if g.stalled {
		return
	}
	s := m.text(room, 0)
	err := m.w.rooms.Room(room).SendTo(bg, g.name, text(s))
	if there := slices.Contains(m.inside[room], g); there == errors.Is(err, ErrNotMember) || there && err != nil {
		rt.Fatalf("send in %s, there: %t: %v", room, there, err)
	} else if there {
		g.wants[room] = append(g.wants[room], s)
	}
}

// end ends a connection: what it has got is the beginning of what it was to get.
func (m *model) end(rt *rapid.T) {
	i := rapid.IntRange(0, len(m.guests)-1).Draw(rt, "guest")
	g := m.guests[i]
	if rapid.Bool().Draw(rt, "politely") && !g.stalled {
		if err := g.Close(bg); err != nil {
			rt.Fatal(err)
		}
	} else {
		g.link.Reset()
	}
	synctest.Wait()
	m.check(rt, g, false)
	for _, room := range modelRooms {
		m.out(room, g)
	}
	m.guests[i] = m.newGuest()
}

func (m *model) delete(rt *rapid.T) {
	room := m.room(rt)
	err := m.w.rooms.Delete(room)
	if len(m.inside[room]) > 0 && err != nil {
		rt.Fatal(err)
	}
	m.inside[room] = nil
}

func (m *model) create(rt *rapid.T) {
	room := m.room(rt)
	synctest.Wait()
	if err := m.w.rooms.Create(room); len(m.inside[room]) > 0 && !errors.Is(err, ErrExists) {
		rt.Fatal(err)
	}
}

// kill ends actors, which must make no difference.
func (m *model) kill(rt *rapid.T) {
	room := m.room(rt)
	switch rapid.SampledFrom([]string{"room", "hall", "fail"}).Draw(rt, "victim") {
	case "room":
		p, err := m.w.rooms.find(room)
		if err != nil || p == nil {
			return
		}
		p.mu.Lock()
		host := p.host
		p.mu.Unlock()
		if host != nil {
			m.w.system.Root.Stop(host)
		}
	case "hall":
		if hall := m.w.rooms.hall.Load(); hall != nil {
			m.w.system.Root.Stop(hall)
		}
	default:
		if _, err := m.w.rooms.Room(room).tell(bomb{newTicket()}); err != nil {
			rt.Fatal(err)
		}
	}
}

func (m *model) stall(rt *rapid.T) {
	synctest.Wait() // what was sent so far reaches it
	g := m.guest(rt)
	if g.stalled = !g.stalled; g.stalled {
		g.visitor.stall()
	} else {
		g.unstall()
	}
	synctest.Wait()
}

func (m *model) pass(rt *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 100_000).Draw(rt, "ms")) * time.Millisecond)
}

// check compares what a guest got with what it had to get.
func (m *model) check(rt *rapid.T, g *modelled, whole bool) {
	got := map[string][]string{}
	for _, s := range g.got() {
		room, _, _ := strings.Cut(s, " ")
		got[room] = append(got[room], s)
	}
	for _, room := range modelRooms {
		want := g.wants[room]
		if !whole {
			want = want[:min(len(want), len(got[room]))]
		}
		if !slices.Equal(got[room], want) {
			rt.Fatalf("%s got in %s %d messages %.300q\nwant %d %.300q", g.name, room, len(got[room]), got[room], len(want), want)
		}
	}
}

// settle lets everything come to its end, and checks all.
func (m *model) settle(rt *rapid.T) {
	for _, g := range m.guests {
		if g.stalled {
			g.stalled = false
			g.unstall()
		}
	}
	time.Sleep(10 * time.Minute)
	seats := 0
	for _, room := range modelRooms {
		var want []string
		for _, g := range m.inside[room] {
			want = append(want, g.name)
		}
		if got := ids(m.w.rooms.Room(room).Members()); !slices.Equal(got, want) {
			rt.Fatalf("in %s are %q, want %q", room, got, want)
		}
		seats += len(want)
	}
	for _, g := range m.guests {
		m.check(rt, g, true)
		for _, room := range modelRooms {
			if m.out(room, g) {
				m.w.leave(room, g.visitor)
			}
		}
		clear(g.wants)
		g.mu.Lock()
		g.came = nil
		g.mu.Unlock()
	}
	for _, room := range modelRooms {
		_ = m.w.rooms.Delete(room)
	}
	synctest.Wait()
	if s := m.w.rooms.Stats(); s.Rooms+s.Connections+s.Memberships != 0 {
		rt.Fatalf("left behind of %d seats: %+v", seats, s)
	}
}

// timeless is a test whose deadline rapid does not ask for: in a bubble it has none.
type timeless struct{ testing.TB }

func TestEveryMemberGetsEachMessageOnceAndInOrder(t *testing.T) {
	in(t, setting{patient: true, errors: true}, func(w *world) {
		m := newModel(w)
		rapid.Check(timeless{t}, func(rt *rapid.T) {
			rt.Repeat(map[string]func(*rapid.T){
				"join": m.join, "join more": m.join, "leave": m.leave, "broadcast": m.broadcast, "broadcast more": m.broadcast,
				"broadcast most": m.broadcast, "send to": m.sendTo, "end": m.end, "delete": m.delete, "create": m.create,
				"kill": m.kill, "stall": m.stall, "time passes": m.pass,
			})
			m.settle(rt)
		})
	})
}
