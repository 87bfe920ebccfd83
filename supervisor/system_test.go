package supervisor

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// inBubble runs a test on an actor system in virtual time. Nothing real is waited
// for: synctest.Wait returns when all actors are idle.
func inBubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		w.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.NewTextHandler(&w.log, nil))
		}))
		f(t, w)
		sleep(time.Minute) // until protoactor's dead letter throttle has ended too
	})
}

// world is an actor system and what happened in it, in order.
type world struct {
	system *actor.ActorSystem
	log    safeBuilder
	mu     sync.Mutex
	story  []string
	events []any
}

type safeBuilder struct {
	mu sync.Mutex
	strings.Builder
}

func (b *safeBuilder) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}

func (w *world) logged(part string) bool {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return strings.Contains(w.log.String(), part)
}

func (w *world) tell(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.story = append(w.story, what)
}

func (w *world) notify(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, event)
}

// told waits until all is quiet, and returns and forgets the story so far.
func (w *world) told() string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	s := strings.Join(w.story, " ")
	w.story = nil
	return s
}

// heard is told for the events.
func (w *world) heard() []any {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.events
	w.events = nil
	return e
}

func (w *world) send(pid *actor.PID, message any) { w.system.Root.Send(pid, message) }

// stop stops an actor and fails the test if it does not end or leaves something.
func (w *world) stop(t *testing.T, pid *actor.PID) {
	t.Helper()
	if err := w.system.Root.StopFuture(pid).Wait(); err != nil {
		t.Errorf("stop of %s: %v; story: %v", pid.Id, err, w.story)
	}
	synctest.Wait()
	for _, below := range []string{"", "/c", "/connection", "/connection/reader", "/connection/writer"} {
		if _, there := w.system.ProcessRegistry.GetLocal(pid.Id + below); there {
			t.Errorf("%s is left", pid.Id+below)
		}
	}
}

// script is an actor that tells its messages and does what its test says.
type script struct {
	w    *world
	name string
	do   func(ctx actor.Context)
}

func (s *script) Receive(ctx actor.Context) {
	s.w.tell(s.name + ":" + word(ctx.Message()))
	if s.do != nil {
		s.do(ctx)
	}
	switch m := ctx.Message().(type) {
	case error:
		panic(m)
	case func(actor.Context):
		m(ctx)
	}
}

func word(message any) string {
	switch m := message.(type) {
	case *actor.Started:
		return "Started"
	case string:
		return m
	case error:
		return m.Error()
	case func(actor.Context):
		return "func"
	default:
		return nameOf(message)
	}
}

// scripted is the producer of a script.
func (w *world) scripted(name string, do func(ctx actor.Context)) actor.Producer {
	return func() actor.Actor { return &script{w: w, name: name, do: do} }
}

// family spawns a guarded parent "p" that spawns a guarded child "p/c".
func (w *world) family(t *testing.T, child actor.Producer, options ...GuardOption) (parent, kid *actor.PID) {
	t.Helper()
	parent, err := w.system.Root.SpawnNamed(actor.PropsFromProducer(Guard(w.scripted("p", func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			kid, _ = ctx.SpawnNamed(actor.PropsFromProducer(Guard(child)), "c")
		}
	}), options...)), "p")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	w.told()
	return parent, kid
}

// sleep lets virtual time pass; only in a bubble.
func sleep(d time.Duration) { time.Sleep(d) }
