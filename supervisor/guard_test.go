package supervisor

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/asynkron/protoactor-go/actor"
)

var errBoom = errors.New("boom")

// at once, so that the tests of the guard need not wait.
var atOnce = WithNewStrategy(func() actor.SupervisorStrategy {
	return NewOneForOne(OneForOneOptions{Backoff: Backoff{InitialDelay: -1}, Intensity: Intensity{Max: -1}})
})

// raw is a strategy as one function.
type raw func(s actor.Supervisor, child *actor.PID, reason, message any)

func (f raw) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, message any) {
	f(s, child, reason, message)
}

func TestAPanicWhileItEndsNeitherKeepsAnActorNorItsParent(t *testing.T) {
	for _, phase := range []string{"Stopping", "Stopped", "Restarting", "Terminated"} {
		t.Run(phase, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				var swallowed []SwallowedPanic
				seen := WithPanicHandler(func(p SwallowedPanic) { swallowed = append(swallowed, p) })
				leaf := w.scripted("leaf", nil)
				child := Guard(w.scripted("c", func(ctx actor.Context) {
					if _, ok := ctx.Message().(*actor.Started); ok {
						ctx.Spawn(actor.PropsFromProducer(Guard(leaf)))
					}
					if word(ctx.Message()) == phase {
						panic("in " + phase)
					}
				}), seen)
				parent, kid := w.family(t, child, atOnce)
				if phase == "Restarting" {
					w.send(kid, errBoom)
					w.send(kid, "after")
					if got := w.told(); !strings.HasSuffix(got, "c:Started c:after leaf:Started") && !strings.HasSuffix(got, "c:Started leaf:Started c:after") {
						t.Errorf("not restarted: %s", got)
					}
				}
				w.stop(t, parent)
				if len(swallowed) == 0 || swallowed[0].Phase != phase || swallowed[0].Err.Error() != "supervisor: panic: in "+phase {
					t.Errorf("reported: %v", swallowed)
				}
				if bug, ok := errors.AsType[*PanicError](swallowed[0].Err); !ok || !strings.Contains(string(bug.Stack), "guard_test.go") {
					t.Error("the report lacks the stack")
				}
			})
		})
	}
}

func TestASwallowedPanicIsLoggedByDefaultAndAHandlerMayPanic(t *testing.T) {
	for _, options := range [][]GuardOption{nil, {WithPanicHandler(func(SwallowedPanic) { panic("handler") })}} {
		inBubble(t, func(t *testing.T, w *world) {
			parent, _ := w.family(t, Guard(w.scripted("c", func(ctx actor.Context) {
				if word(ctx.Message()) == "Stopping" {
					panic("in Stopping")
				}
			}), options...))
			w.stop(t, parent)
			if want := map[bool]string{true: "in Stopping", false: "panic in panic handler"}[options == nil]; !w.logged(want) {
				t.Errorf("no %q in the log:\n%s", want, w.log.String())
			}
		})
	}
}

// The child stops slowly while its parent tells it to restart.
func TestARestartDoesNotReviveAStoppingActor(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		slow := Guard(w.scripted("leaf", func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Stopping); ok {
				sleep(time.Second)
			}
		}))
		parent, kid := w.family(t, w.scripted("c", func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				ctx.Spawn(actor.PropsFromProducer(slow))
			}
		}))
		var sup actor.Supervisor
		w.send(parent, func(ctx actor.Context) { sup, _ = ctx.(actor.Supervisor) })
		w.system.Root.Stop(kid)
		synctest.Wait()
		for range 3 {
			sup.RestartChildren(kid)
			synctest.Wait()
		}
		sleep(time.Second)
		if got := w.told(); strings.Contains(got, "Started") || strings.Count(got, "c:Stopping") != 1 || strings.Count(got, "c:Stopped") != 1 {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

// The restart is queued behind the stop of a child without children: protoactor
// would make an incarnation that no PID reaches.
func TestARestartDoesNotReviveAStoppedActor(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		handled := 0
		parent, kid := w.family(t, w.scripted("c", nil), WithStrategy(raw(func(s actor.Supervisor, child *actor.PID, reason, _ any) {
			handled++
			s.RestartChildren(child)
		})))
		var sup actor.Supervisor
		w.send(parent, func(ctx actor.Context) { sup, _ = ctx.(actor.Supervisor) })
		synctest.Wait()
		w.told()
		w.send(kid, func(ctx actor.Context) { // both are queued while the child is busy
			ctx.Stop(ctx.Self())
			sup.RestartChildren(kid)
		})
		if got := w.told(); strings.Contains(got, "Started") || !strings.Contains(got, "c:Stopped p:Terminated") {
			t.Errorf("story: %s", got)
		}
		if handled != 0 {
			t.Errorf("the parent was told of %d failures", handled)
		}
		w.stop(t, parent)
	})
}

