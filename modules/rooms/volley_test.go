package rooms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hawser-go/hawser/actors"
)

// held is a world whose lobby does nothing from the join of "gate" on until it is let
// go: what is asked of it meanwhile waits in its queue, and is done together.
func held(t *testing.T, o Options, f func(w *world, hold func() (release func()))) {
	t.Helper()
	var gate chan struct{} // of the bubble
	o.OnJoin = func(_ *Room, _ *actors.Conn, m Member) {
		if m.ID == "gate" {
			<-gate
		}
	}
	in(t, setting{options: o}, func(w *world) {
		f(w, func() func() {
			gate = make(chan struct{})
			w.join("lobby", "gate", w.visit())
			return func() { close(gate); synctest.Wait() }
		})
	})
}

func TestWhatWaitedTogetherReachesThoseWhoWereThereInOrder(t *testing.T) {
	held(t, Options{}, func(w *world, hold func() func()) {
		ann, bob, eve := w.visit(), w.visit(), w.visit()
		w.enter("lobby", ann, bob)
		release := hold()
		room := w.rooms.Room("lobby")
		w.broadcast("lobby", "1", "2")
		var wg sync.WaitGroup
		wg.Go(func() { w.leave("lobby", bob) })
		synctest.Wait()
		w.broadcast("lobby", "3")
		wg.Go(func() { w.join("lobby", "eve", eve) })
		synctest.Wait()
		w.broadcast("lobby", "4")
		wg.Go(func() {
			if err := room.SendTo(bg, "1", text("5")); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		w.broadcast("lobby", "6", "7")
		release()
		wg.Wait()
		same(t, "ann", ann.got(), []string{"1", "2", "3", "4", "5", "6", "7"})
		same(t, "bob", bob.got(), []string{"1", "2"})
		same(t, "eve", eve.got(), []string{"4", "6", "7"})
	})
}

// Each message of a volley has exceptions and a result of its own, and one that was given
// up is not sent.
func TestMessagesThatGoTogetherHaveResultsOfTheirOwn(t *testing.T) {
	held(t, Options{}, func(w *world, hold func() func()) {
		ann, bob := w.visit(), w.visit()
		w.enter("lobby", ann, bob)
		release := hold()
		room := w.rooms.Room("lobby")
		ctx, cancel := context.WithCancel(bg)
		var wg sync.WaitGroup
		for i, c := range []struct {
			except  []*actors.Conn
			reached int
			given   bool
		}{
			{nil, 3, false},
			{[]*actors.Conn{ann.conn}, 2, false},
			{nil, 0, true},
			{[]*actors.Conn{ann.conn, bob.conn, ann.conn, nil, {}}, 1, false},
			{[]*actors.Conn{bob.conn}, 2, false},
			{nil, 3, false},
		} {
			wg.Go(func() {
				within := bg
				if c.given {
					within = ctx
				}
				result, err := room.BroadcastWait(within, text(fmt.Sprint(i)), c.except...)
				if c.given != errors.Is(err, context.Canceled) || result.Reached != c.reached || len(result.Failed) > 0 {
					t.Errorf("%d: %+v, %v", i, result, err)
				}
			})
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		release()
		wg.Wait()
		same(t, "ann", ann.got(), []string{"0", "4", "5"})
		same(t, "bob", bob.got(), []string{"0", "1", "5"})
		p, _ := w.rooms.find("lobby")
		if slices.ContainsFunc(p.seats, func(s *seat) bool { return s.is(spared) }) {
			t.Error("a member is excepted from what comes later")
		}
		if s := w.rooms.Stats(); s.Messages != 5 || s.Reached != 11 || s.Failed+s.Skipped > 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A member whose connection has ended, or that does not keep up, is in the results of the
// messages that it did not get: of an ended one in the first, as it has left then.
func TestMembersThatFailWithinAVolleyAreInTheResults(t *testing.T) {
	held(t, Options{}, func(w *world, hold func() func()) {
		ann, bob, slow := w.visit(), w.visit(), w.visit()
		w.enter("lobby", ann, bob, slow)
		slow.stall()
		w.clog("lobby", slow)
		release := hold()
		before := w.rooms.Stats()
		results := make([]Result, 3)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() {
				var err error
				if results[i], err = w.rooms.Room("lobby").BroadcastWait(bg, text(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		bob.conn.Close(1000, "bye")
		synctest.Wait()
		release()
		wg.Wait()
		for i, r := range results {
			var failed []string
			for _, f := range r.Failed {
				if want := map[string]error{"2": actors.ErrStopped, "3": ErrSlow}[f.ID]; !errors.Is(f.Err, want) {
					t.Errorf("%d: %s: %v", i, f.ID, f.Err)
				}
				failed = append(failed, f.ID)
			}
			want := []string{"3"}
			if i == 0 {
				want = []string{"2", "3"}
			}
			if slices.Sort(failed); r.Reached != 2 || r.Skipped != 1 || !slices.Equal(failed, want) {
				t.Errorf("%d: %+v", i, r)
			}
		}
		if s := w.rooms.Stats(); s.Skipped-before.Skipped != 3 || s.Failed-before.Failed != 1 {
			t.Errorf("%+v, before %+v", s, before)
		}
		same(t, "members", ids(w.rooms.Room("lobby").Members()), []string{"1", "3", "gate"})
		slow.unstall()
	})
}

// Messages that are too long, or too many, to go together follow each other.
func TestLongMessagesKeepTheirOrder(t *testing.T) {
	held(t, Options{QueueBytes: -1}, func(w *world, hold func() func()) {
		ann, bob := w.visit(), w.visit()
		w.enter("lobby", ann, bob)
		release := hold()
		var want []string
		for i, size := range []int{10, volleyBytes, 10, 3 * volleyBytes / 4, volleyBytes / 2, 10, 10} {
			want = append(want, fmt.Sprint(i, strings.Repeat("x", size)))
		}
		for i := range 2 * volleyMessages {
			want = append(want, fmt.Sprint("short ", i))
		}
		w.broadcast("lobby", want...)
		release()
		for name, v := range map[string]*visitor{"ann": ann, "bob": bob} {
			if got := v.got(); !slices.Equal(got, want) {
				t.Errorf("%s got %d messages, which are not the %d that were sent", name, len(got), len(want))
			}
		}
	})
}
