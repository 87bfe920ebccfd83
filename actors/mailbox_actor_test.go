package actors

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/supervisor"
)

// workshop is an actor system with our workers, for actors of our own making.
type workshop struct {
	*root
	t testing.TB
}

func newWorkshop(t testing.TB) *workshop {
	t.Helper()
	w := &workshop{t: t, root: &root{system: actorstest.System(t), dispatcher: newDispatcher()}}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.dispatcher.close(ctx); err != nil {
			t.Errorf("the workers do not end: %v", err)
		}
	})
	return w
}

// spawn starts an actor with the mailbox that it returns. It is stopped when the
// test ends.
func (w *workshop) spawn(produce func() actor.Actor) (*mailbox, *actor.PID) {
	w.t.Helper()
	box := newMailbox(w.dispatcher)
	return box, w.spawnWith(box, produce)
}

func (w *workshop) spawnWith(box *mailbox, produce func() actor.Actor) *actor.PID {
	w.t.Helper()
	pid := w.system.Root.Spawn(w.props(produce, box, nil))
	w.t.Cleanup(func() { w.stop(pid) })
	return pid
}

// stop stops an actor and waits until it is gone.
func (w *workshop) stop(pid *actor.PID) {
	w.t.Helper()
	if err := w.system.Root.StopFuture(pid).Wait(); err != nil {
		w.t.Errorf("stop %s: %v", pid.Id, err)
	}
}

// waitFor waits for something that another goroutine is bound to do.
func waitFor[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(10 * time.Second):
		t.Fatal("waited 10 s in vain")
	}
	return v
}

// recorder is an actor that tells the test what it receives.
func recorder(to chan<- any) func() actor.Actor {
	return func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) { to <- ctx.Message() })
	}
}

// A PID is known before its actor has its handlers: protoactor's own mailbox
// crashes whoever sends to it then.
func TestMessagesThatComeBeforeTheActorArriveBehindStarted(t *testing.T) {
	w := newWorkshop(t)
	box := newMailbox(w.dispatcher)
	box.PostUserMessage("early")
	got := make(chan any, 10)
	w.spawnWith(box, recorder(got))
	if _, ok := waitFor(t, got).(*actor.Started); !ok {
		t.Error("the first message is not Started")
	}
	if m := waitFor(t, got); m != "early" {
		t.Errorf("got %v; want the early message", m)
	}
}

func TestSendingByNameWhileTheActorIsSpawnedIsSafe(t *testing.T) {
	w := newWorkshop(t)
	for i := range 200 {
		name := fmt.Sprintf("a%d", i)
		to := w.system.NewLocalPID(name)
		var sender sync.WaitGroup
		sender.Go(func() {
			for range 20 { // some are dead letters; none may harm
				w.system.Root.Send(w.system.NewLocalPID(name), "by name")
			}
		})
		var first atomic.Pointer[any]
		produce := func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				m := ctx.Message()
				first.CompareAndSwap(nil, &m)
			})
		}
		if _, err := w.system.Root.SpawnNamed(w.props(produce, nil, nil), name); err != nil {
			t.Fatal(err)
		}
		sender.Wait()
		w.stop(to)
		if _, ok := (*first.Load()).(*actor.Started); !ok {
			t.Fatalf("the first message was %T", *first.Load())
		}
	}
}

// blocked is an actor that stays in its first message until it is let go.
func (w *workshop) blocked() (box *mailbox, pid *actor.PID, inside, letGo chan struct{}) {
	inside, letGo = make(chan struct{}), make(chan struct{})
	box, pid = w.spawn(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if ctx.Message() == "block" {
				close(inside)
				<-letGo
			}
		})
	})
	box.PostUserMessage("block")
	waitFor(w.t, inside)
	return box, pid, inside, letGo
}

func TestWhatDoesNotFitBecomesADeadLetter(t *testing.T) {
	w := newWorkshop(t)
	letters := actorstest.DeadLetters(t, w.system)
	box, pid, _, letGo := w.blocked()
	defer close(letGo)
	for range mailboxLimit {
		box.PostUserMessage(&tick{}) // private: no dead letters when the actor stops
	}
	if got := letters(); len(got) != 0 {
		t.Fatalf("%d dead letters before it is full", len(got))
	}
	probe := actorstest.Spawn(t, w.system)
	w.system.Root.RequestWithCustomSender(pid, "one too many", probe.PID())
	got := letters()
	if len(got) != 1 || got[0].Message != "one too many" || !got[0].PID.Equal(pid) || !got[0].Sender.Equal(probe.PID()) {
		t.Errorf("dead letters: %+v", got)
	}
	actorstest.Expect[*actor.DeadLetterResponse](probe) // who asked is told
}

