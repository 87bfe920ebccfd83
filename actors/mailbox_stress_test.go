package actors

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

// counting is an actor that must be in one thread at a time and counts without a
// lock, so that -race sees it if it is not.
type counting struct {
	counted *int
	inside  *atomic.Int32
	fails   int
}

func (c *counting) Receive(ctx actor.Context) {
	if c.inside.Add(1) != 1 {
		panic("two threads in one actor")
	}
	defer c.inside.Add(-1)
	if _, ok := ctx.Message().(int); !ok {
		return
	}
	*c.counted++
	if c.fails > 0 && *c.counted%c.fails == 0 {
		panic(errLost)
	}
}

func TestEveryMessageIsHandledOnceUnderLoad(t *testing.T) {
	w := newWorkshop(t)
	const senders, each = 8, 5000
	counted, inside := new(int), new(atomic.Int32)
	box, pid := w.spawn(func() actor.Actor { return &counting{counted: counted, inside: inside} })
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				if (s+i)%3 == 0 {
					box.deliver(i)
				} else {
					box.PostUserMessage(i)
				}
			}
		})
	}
	all.Wait()
	if err := w.system.Root.PoisonFuture(pid).Wait(); err != nil { // behind all of them
		t.Fatal(err)
	}
	if *counted != senders*each {
		t.Errorf("handled %d of %d", *counted, senders*each)
	}
}

func TestNoMessageIsLostOverRestarts(t *testing.T) {
	w := newWorkshop(t)
	const senders, each = 4, 1000
	counted, inside := new(int), new(atomic.Int32)
	boxes, pids := make(chan *mailbox, 1), make(chan *actor.PID, 1)
	always := actor.NewRestartingStrategy()
	parent := w.root.props(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				box := newMailbox(w.dispatcher)
				pids <- ctx.Spawn(w.props(func() actor.Actor { return &counting{counted: counted, inside: inside, fails: 50} }, box, nil))
				boxes <- box
			}
		})
	}, nil, always)
	pid := w.system.Root.Spawn(parent)
	box, child := waitFor(t, boxes), waitFor(t, pids)
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for i := range each {
				box.deliver(i)
			}
		})
	}
	all.Wait()
	if err := w.system.Root.PoisonFuture(child).Wait(); err != nil {
		t.Fatal(err)
	}
	w.stop(pid)
	if *counted != senders*each {
		t.Errorf("handled %d of %d", *counted, senders*each)
	}
}

// An actor ends while others send to it: each message is handled or told as lost.
func TestStopLosesNoMessageWithoutTellingIt(t *testing.T) {
	w := newWorkshop(t)
	for range 50 {
		var handled, lost atomic.Int64
		box, pid := w.spawn(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*traced); ok {
					handled.Add(1)
				}
			})
		})
		const senders, each = 4, 50
		var all sync.WaitGroup
		for range senders {
			all.Go(func() {
				for range each {
					box.deliver(&traced{lost: &lost})
				}
			})
		}
		w.stop(pid)
		all.Wait()
		if sum := handled.Load() + lost.Load(); sum != senders*each {
			t.Fatalf("%d handled and %d told as lost of %d", handled.Load(), lost.Load(), senders*each)
		}
	}
}

type traced struct{ lost *atomic.Int64 }

func (*traced) private()       {}
func (m *traced) undelivered() { m.lost.Add(1) }

// t.FailNow in a handler ends the goroutine that runs it. That is the actor's
// failure; neither its mailbox nor the worker may be lost with it.
func TestHandlerThatEndsItsGoroutineIsAFailure(t *testing.T) {
	w := newWorkshop(t)
	got := make(chan any, 100)
	box, _ := w.spawn(func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case string:
				got <- m
			case func():
				m()
			}
		})
	})
	for range 5 {
		box.PostUserMessage(runtime.Goexit)
		box.PostUserMessage("queued")
		if m := waitFor(t, got); m != "queued" {
			t.Fatalf("got %v", m)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			box.deliver(runtime.Goexit) // perhaps on this goroutine
		}()
		waitFor(t, done)
		box.PostUserMessage("behind")
		if m := waitFor(t, got); m != "behind" {
			t.Fatalf("got %v", m)
		}
	}
}
