package rooms

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
)

// What is known to have gone wrong in other implementations of rooms.

// A connection is a member, and not its ID: what is left of an old one does not end
// the membership of the one that has come in its place.
func TestARejoinedIDSurvivesTheEndOfTheOldConnection(t *testing.T) {
	for name, shared := range map[string]bool{"one connection each": false, "shared": true} {
		t.Run(name, func(t *testing.T) {
			in(t, setting{options: Options{SharedIDs: shared}}, func(w *world) {
				old, fresh := w.visit(), w.visit()
				w.join("lobby", "ann", old)
				if shared {
					w.join("lobby", "ann", fresh)
				} else {
					w.leave("lobby", old)
					w.join("lobby", "ann", fresh)
					w.join("other", "ann", old)
				}
				old.link.Reset()
				synctest.Wait()
				w.broadcast("lobby", "x")
				same(t, "fresh", fresh.got(), []string{"x"})
				same(t, "members", ids(w.rooms.Room("lobby").Members()), []string{"ann"})
			})
		})
	}
}

// The end of a connection waits in the queue while another one takes its ID: the room
// is told in the order in which things happened.
func TestAnIDIsFreeOnceItsConnectionHasEnded(t *testing.T) {
	in(t, setting{}, func(w *world) {
		old, fresh := w.visit(), w.visit()
		w.join("lobby", "ann", old)
		w.fail("lobby") // for 50 ms at most nobody is at work
		old.link.Reset()
		synctest.Wait()
		w.join("lobby", "ann", fresh)
		time.Sleep(time.Second)
		if c := w.rooms.Room("lobby").Conns("ann"); len(c) != 1 || c[0] != fresh.conn {
			t.Errorf("ann is %v", c)
		}
	})
}

func TestCreateDoesNotReplaceARoom(t *testing.T) {
	in(t, setting{}, func(w *world) {
		ann := w.visit()
		w.enter("lobby", ann)
		if err := w.rooms.Create("cellar"); err != nil {
			t.Fatal(err)
		}
		for _, room := range []string{"lobby", "cellar"} {
			if err := w.rooms.Create(room); !errors.Is(err, ErrExists) {
				t.Errorf("%s: %v", room, err)
			}
		}
		w.broadcast("lobby", "x")
		same(t, "ann", ann.got(), []string{"x"})
	})
}

// A member whose connection has just ended is reported, leaves every room, and the
// others get the message.
func TestABroadcastGoesOnBehindAMemberThatFails(t *testing.T) {
	in(t, setting{outbox: actors.OutboxLimits{Bytes: 1000}}, func(w *world) {
		ann, bob, eve := w.visit(), w.visit(), w.visit()
		w.enter("lobby", ann, bob, eve)
		w.enter("other", bob)
		result, err := w.rooms.Room("lobby").BroadcastWait(bg, text(fmt.Sprintf("%01000d", 0)))
		var tooBig *actors.MessageTooBigError
		if err != nil || result.Reached != 0 || len(result.Failed) != 3 || !errors.As(result.Failed[2].Err, &tooBig) {
			t.Errorf("%+v, %v", result, err)
		}
		bob.conn.Close(1000, "bye")
		synctest.Wait()
		if result, err = w.rooms.Room("lobby").BroadcastWait(bg, text("x")); err != nil || result.Reached != 2 {
			t.Errorf("%+v, %v", result, err)
		}
		same(t, "ann", ann.got(), []string{"x"})
		same(t, "eve", eve.got(), []string{"x"})
		same(t, "rooms", w.rooms.Names(), []string{"lobby"})
	})
}

// No lock is held while a room is at work: whoever looks at it, joins another one or
// sends to it goes on.
func TestNobodyWaitsForARoomThatIsBusy(t *testing.T) {
	var hold chan struct{} // of the bubble
	o := Options{OnJoin: func(room *Room, _ *actors.Conn, _ Member) {
		if room.Name() == "busy" {
			<-hold
		}
	}}
	in(t, setting{options: o}, func(w *world) {
		hold = make(chan struct{})
		ann, bob := w.visit(), w.visit()
		w.enter("busy", ann)
		began := time.Now()
		room := w.rooms.Room("busy")
		if room.Len() != 1 || !room.Has("1") || len(room.Members()) != 1 || room.Set("k", "v") != nil {
			t.Error("the room cannot be looked at")
		}
		w.broadcast("busy", "x")
		w.enter("calm", ann, bob)
		w.broadcast("calm", "y")
		if _, err := w.rooms.BroadcastAll(text("z")); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		same(t, "bob", len(bob.got()), 2)
		bob.link.Reset()
		synctest.Wait()
		same(t, "calm", ids(w.rooms.Room("calm").Members()), []string{"1"})
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %s", took)
		}
		close(hold)
	})
}

// What a member misses is in the Result and in the counters, never silent.
func TestNoMessageIsLostInSilence(t *testing.T) {
	in(t, setting{patient: true}, func(w *world) {
		ann, bob := w.visit(), w.visit()
		w.enter("lobby", ann, bob)
		ann.stall()
		big := fmt.Sprintf("%065536d", 0)
		reached, failed := 0, 0
		for range 100 {
			result, err := w.rooms.Room("lobby").BroadcastWait(bg, text(big))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range result.Failed {
				if f.ID != "1" || !errors.Is(f.Err, ErrSlow) {
					t.Errorf("%+v", f)
				}
			}
			synctest.Wait()
			reached += result.Reached
			failed += len(result.Failed)
		}
		ann.unstall()
		if n, m := len(ann.got()), len(bob.got()); failed == 0 || m != 100 || n+failed != 100 || n+m != reached {
			t.Errorf("%d and %d came, %d reached, %d failed", n, m, reached, failed)
		}
		if s := w.rooms.Stats(); s.Skipped != uint64(failed) || s.Reached != uint64(reached) {
			t.Errorf("%+v", s)
		}
	})
}

// A clean-up that fails does not keep the others from theirs.
func TestAFailingOnLeaveKeepsNobodyFromLeaving(t *testing.T) {
	o := Options{OnLeave: func(*Room, *actors.Conn, Member, error) { panic("boom") }}
	in(t, setting{options: o, errors: true}, func(w *world) {
		ann := w.visit()
		for _, room := range []string{"a", "b", "c"} {
			w.enter(room, ann)
		}
		ann.link.Reset()
		synctest.Wait()
		if s := w.rooms.Stats(); s.Rooms != 0 || s.Connections != 0 || s.Memberships != 0 || s.Panics != 3 {
			t.Errorf("%+v", s)
		}
	})
}