func TestWhatWaitsForAnActorThatStopsBecomesDeadLetters(t *testing.T) {
	w := newWorkshop(t)
	letters := actorstest.DeadLetters(t, w.system)
	box, pid, _, letGo := w.blocked()
	var lost []string
	box.PostUserMessage("a")
	box.PostUserMessage(&own{name: "b", lost: &lost})
	box.PostUserMessage(&tick{}) // private, and nothing to give back
	box.PostUserMessage("c")
	stopped := w.system.Root.StopFuture(pid) // watched from before the end on
	close(letGo)
	if err := stopped.Wait(); err != nil {
		t.Error(err)
	}
	var dead []any
	for _, d := range letters() {
		if _, ok := d.Message.(string); ok {
			dead = append(dead, d.Message)
		}
	}
	if !slices.Equal(dead, []any{"a", "c"}) {
		t.Errorf("dead letters %v; want a and c", dead)
	}
	if !slices.Equal(lost, []string{"b"}) {
		t.Errorf("told that they are undelivered: %v; want b", lost)
	}
}

// A restart makes a new guard; the mailbox must still hear of the end.
func TestMailAfterARestartIsAccountedForAtTheStop(t *testing.T) {
	w := newWorkshop(t)
	inside, letGo := make(chan struct{}), make(chan struct{})
	box, pid := w.spawn(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch ctx.Message() {
			case "fail":
				panic("fails")
			case "block":
				close(inside)
				<-letGo
			}
		})
	})
	box.PostUserMessage("fail")
	box.PostUserMessage("block")
	waitFor(t, inside)
	lost := make(lostMail, 1)
	box.PostUserMessage(lost)
	stopped := w.system.Root.StopFuture(pid) // watched from before the end on
	close(letGo)
	if err := stopped.Wait(); err != nil {
		t.Error(err)
	}
	waitFor(t, (chan struct{})(lost)) // the registry forgets an actor before its mail is accounted for
}

// lostMail is a private message that tells when it is undelivered.
type lostMail chan struct{}

func (lostMail) private()       {}
func (m lostMail) undelivered() { m <- struct{}{} }

func TestPanicInATurnRestartsTheActorAndReturnsToTheCaller(t *testing.T) {
	w := newWorkshop(t)
	got := make(chan any, 100)
	parent, children := make(chan *actor.PID, 1), make(chan *mailbox, 1)
	_, _ = w.spawn(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); !ok {
				return
			}
			box := newMailbox(w.dispatcher)
			ctx.Spawn(w.props(func() actor.Actor {
				return actor.ReceiveFunc(func(ctx actor.Context) {
					got <- ctx.Message()
					if ctx.Message() == "panic" {
						panic(errLost)
					}
				})
			}, box, nil))
			parent <- ctx.Self()
			children <- box
		})
	})
	waitFor(t, parent)
	child := waitFor(t, children)
	if _, ok := waitFor(t, got).(*actor.Started); !ok {
		t.Fatal("the first message is not Started")
	}
	for !child.tryRun("panic") { // Started may not have returned yet
	}
	child.PostUserMessage("behind")
	want := []string{"string", "*actor.Restarting", "*actor.Started", "string"}
	for _, name := range want {
		if m := waitFor(t, got); fmt.Sprintf("%T", m) != name {
			t.Fatalf("got %T %v; want %s", m, m, name)
		}
	}
}

// The guard finds its mailbox by this interface; without it undelivered mail
// would vanish.
func TestGuardKnowsTheMailbox(t *testing.T) {
	w := newWorkshop(t)
	got := make(chan supervisor.Mailbox, 1)
	box, _ := w.spawn(func() actor.Actor { return &attachedActor{to: got} })
	if m := waitFor(t, got); m != supervisor.Mailbox(box) {
		t.Errorf("got %v; want the actor's mailbox", m)
	}
}

type attachedActor struct{ to chan supervisor.Mailbox }

func (a *attachedActor) Attached(m supervisor.Mailbox) { a.to <- m }
func (*attachedActor) Receive(actor.Context)           {}
