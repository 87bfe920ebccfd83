package actors

import (
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
)

// still is a light actor that does nothing.
type still struct{ light }

func (*still) InvokeUserMessage(any) {}
func (*still) kind() string          { return "still" }
func (*still) stopping()             {}
func (*still) killed()               {}

// gate is a process that holds up whoever tells it of an end.
type gate struct{ open chan struct{} }

func (*gate) SendUserMessage(*actor.PID, any)     {}
func (g *gate) SendSystemMessage(*actor.PID, any) { <-g.open }
func (*gate) Stop(*actor.PID)                     {}

// A connection whose second child fails while the first failure is on its way up
// stops that child twice: once for the failure, once for its own end.
func TestAnActorThatHasStoppedWithinItsTurnIsWaitedFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, err := acquireRoot(w.system)
		if err != nil {
			t.Fatal(err)
		}
		defer r.release()
		registry := w.system.ProcessRegistry
		parent := newMailbox(r.dispatcher)
		l := &still{}
		l.begin(&Conn{side: &side{root: r, system: w.system}, connection: parent, pid: actor.NewPID("local", "parent")}, l)
		l.who()
		g := &gate{open: make(chan struct{})}
		watcher, _ := registry.Add(g, "gate")
		defer registry.Remove(watcher)
		l.Stop(nil)
		l.PostSystemMessage(&actor.Watch{Watcher: watcher})
		synctest.Wait() // it has stopped, and its turn goes on

		e := &ending{parent: parent, registry: registry, pid: actor.NewPID("local", "ending")}
		e.left.Store(1)
		if l.halt(e) {
			t.Fatal("halt reports that an actor in its turn is idle")
		}
		close(g.open)
		synctest.Wait()
		if left := e.left.Load(); left != 1 {
			t.Errorf("%d are waited for behind the end, want only the spawner", left)
		}
	})
}
