//go:build linux

package siege

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

const (
	stampedeEvery = 10 * time.Millisecond
	stampedePeers = 200
	// stampedeParts is after how many kills one is not chosen among all actors, of
	// which nearly all are connections and their children, but among the parts that
	// exist a few times only.
	stampedeParts = 10
)

// TestActorStampede kills an actor of the server every 10 ms, chosen at random, in a
// way chosen at random, while 200 clients talk and come back whenever they lost
// their connection. The server's own actor and the root are spared: their death is
// the server's, see TestTheServerSurvivesEveryDeathOfEveryActor. One second later
// the server serves as if nothing had been.
func TestActorStampede(t *testing.T) {
	length := 10 * time.Second
	if raceEnabled || testing.Short() {
		length = 2 * time.Second
	}
	f := start(t, fragile(0))
	base := f.figures()
	h := newHerd(f, stampedePeers)
	f.await("all clients are there", func() bool { return f.Connections() == stampedePeers })
	seed := rand.Uint64()
	s := &stampede{system: f.system, rand: rand.New(rand.NewPCG(seed, 0)), kills: map[string]int{}}
	s.run(length)
	t.Logf("seed %d: %d kills: %s", seed, s.count(), s)
	f.recovers()
	hanging := h.stop()
	t.Logf("%d connections in all, %d messages echoed, %d not; %d clients hang at the end", h.dials.Load(), h.echoed.Load(), h.lost.Load(), len(hanging))
	if h.echoed.Load() < 100 {
		t.Error("hardly anything was echoed meanwhile, that tells nothing")
	}
	if len(hanging) > 0 {
		t.Errorf("%d clients are neither served nor told of the end", len(hanging))
	}
	for _, v := range hanging {
		v.leave(0)
	}
	f.quiet(base)
}

// recovers checks that new clients are served, on every shard, within a second.
func (f *fort) recovers() {
	f.t.Helper()
	began, served := time.Now(), 0
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range 64 {
		wg.Go(func() {
			ctx, cancel := context.WithDeadline(context.Background(), began.Add(slack(time.Second)))
			defer cancel()
			v, err := visit(ctx, new(net.Dialer).DialContext, f.lean)
			if err != nil {
				return
			}
			defer v.leave(time.Second)
			if v.ask(fmt.Sprint("new ", i), time.Until(began.Add(slack(time.Second)))) == nil {
				mu.Lock()
				served++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	f.t.Logf("afterwards %d of 64 new clients are served within a second", served)
	if served < 64 {
		f.t.Errorf("%d of 64 new clients are not served within a second", 64-served)
	}
}

// stampede kills.
type stampede struct {
	system *actor.ActorSystem
	rand   *rand.Rand
	kills  map[string]int                          // by kind and death
	all    atomic.Pointer[map[string][]*actor.PID] // the latest census
}

// run kills one actor at each tick.
func (s *stampede) run(length time.Duration) {
	defer s.look()()
	tick := time.NewTicker(stampedeEvery)
	defer tick.Stop()
	over := time.After(length)
	for n := 0; ; n++ {
		select {
		case <-over:
			return
		case <-tick.C:
			s.kill(n)
		}
	}
}

// look takes a census all the time, which is too slow to be taken for each kill. The
// function that it returns ends that.
func (s *stampede) look() (stop func()) {
	all, over, done := census(s.system), make(chan struct{}), make(chan struct{})
	s.all.Store(&all)
	go func() {
		defer close(done)
		for {
			select {
			case <-over:
				return
			case <-time.After(5 * stampedeEvery):
			}
			all := census(s.system)
			s.all.Store(&all)
		}
	}()
	return func() {
		close(over)
		<-done
	}
}

// kill kills the next one.
func (s *stampede) kill(n int) {
	all := *s.all.Load()
	var herd []*actor.PID
	for _, kind := range kindsOfActors { // in order, so that a seed tells
		switch kind {
		case "root", "server":
			continue
		case "connection", "reader", "writer":
			if n%stampedeParts == 0 {
				continue
			}
		}
		for _, pid := range all[kind] {
			if _, lives := s.system.ProcessRegistry.Get(pid); lives {
				herd = append(herd, pid)
			}
		}
	}
	if len(herd) == 0 {
		return
	}
	victim := herd[s.rand.IntN(len(herd))]
	ways := slices.DeleteFunc(slices.Clone(deaths), func(d death) bool { return d.name == manyFailures })
	d := ways[s.rand.IntN(len(ways))]
	s.kills[kindOf(victim.Id)+" "+d.name]++
	d.kill(s.system, victim)
}

func (s *stampede) count() (n int) {
	for _, k := range s.kills {
		n += k
	}
	return n
}

func (s *stampede) String() string {
	var parts []string
	for what, n := range s.kills {
		parts = append(parts, fmt.Sprint(n, " ", what))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// herd is many clients that talk all the time, and come back whenever their
// connection ends.
type herd struct {
	f                   *fort
	over                chan struct{}
	all                 sync.WaitGroup
	dials, echoed, lost atomic.Int64

	mu      sync.Mutex
	hanging []*visitor
}

func newHerd(f *fort, n int) *herd {
	h := &herd{f: f, over: make(chan struct{})}
	for i := range n {
		h.all.Go(func() { h.live(i) })
	}
	return h
}

// live is one of them.
func (h *herd) live(i int) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		v, err := visit(ctx, new(net.Dialer).DialContext, h.f.lean)
		cancel()
		h.dials.Add(1)
		if err == nil {
			h.talk(v, i)
		}
		select {
		case <-h.over:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// talk sends ten messages a second until the connection ends or the herd does. At
// the end of the herd it wants one more echo, or the end.
func (h *herd) talk(v *visitor, i int) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-v.ended:
			return
		case <-h.over:
			if h.last(v) {
				v.leave(patience)
			}
			return
		case <-tick.C:
		}
		if v.ask(fmt.Sprint(i, " says ", n), time.Second) == nil {
			h.echoed.Add(1)
		} else {
			h.lost.Add(1)
		}
	}
}

// last reports whether a client is in order, and notes it if it hangs.
func (h *herd) last(v *visitor) bool {
	for n := range 3 { // the first may meet a module that is being restarted
		if err := v.ask(fmt.Sprint("last ", n), slack(time.Second)); err == nil || v.over() {
			return true
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hanging = append(h.hanging, v)
	return false
}

// stop ends the herd, and returns those who hang.
func (h *herd) stop() []*visitor {
	close(h.over)
	h.all.Wait()
	return h.hanging
}