// Same, with the last child's end between the restart and the stop that follows it.
func TestARestartDoesNotReviveAnActorWhoseLastChildEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		release := make(chan struct{})
		parent, kid := w.family(t, w.scripted("c", func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *actor.Started:
				ctx.SpawnNamed(actor.PropsFromProducer(Guard(w.scripted("leaf", func(ctx actor.Context) {
					if _, ok := ctx.Message().(*actor.Stopping); ok {
						<-release
					}
				}))), "leaf")
			case *actor.Stopping:
				// Queued in this order: Restart, Terminated of the leaf, then the Stop that the
				// guard issues when it sees the Restart.
			}
		}))
		var sup, own actor.Supervisor
		w.send(parent, func(ctx actor.Context) { sup, _ = ctx.(actor.Supervisor) })
		w.send(kid, func(ctx actor.Context) { own, _ = ctx.(actor.Supervisor) })
		synctest.Wait()
		leaf := own.Children()[0]
		w.system.Root.Stop(kid)
		synctest.Wait()
		w.told()
		w.send(kid, func(actor.Context) { // the child is stopping, and is kept busy here
			sup.RestartChildren(kid)
			close(release)
			watched := w.system.Root.StopFuture(leaf)
			_ = watched.Wait()
			sleep(time.Millisecond)
			sup.RestartChildren(kid) // once more, before that Stop and with no child left
		})
		synctest.Wait()
		sleep(time.Second)
		if got := w.told(); strings.Contains(got, "Started") || strings.Count(got, "c:Stopped") != 1 {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

// All failures are there before the parent looks at the first of them.
func TestOneIncarnationFailsOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		failures := 0
		leaf := Guard(w.scripted("leaf", nil))
		child := Guard(w.scripted("c", func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				for range 3 {
					ctx.Spawn(actor.PropsFromProducer(leaf))
				}
			}
		}), WithStrategy(AllForEscalate{}))
		parent, kid := w.family(t, child, WithStrategy(raw(func(s actor.Supervisor, child *actor.PID, _, _ any) {
			failures++
			s.RestartChildren(child)
		})))
		for round := 1; round <= 3; round++ {
			busy := make(chan struct{})
			w.send(parent, func(actor.Context) { <-busy })
			w.send(kid, func(ctx actor.Context) {
				for _, leaf := range ctx.Children() {
					ctx.Send(leaf, errBoom)
				}
				if round == 2 {
					panic("own failure as well")
				}
			})
			synctest.Wait()
			close(busy)
			synctest.Wait()
			if failures != round {
				t.Fatalf("%d failures after %d rounds: %s", failures, round, w.told())
			}
		}
		w.stop(t, parent)
	})
}

func TestAnActorThatIsResumedFailsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		failures := 0
		parent, kid := w.family(t, w.scripted("c", nil), WithStrategy(raw(func(s actor.Supervisor, child *actor.PID, _, _ any) {
			failures++
			s.ResumeChildren(child)
		})))
		w.send(kid, errBoom)
		w.send(kid, "goes on")
		w.send(kid, errBoom)
		if got := w.told(); failures != 2 || got != "c:boom c:goes on c:boom" {
			t.Errorf("%d failures; %s", failures, got)
		}
		w.stop(t, parent)
	})
}

func TestTheReasonOfAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var reason any
		parent, kid := w.family(t, w.scripted("c", nil), WithStrategy(raw(func(s actor.Supervisor, child *actor.PID, r, _ any) {
			reason = r
			s.RestartChildren(child)
		})))
		for name, c := range map[string]struct {
			panics func()
			bug    bool
		}{
			"typed error":   {func() { panic(errBoom) }, false},
			"string":        {func() { panic("text") }, true},
			"runtime error": {func() { var p *script; _ = p.name }, true},
			"nil":           {func() { panic(nil) }, true}, //nolint:govet // that it is odd is the point
		} {
			w.send(kid, func(actor.Context) { c.panics() })
			synctest.Wait()
			bug, ok := reason.(*PanicError)
			if ok != c.bug || !c.bug && reason != any(errBoom) {
				t.Errorf("%s: reason %#v", name, reason)
			}
			if ok && !strings.Contains(string(bug.Stack), "guard_test.go") {
				t.Errorf("%s: the stack is not that of the panic", name)
			}
		}
		w.stop(t, parent)
	})
}

func TestToErrorKeepsErrorsAndWrapsValues(t *testing.T) {
	if got := ToError(errBoom); got != errBoom { //nolint:errorlint // the very same one
		t.Errorf("got %v", got)
	}
	if got := ToError("text").Error(); got != "supervisor: panic: text" {
		t.Errorf("got %q", got)
	}
	if got := ToError(nil); got == nil {
		t.Error("a failure without a reason has no error")
	}
	if !errors.Is(&PanicError{Value: errBoom}, errBoom) {
		t.Error("a PanicError hides its error")
	}
}

func TestAStrategyThatPanicsStopsTheChild(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		parent, kid := w.family(t, w.scripted("c", nil), WithStrategy(raw(func(actor.Supervisor, *actor.PID, any, any) { panic("decider") })))
		w.send(kid, errBoom)
		if got := w.told(); got != "c:boom c:Stopping c:Stopped p:Terminated" {
			t.Errorf("story: %s", got)
		}
		if !w.logged("decider") {
			t.Error("not reported")
		}
		w.stop(t, parent)
	})
}

// nervous is its own strategy, and an observer that panics.
type nervous struct {
	script
	kid *actor.PID
}

func (n *nervous) Receive(ctx actor.Context) {
	if _, ok := ctx.Message().(*actor.Started); ok {
		n.kid, _ = ctx.SpawnNamed(actor.PropsFromProducer(Guard(n.w.scripted("c", nil))), "c")
	}
	n.script.Receive(ctx)
}

func (n *nervous) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, _, _ any) {
	n.w.tell("p:decides")
	s.StopChildren(child)
}

func (n *nervous) Observe(ctx actor.Context) bool {
	switch ctx.Message() {
	case "observer panics":
		panic("observer")
	case "consumed":
		return true
	}
	return false
}

func TestAnActorMayBeItsOwnStrategyAndObserver(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		n := &nervous{script: script{w: w, name: "p"}}
		parent := w.system.Root.Spawn(actor.PropsFromProducer(Guard(func() actor.Actor { return n }, atOnce)))
		synctest.Wait()
		w.told()
		w.send(parent, "consumed")
		w.send(parent, "observer panics")
		w.send(n.kid, errBoom)
		if got := w.told(); !strings.HasPrefix(got, "p:observer panics") && !strings.HasPrefix(got, "c:boom") || !strings.Contains(got, "p:decides") || strings.Contains(got, "consumed") {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

func TestAProducerThatPanicsIsAFailureOfTheActor(t *testing.T) {
	for name, produce := range map[string]actor.Producer{
		"panic": func() actor.Actor { panic(errBoom) },
		"nil":   func() actor.Actor { return nil },
	} {
		inBubble(t, func(t *testing.T, w *world) {
			var reasons []any
			parent, _ := w.family(t, produce, WithStrategy(raw(func(s actor.Supervisor, child *actor.PID, r, _ any) {
				if reasons = append(reasons, r); len(reasons) < 3 {
					s.RestartChildren(child)
					return
				}
				s.StopChildren(child)
			})))
			w.told()
			if len(reasons) != 3 || name == "panic" && reasons[2] != any(errBoom) {
				t.Errorf("%s: reasons %v", name, reasons)
			}
			w.stop(t, parent)
		})
	}
}

// A failure by runtime.Goexit reaches the parent; that the actor then never runs
// again is the mailbox's fault, so it is not stopped here.
func TestGoexitIsAFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var reason any
		_, kid := w.family(t, w.scripted("c", nil), WithStrategy(raw(func(_ actor.Supervisor, _ *actor.PID, r, _ any) { reason = r })))
		w.send(kid, func(actor.Context) { runtime.Goexit() })
		synctest.Wait()
		if reason != any(errGoexit) {
			t.Errorf("reason %v", reason)
		}
	})
}

