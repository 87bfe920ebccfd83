package rooms

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors/actorstest"
)

// crew fills the lobby with so many that shards help.
func (w *world) crew() (all []*visitor) {
	w.t.Helper()
	for range sharedFrom + 2*blockSize {
		all = append(all, w.visit())
	}
	w.enter("lobby", all...)
	return all
}

// Several senders in a big room, of which actors are killed, and whose members come and
// go: everybody gets all of each sender's messages in order, once, while it is there.
func TestABigRoomKeepsTheOrderOfEachSender(t *testing.T) {
	const senders, each = 3, 15
	in(t, setting{}, func(w *world) {
		all := w.crew()
		guest := w.visit()
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				for n := range each {
					result, err := w.rooms.Room("lobby").BroadcastWait(bg, text(fmt.Sprint(s, " ", n)), all[s].conn)
					if err != nil || result.Reached < len(all)-1 || len(result.Failed) > 0 {
						t.Errorf("%+v, %v", result, err)
					}
					if err := w.rooms.Room("lobby").Broadcast(text(fmt.Sprint(s+senders, " ", n))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			for i := range 10 {
				w.join("lobby", "guest", guest)
				switch i % 4 {
				case 0:
					if all := w.rooms.shards.Load(); all != nil { // else there is one processor
						w.system.Root.Stop((*all)[0])
					}
				case 1:
					if host := w.pid("room"); host != nil {
						w.system.Root.Stop(host)
					}
				}
				w.leave("lobby", guest)
			}
		})
		wg.Wait()
		for i, v := range all {
			next := map[int]int{}
			for _, m := range v.got() {
				var s, n int
				if _, err := fmt.Sscan(m, &s, &n); err != nil || next[s] != n {
					t.Fatalf("member %d got %q; want number %d", i, m, next[s])
				}
				next[s]++
			}
			for s := range 2 * senders {
				want := each
				if s < senders && s == i { // it has excepted itself
					want = 0
				}
				if next[s] != want {
					t.Errorf("member %d got %d messages of %d, want %d", i, next[s], s, want)
				}
			}
		}
	})
}

// thief is in the place of a shard: it takes a block on, at once, and brings it to nobody
// before it is told to.
type thief struct {
	mu     sync.Mutex
	stolen []*volley
}

func (th *thief) SendUserMessage(_ *actor.PID, msg any) {
	v := msg.(*volley)
	th.mu.Lock()
	defer th.mu.Unlock()
	v.next.Add(1) // the first block
	th.stolen = append(th.stolen, v)
}

func (*thief) SendSystemMessage(*actor.PID, any) {}
func (*thief) Stop(*actor.PID)                   {}

// giveBack brings the oldest block to its members.
func (th *thief) giveBack(t *testing.T) {
	t.Helper()
	synctest.Wait()
	th.mu.Lock()
	if len(th.stolen) != 1 {
		t.Fatalf("%d volleys are under way", len(th.stolen))
	}
	v := th.stolen[0]
	th.stolen = nil
	th.mu.Unlock()
	v.block(v.seats[:blockSize])
	v.release()
	synctest.Wait()
}

