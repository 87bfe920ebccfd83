package rooms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// told is how a Diff is told in these tests: "=a b" is the State, "+a -b" a change.
func told(d Diff) string {
	if d.State {
		return "=" + strings.Join(ids(d.Joined), " ")
	}
	var words []string
	for _, m := range d.Joined {
		words = append(words, "+"+m.ID)
	}
	for _, m := range d.Left {
		words = append(words, "-"+m.ID)
	}
	return strings.Join(words, " ")
}

func telling(every time.Duration) Options {
	return Options{
		PresenceEvery: every,
		Presence:      func(_ string, d Diff) (transport.Message, bool) { return text(told(d)), true },
	}
}

func (w *world) leave(room string, v *visitor) {
	w.t.Helper()
	if err := w.rooms.Room(room).Leave(bg, v.conn); err != nil {
		w.t.Fatal(err)
	}
}

func TestMembersAreToldWhoIsThereAndThenWhoComesAndGoes(t *testing.T) {
	in(t, setting{options: telling(-1)}, func(w *world) {
		ann, bob, eve := w.visit(), w.visit(), w.visit()
		w.join("lobby", "ann", ann)
		w.join("lobby", "bob", bob)
		w.join("lobby", "eve", eve)
		w.leave("lobby", bob)
		synctest.Wait()
		eve.link.Reset()
		same(t, "ann", ann.got(), []string{"=ann", "+bob", "+eve", "-bob", "-eve"})
		same(t, "bob", bob.got(), []string{"=ann bob", "+eve"})
		same(t, "eve", eve.got(), []string{"=ann bob eve", "-bob"})
	})
}

func TestChangesOfThePresenceAreCollected(t *testing.T) {
	in(t, setting{options: telling(0)}, func(w *world) {
		ann := w.visit()
		w.join("lobby", "ann", ann)
		same(t, "at once", ann.got(), []string(nil))
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		same(t, "after 50 ms", ann.got(), []string{"=ann"})
		var all []*visitor
		for range 5 {
			all = append(all, w.visit())
		}
		w.enter("lobby", all...)
		w.leave("lobby", all[1]) // came and went: nobody is told
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		w.leave("lobby", all[2])
		w.join("lobby", "3", all[2]) // went and came: told as one who came
		w.leave("lobby", all[3])
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		same(t, "ann", ann.got(), []string{"=ann", "+1 +3 +4 +5", "+3 -4"})
		same(t, "1", all[0].got(), []string{"=ann 1 3 4 5", "+3 -4"})
		same(t, "2", all[1].got(), []string(nil))
		same(t, "3", all[2].got(), []string{"=ann 1 3 4 5", "=ann 1 5 3"})
	})
}

func TestTheServerIsToldThePresenceToo(t *testing.T) {
	var diffs []string
	o := Options{OnPresence: func(room *Room, d Diff) { diffs = append(diffs, room.Name()+" "+told(d)) }}
	in(t, setting{options: o}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		w.join("lobby", "ann", ann)
		w.join("lobby", "bob", bob)
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		w.leave("lobby", ann)
		w.leave("lobby", bob) // the last one: nothing is worth waiting for
		synctest.Wait()
		same(t, "diffs", diffs, []string{"lobby +ann +bob", "lobby -ann -bob"})
		same(t, "members are told nothing", ann.got(), []string(nil))
	})
}

func TestAMemberOfSeveralConnectionsIsPresentOnce(t *testing.T) {
	o := telling(-1)
	o.SharedIDs = true
	o.OnPresence = func(_ *Room, d Diff) {
		for _, m := range append(slices.Clone(d.Joined), d.Left...) {
			if m.ID == "ann" && m.Meta != "first" {
				t.Errorf("meta of %s: %v", told(d), m.Meta)
			}
		}
	}
	in(t, setting{options: o}, func(w *world) {
		bob, one, two, three := w.visit(), w.visit(), w.visit(), w.visit()
		room := w.rooms.Room("lobby")
		w.join("lobby", "bob", bob)
		for i, v := range []*visitor{one, two, three} {
			meta := "first"
			if i > 0 {
				meta = "later"
			}
			if err := room.Join(bg, v.conn, Member{ID: "ann", Meta: meta}); err != nil {
				t.Fatal(err)
			}
		}
		if room.Len() != 2 || len(room.Conns("ann")) != 3 {
			t.Errorf("%d members, %d connections", room.Len(), len(room.Conns("ann")))
		}
		same(t, "members", ids(room.Members()), []string{"bob", "ann"})
		w.leave("lobby", one)
		w.leave("lobby", three)
		if err := room.SendTo(bg, "ann", text("for ann")); err != nil {
			t.Error(err)
		}
		w.leave("lobby", two)
		same(t, "bob", bob.got(), []string{"=bob", "+ann", "-ann"})
		same(t, "one", one.got(), []string{"=bob ann"})
		same(t, "two", two.got(), []string{"=bob ann", "for ann"})
	})
}