// box is a mailbox that knows its guard, as that of a framework does.
type box struct {
	actor.Mailbox
	w       *world
	invoker actor.MessageInvoker
}

func (b *box) RegisterHandlers(i actor.MessageInvoker, d actor.Dispatcher) {
	b.invoker = i
	b.attach()
	b.Mailbox.RegisterHandlers(b, d)
}

func (b *box) InvokeSystemMessage(m any) {
	defer b.attach()
	b.invoker.InvokeSystemMessage(m)
}
func (b *box) InvokeUserMessage(m any)      { b.invoker.InvokeUserMessage(m) }
func (b *box) EscalateFailure(r, m any)     { b.invoker.EscalateFailure(r, m) }
func (b *box) Stopped(actor.Context)        { b.w.tell("mailbox:Stopped") }
func (b *box) attach()                      { b.invoker.(actor.Context).Actor().(*Guarded).Attach(b) }
func (b *box) Children() []*actor.PID       { return nil }
func (b *box) ResumeChildren(...*actor.PID) {}

// boxed is an actor that wants to know its mailbox.
type boxed struct{ script }

func (b *boxed) Attached(Mailbox) { b.w.tell("attached") }

func TestTheMailboxIsAttachedBeforeStartedAndToldOfTheEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		produce := actor.Unbounded()
		pid := w.system.Root.Spawn(actor.PropsFromProducer(
			Guard(func() actor.Actor { return &boxed{script{w: w, name: "c"}} }),
			actor.WithMailbox(func() actor.Mailbox { return &box{Mailbox: produce(), w: w} }),
		))
		w.send(pid, errBoom) // without a parent protoactor restarts it
		if got, want := w.told(), "attached c:Started c:boom c:Restarting attached c:Started"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		w.stop(t, pid)
		if got, want := w.told(), "c:Stopping c:Stopped mailbox:Stopped"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestSplitAsksTheStrategyOfTheChildAndLetsBothObserve(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		asked := 0
		pick := func(child *actor.PID) bool { return strings.HasSuffix(child.Id, "/a") }
		stops := raw(func(s actor.Supervisor, c *actor.PID, _, _ any) { asked++; s.StopChildren(c) })
		rests := NewOneForOne(OneForOneOptions{Backoff: Backoff{InitialDelay: time.Second, Jitter: -1}})
		parent, kid := w.family(t, w.scripted("c", nil), WithStrategy(Split(pick, stops, rests)))
		w.send(parent, func(ctx actor.Context) {
			pid, _ := ctx.SpawnNamed(actor.PropsFromProducer(Guard(w.scripted("a", nil))), "a")
			ctx.Send(pid, errBoom)
		})
		if got := w.told(); asked != 1 || !strings.HasSuffix(got, "a:boom a:Stopping a:Stopped p:Terminated") {
			t.Errorf("asked %d times; story: %s", asked, got)
		}
		w.send(kid, errBoom)
		sleep(time.Second)
		if got := w.told(); asked != 1 || got != "c:boom c:Restarting c:Started" { // the restart came by Observe
			t.Errorf("asked %d times; story: %s", asked, got)
		}
		w.stop(t, parent)
	})
}

func TestAGuardIsSmallAndCostsNoAllocation(t *testing.T) {
	if size := unsafe.Sizeof(Guarded{}); size > 64 {
		t.Errorf("a Guarded has %d bytes", size)
	}
	g, _ := Guard(func() actor.Actor { return actor.ReceiveFunc(func(actor.Context) {}) })().(*Guarded)
	ctx := &message{}
	if n := testing.AllocsPerRun(100, func() { g.Receive(ctx) }); n != 0 {
		t.Errorf("%g allocations for a message", n)
	}
}

// message is a context of which only the message is looked at.
type message struct{ actor.Context }

func (*message) Message() any { return "m" }

func BenchmarkGuard(b *testing.B) {
	g := Guard(func() actor.Actor { return actor.ReceiveFunc(func(actor.Context) {}) })()
	ctx := &message{}
	b.ReportAllocs()
	for b.Loop() {
		g.Receive(ctx)
	}
}