// Nothing is done in a room before a volley has reached everybody, whoever is killed
// meanwhile, and nobody is reached twice.
func TestARoomWaitsForAShardThatIsLate(t *testing.T) {
	for name, kill := range map[string]func(w *world){
		"nobody is killed": func(*world) {},
		"room killed":      func(w *world) { w.system.Root.Stop(w.pid("room")) },
		"hall killed":      func(w *world) { w.system.Root.Stop(w.pid("hall")) },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, setting{}, func(w *world) {
				th := new(thief)
				pid, ok := w.system.ProcessRegistry.Add(th, "thief")
				if !ok {
					t.Fatal("no thief")
				}
				defer w.system.ProcessRegistry.Remove(pid)
				all := w.crew()
				w.rooms.shards.Store(&[]*actor.PID{pid})
				first, last := all[0], all[len(all)-1]
				answered := make(chan Result, 1)
				go func() {
					result, err := w.rooms.Room("lobby").BroadcastWait(bg, text("1"))
					if err != nil {
						t.Error(err)
					}
					answered <- result
				}()
				synctest.Wait()
				w.broadcast("lobby", "2")
				left := make(chan error, 1)
				go func() { left <- w.rooms.Room("lobby").Leave(bg, last.conn) }()
				synctest.Wait()
				kill(w)
				time.Sleep(time.Minute) // there is another host by then
				w.rooms.shards.Store(&[]*actor.PID{pid})
				same(t, "the first", first.got(), []string(nil))
				same(t, "the last", last.got(), []string{"1"})
				if len(answered)+len(left) > 0 {
					t.Error("the room has gone on without some of its members")
				}
				th.giveBack(t)
				if r := <-answered; r.Reached != len(all) {
					t.Errorf("%d reached", r.Reached)
				}
				same(t, "the first", first.got(), []string{"1"})
				same(t, "the last", last.got(), []string{"1", "2"})
				th.giveBack(t)
				if err := <-left; err != nil {
					t.Error(err)
				}
				same(t, "the first", first.got(), []string{"1", "2"})
				w.rooms.shards.Store(nil)
				w.broadcast("lobby", "3")
				same(t, "the first", first.got(), []string{"1", "2", "3"})
				same(t, "the last", last.got(), []string{"1", "2"})
			})
		})
	}
}

// The end of the server does not wait for a shard, and whoever waits for the room is
// told.
func TestTheServerMayEndInTheMiddleOfAVolley(t *testing.T) {
	in(t, setting{}, func(w *world) {
		th := new(thief)
		pid, _ := w.system.ProcessRegistry.Add(th, "thief")
		defer w.system.ProcessRegistry.Remove(pid)
		w.crew()
		w.rooms.shards.Store(&[]*actor.PID{pid})
		answered := make(chan error)
		go func() {
			_, err := w.rooms.Room("lobby").BroadcastWait(bg, text("1"))
			answered <- err
		}()
		synctest.Wait()
		w.close()
		if err := <-answered; !errors.Is(err, ErrClosed) {
			t.Errorf("who waited was told %v", err)
		}
		th.giveBack(t)
	})
}

// The host of an empty room goes when it has not been needed for a while, and when the
// server ends nobody is stopped twice.
func TestTheHostsOfEmptyRoomsGo(t *testing.T) {
	in(t, setting{}, func(w *world) {
		letters := actorstest.DeadLetters(t, w.system)
		var hosts []*actor.PID
		for range 2 {
			ann := w.visit()
			w.join("lobby", "ann", ann)
			hosts = append(hosts, w.pid("room"))
			w.leave("lobby", ann)
			synctest.Wait()
		}
		for i, host := range hosts {
			if _, there := w.system.ProcessRegistry.Get(host); !there {
				t.Errorf("host %d has gone at once", i)
			}
		}
		time.Sleep(2 * linger)
		synctest.Wait()
		for i, host := range hosts {
			if _, there := w.system.ProcessRegistry.Get(host); there {
				t.Errorf("host %d is still there", i)
			}
		}
		for i := range 50 {
			w.enter(fmt.Sprint("room ", i), w.visit())
		}
		w.close()
		for _, l := range letters() {
			if _, ok := l.Message.(actor.IgnoreDeadLetterLogging); !ok && strings.Contains(l.PID.Id, "hall") {
				t.Errorf("%T for %s", l.Message, l.PID.Id)
			}
		}
	})
}

func TestAShardThatIsKilledIsReplaced(t *testing.T) {
	if shards() == 0 {
		t.Skip("with one processor there are none")
	}
	in(t, setting{}, func(w *world) {
		w.enter("lobby", w.visit())
		for range 5 {
			before := *w.rooms.shards.Load()
			w.system.Root.Stop(before[0])
			synctest.Wait()
			after := *w.rooms.shards.Load()
			if len(after) != shards() || slices.ContainsFunc(after, before[0].Equal) {
				t.Errorf("%v after %v", after, before)
			}
		}
	})
}
