//go:build linux

package siege

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// aftermath is what a death led to.
type aftermath struct {
	ended   int           // of the connections there were
	slowest time.Duration // until the last of these ended
	hanging int           // neither served nor ended within a minute
	served  int           // of the connections there were
	fresh   int           // of eight new connections: served within a second
	later   int           // of eight new connections a minute later
	added   string        // how AddModule was answered
	over    bool          // Serve has returned
	closing time.Duration // how long Close took
	closed  error         // what it said
	books   actors.Books  // at the end
	left    []string      // actors that are still there
}

func (a *aftermath) String() string {
	s := fmt.Sprintf("%d served, %d ended in %v, %d hang; new %d/8, a minute later %d/8; AddModule %s", a.served, a.ended, a.slowest.Round(time.Millisecond), a.hanging, a.fresh, a.later, a.added)
	if a.over {
		s += "; Serve ended"
	}
	s += fmt.Sprintf("; Close %v", a.closing.Round(time.Millisecond))
	if a.closed != nil {
		s += fmt.Sprintf(" %.80s", a.closed.Error())
	}
	if !a.books.Balanced() || a.books.InFlight > 0 {
		s += fmt.Sprintf("; books %v", a.books)
	}
	if len(a.left) > 0 {
		s += fmt.Sprintf("; left %v", a.left)
	}
	return s
}

// faults says what of it must not be. A server that ended, and said so, is allowed
// to have, if its own actor or the root was killed. A module or a middleware that
// fails without end may be given up; then nobody answers, and nobody hangs.
func (a *aftermath) faults(mayEnd, givenUp bool) (f []string) {
	add := func(bad bool, what string) {
		if bad {
			f = append(f, what)
		}
	}
	add(a.over && !mayEnd, "the server ended")
	add(a.hanging > 0 && !givenUp, "connections hang")
	add(a.slowest > time.Second && !givenUp, "an end that takes longer than a second")
	add(a.fresh < 8 && !a.over && !givenUp, "new connections are not served within a second")
	add(a.later < 8 && !a.over && !givenUp, "new connections are not served a minute later")
	add(a.added != "answered" && !a.over, "AddModule is not answered")
	add(a.closed != nil, "Close fails")
	add(!a.books.Balanced() || a.books.InFlight > 0, "the books do not balance")
	add(len(a.left) > 0, "actors are left")
	return f
}

// TestTheServerSurvivesEveryDeathOfEveryActor kills one actor of each kind in each
// way, and looks what becomes of the connections there are and of those that come.
// Only the server's own actor and the root may take the server with them, and then
// everybody is told.
func TestTheServerSurvivesEveryDeathOfEveryActor(t *testing.T) {
	for _, kind := range kindsOfActors {
		for _, d := range deaths {
			t.Run(kind+", "+d.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := dieOnce(t, kind, d.kill)
					t.Log(a)
					mayEnd := kind == "server" || kind == "root"
					givenUp := d.name == manyFailures && (kind == "module" || kind == "middleware")
					for _, fault := range a.faults(mayEnd, givenUp) {
						t.Error(fault)
					}
				})
			})
		}
	}
}

// dieOnce is one cell: eight connections on four shards, one death.
func dieOnce(t *testing.T, kind string, kill func(*actor.ActorSystem, *actor.PID)) *aftermath {
	t.Helper()
	system, ln := mute(), transporttest.NewListener()
	server, err := actors.NewServer(system, fragile(4))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	a := &aftermath{}
	old := visitors(t, ln, 8)
	victims := census(system)[kind]
	if len(old) != 8 || len(victims) == 0 {
		t.Fatalf("%d connections, %d %ss", len(old), len(victims), kind)
	}
	died := time.Now()
	kill(system, victims[0])
	time.Sleep(time.Second)
	fresh := visitors(t, ln, 8)
	a.fresh = len(fresh)
	a.look(old, died)
	time.Sleep(time.Minute)
	late := visitors(t, ln, 8)
	a.later = len(late)
	a.added = addsModule(server, system)
	select {
	case err := <-served:
		a.over = true
		served <- err
	default:
	}
	start := time.Now()
	a.closed = server.Close(context.Background())
	a.closing, a.books = time.Since(start), server.Books()
	_ = ln.Close()
	if err := <-served; !errors.Is(err, actors.ErrServerClosed) {
		t.Errorf("Serve returned %v", err)
	}
	for _, v := range slices.Concat(old, fresh, late) {
		v.leave(time.Minute)
	}
	time.Sleep(10 * time.Second) // protoactor's throttle of dead letters ends
	for _, pids := range census(system) {
		for _, pid := range pids {
			a.left = append(a.left, pid.Id)
		}
	}
	if a.closed != nil {
		a.bury(system, server)
	}
	return a
}

// visitors opens n connections, and returns those that are served within a second.
func visitors(t *testing.T, ln *transporttest.Listener, n int) (good []*visitor) {
	t.Helper()
	for i := range n {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		v, err := visit(ctx, ln.Dial, "hawser.test")
		cancel()
		if err != nil {
			continue
		}
		if v.ask(fmt.Sprint("hello ", i), time.Second) != nil {
			v.leave(time.Minute)
			continue
		}
		good = append(good, v)
	}
	return good
}

// look sorts the connections there were by what became of them. Those that do not
// answer go on talking for a minute.
func (a *aftermath) look(old []*visitor, died time.Time) {
	for i, v := range old {
		if v.ask(fmt.Sprint("still there ", i), time.Second) == nil {
			a.served++
			continue
		}
		for n := 0; n < 60 && !v.over(); n++ {
			_ = v.ask("anybody there?", time.Second)
		}
		if !v.over() {
			a.hanging++
			continue
		}
		a.ended++
		a.slowest = max(a.slowest, v.at.Sub(died))
	}
}

// addsModule asks the server for one more module.
func addsModule(server *actors.Server, system *actor.ActorSystem) string {
	m := actors.Module{Name: "late", Path: "/late", New: func() actors.Handler { return fragileEcho{} }}
	answer, err := system.Root.RequestFuture(server.PID(), &actors.AddModule{Module: m}, time.Second).Result()
	if added, ok := answer.(*actors.ModuleAdded); ok {
		err = added.Err
	}
	if err != nil {
		return "not answered: " + err.Error()
	}
	return "answered"
}

// bury ends what should have ended by itself, so that the bubble of this cell can
// end and the next one is tried.
func (a *aftermath) bury(system *actor.ActorSystem, server *actors.Server) {
	for _, pids := range census(system) {
		for _, pid := range pids {
			system.Root.Stop(pid)
		}
	}
	synctest.Wait()
	_ = server.Close(context.Background())
	time.Sleep(10 * time.Second)
}

// TestASystemWhoseRootDiedTakesAnotherServer: who kills the root ends the servers
// there are. Those that are made later must not have to know of it, also while one
// of the old ones has not been closed yet.
func TestASystemWhoseRootDiedTakesAnotherServer(t *testing.T) {
	system := mute()
	old, err := actors.NewServer(system, actors.ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	system.Root.Stop(census(system)["root"][0])
	for len(census(system)["root"]) > 0 {
		pause(time.Millisecond)
	}
	made := make(chan error, 1)
	go func() {
		s, err := actors.NewServer(system, actors.ServerOptions{})
		if err == nil {
			err = s.Close(context.Background())
		}
		made <- err
	}()
	select {
	case err := <-made:
		if err != nil {
			t.Errorf("another server: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("NewServer does not return")
	}
	if err := old.Close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
}