func TestSendToReachesAllConnectionsOfAMember(t *testing.T) {
	in(t, setting{options: Options{SharedIDs: true}}, func(w *world) {
		one, two := w.visit(), w.visit()
		w.join("lobby", "ann", one)
		w.join("lobby", "ann", two)
		one.link.Reset()
		synctest.Wait()
		if err := w.rooms.Room("lobby").SendTo(bg, "ann", text("x")); err != nil {
			t.Error(err)
		}
		same(t, "two", two.got(), []string{"x"})
	})
}

func TestPresenceThatIsNotEncodedIsNotTold(t *testing.T) {
	o := telling(-1)
	inner := o.Presence
	o.Presence = func(room string, d Diff) (transport.Message, bool) {
		m, _ := inner(room, d)
		return m, !d.State
	}
	in(t, setting{options: o}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		w.join("lobby", "ann", ann)
		w.join("lobby", "bob", bob)
		w.leave("lobby", bob)
		same(t, "ann", ann.got(), []string{"+bob", "-bob"})
		same(t, "bob", bob.got(), []string(nil))
	})
}

func TestWhatOnJoinSendsComesBeforeAnyLaterMessage(t *testing.T) {
	o := Options{OnJoin: func(room *Room, c *actors.Conn, m Member) {
		if _, err := c.Send(transport.Text, []byte("hello "+m.ID)); err != nil {
			t.Error(err)
		}
		if m.ID == "eve" {
			if err := room.Broadcast(text("welcome eve"), c); err != nil {
				t.Error(err)
			}
		}
	}}
	in(t, setting{options: o}, func(w *world) {
		ann, bob, eve := w.visit(), w.visit(), w.visit()
		w.enter("lobby", ann, bob)
		w.broadcast("lobby", "x")
		w.join("lobby", "eve", eve)
		same(t, "ann", ann.got(), []string{"hello 1", "x", "welcome eve"})
		same(t, "bob", bob.got(), []string{"hello 2", "x", "welcome eve"})
		same(t, "eve", eve.got(), []string{"hello eve"})
	})
}

// A member that was too slow for a Diff knows everything after the next one.
func TestAMemberThatMissedADiffIsToldTheState(t *testing.T) {
	o := telling(-1)
	in(t, setting{options: o, outbox: actors.OutboxLimits{Bytes: 100 << 10, Overflow: actors.RejectNewest}}, func(w *world) {
		ann, bob, eve := w.visit(), w.visit(), w.visit()
		w.join("lobby", "ann", ann)
		ann.stall()
		w.clog("lobby", ann)
		w.join("lobby", "bob", bob)
		ann.unstall()
		time.Sleep(time.Second)
		n := len(ann.got())
		w.join("lobby", "eve", eve)
		same(t, "ann", ann.got()[n:], []string{"=ann bob eve"})
		w.leave("lobby", bob)
		same(t, "ann", ann.got()[n+1:], []string{"-bob"})
	})
}

// stall keeps a visitor from reading.
func (v *visitor) stall() { v.link.Stall(toClient) }

func (v *visitor) unstall() { v.link.Unstall(toClient) }

// clog broadcasts until a member that does not read misses something.
func (w *world) clog(room string, v *visitor) {
	w.t.Helper()
	big := text(strings.Repeat("x", 16<<10))
	for i := range 1000 {
		result, err := w.rooms.Room(room).BroadcastWait(bg, big)
		if err != nil {
			w.t.Fatal(err)
		}
		synctest.Wait() // what the socket still takes is in it
		if result.Reached == 0 || len(result.Failed) > 0 {
			return
		}
		if i == 999 {
			w.t.Fatal(fmt.Sprint("never full: ", v.name))
		}
	}
}
