package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// oneForOne spawns a family under a OneForOne without jitter: 1 s, 2 s, 4 s.
func oneForOne(t *testing.T, w *world, child actor.Producer, o OneForOneOptions) (s *OneForOne, parent, kid *actor.PID) {
	o.Notify = w.notify
	if o.Backoff.InitialDelay == 0 {
		o.Backoff.InitialDelay = time.Second
	}
	o.Backoff.Jitter = -1
	s = NewOneForOne(o)
	parent, kid = w.family(t, child, WithStrategy(s))
	return s, parent, kid
}

func TestOneForOneRestartsAfterAPauseAndKeepsTheMail(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		_, parent, kid := oneForOne(t, w, w.scripted("c", nil), OneForOneOptions{})
		for i, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			w.send(kid, errBoom)
			w.send(kid, "mail")
			sleep(pause - 1)
			if got := w.told(); got != "c:boom" {
				t.Fatalf("before the pause was over: %s", got)
			}
			w.send(parent, "alive")
			if got := w.told(); got != "p:alive" {
				t.Errorf("the parent is not free during the pause: %s", got)
			}
			sleep(1)
			if got := w.told(); got != "c:Restarting c:Started c:mail" {
				t.Errorf("when the pause was over: %s", got)
			}
			e, ok := w.heard()[0].(*RestartScheduled)
			if !ok || e.Attempt != i+1 || e.Delay != pause || !errors.Is(e.Cause, errBoom) || !e.Child.Equal(kid) {
				t.Errorf("event %+v", e)
			}
		}
		sleep(30 * time.Second) // stable
		w.send(kid, errBoom)
		if e, ok := w.heard()[0].(*RestartScheduled); !ok || e.Attempt != 1 || e.Delay != time.Second {
			t.Errorf("after it was stable: %+v", e)
		}
		w.stop(t, parent)
	})
}

func TestOneForOneDefaultsToJitterWithin50Milliseconds(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var delays []time.Duration
		note := func(e any) {
			if e, ok := e.(*RestartScheduled); ok {
				delays = append(delays, e.Delay)
			}
		}
		parent, kid := w.family(t, w.scripted("c", nil), WithNewStrategy(func() actor.SupervisorStrategy {
			return NewOneForOne(OneForOneOptions{Notify: note})
		}))
		for range 30 {
			w.send(kid, errBoom)
			sleep(time.Minute)
		}
		synctest.Wait()
		slices.Sort(delays)
		if len(delays) != 30 || delays[0] < 0 || delays[29] > 50*time.Millisecond || len(slices.Compact(delays)) < 25 {
			t.Errorf("delays %v", delays)
		}
		w.stop(t, parent)
	})
}

func TestOneForOneGivesUpBeyondTheIntensity(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		_, parent, kid := oneForOne(t, w, w.scripted("c", nil), OneForOneOptions{Backoff: Backoff{InitialDelay: -1}, Intensity: Intensity{Max: 3, Period: time.Minute}})
		for range 4 {
			w.send(kid, errBoom)
			synctest.Wait()
		}
		heard := w.heard()
		e, ok := heard[len(heard)-1].(*GaveUp)
		if len(heard) != 4 || !ok || e.Attempts != 3 || !errors.Is(e.Cause, errBoom) {
			t.Errorf("events %v", heard)
		}
		if got := w.told(); !strings.HasSuffix(got, "c:boom c:Stopping c:Stopped p:Terminated") {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

func TestTheDefaultStrategyGivesUpBeyondTenRestartsAMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		parent, kid := w.family(t, w.scripted("c", nil))
		for range 11 {
			w.send(kid, errBoom)
		}
		sleep(50 * time.Second) // the ten pauses take 33 s at most
		if got := w.told(); strings.Count(got, "c:Started") != 10 || !strings.HasSuffix(got, "c:Stopped p:Terminated") {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

func TestOneForOneFollowsRestartTypeAndVerdict(t *testing.T) {
	normal, fatal, up := errors.New("normal"), errors.New("fatal"), errors.New("up")
	classify := func(err error) Verdict {
		switch {
		case errors.Is(err, normal):
			return Verdict{Normal: true}
		case errors.Is(err, fatal):
			return Verdict{Action: Stop}
		case errors.Is(err, up):
			return Verdict{Action: Escalate}
		}
		return Verdict{}
	}
	for _, c := range []struct {
		restart RestartType
		own     bool // by SetRestart
		cause   error
		want    any
	}{
		{Permanent, false, errBoom, &RestartScheduled{}},
		{Permanent, false, normal, &RestartScheduled{}},
		{Transient, false, errBoom, &RestartScheduled{}},
		{Transient, false, normal, &Ended{}},
		{Temporary, false, errBoom, &Ended{}},
		{Temporary, true, errBoom, &Ended{}},
		{Transient, true, normal, &Ended{}},
		{Permanent, false, fatal, &Ended{}},
		{Permanent, false, up, &Escalated{}},
	} {
		inBubble(t, func(t *testing.T, w *world) {
			o := OneForOneOptions{Restart: c.restart, Classify: classify}
			if c.own {
				o.Restart = Permanent
			}
			s, parent, kid := oneForOne(t, w, w.scripted("c", nil), o)
			if c.own {
				w.send(parent, func(actor.Context) { s.SetRestart(kid, c.restart) })
				synctest.Wait()
			}
			w.send(kid, c.cause)
			heard := w.heard()
			if len(heard) != 1 || fmt.Sprintf("%T", heard[0]) != fmt.Sprintf("%T", c.want) {
				t.Errorf("%s %s: %T", c.restart, c.cause, heard[0])
			}
			w.stop(t, parent)
		})
	}
}

func TestNothingFiresAfterAStop(t *testing.T) {
	for name, leave := range map[string]func(w *world, s *OneForOne, parent, kid *actor.PID){
		"of the child, announced": func(w *world, s *OneForOne, parent, kid *actor.PID) {
			w.send(parent, func(ctx actor.Context) { s.Leave(kid); ctx.Stop(kid) })
		},
		"of the child, by a stranger": func(w *world, _ *OneForOne, _, kid *actor.PID) { w.system.Root.Stop(kid) },
		"of the supervisor":           func(w *world, _ *OneForOne, parent, _ *actor.PID) { w.system.Root.Stop(parent) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				s, parent, kid := oneForOne(t, w, w.scripted("c", nil), OneForOneOptions{})
				w.send(kid, errBoom)
				w.heard()
				sleep(time.Second / 2) // into the pause
				leave(w, s, parent, kid)
				w.told()
				dead := 0
				sub := w.system.EventStream.Subscribe(func(e any) {
					if _, ok := e.(*actor.DeadLetterEvent); ok {
						dead++
					}
				})
				sleep(time.Hour)
				w.system.EventStream.Unsubscribe(sub)
				if got, heard := w.told(), w.heard(); got != "" || len(heard) != 0 || dead != 0 {
					t.Errorf("after the stop: %q, %v, %d dead letters", got, heard, dead)
				}
				if len(s.children) != 0 {
					t.Errorf("still remembered: %v", s.children)
				}
				w.stop(t, parent)
			})
		})
	}
}

// The pause of an earlier incarnation of the supervisor ends in the next one.
func TestALateRestartIsDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s, parent, kid := oneForOne(t, w, w.scripted("c", nil), OneForOneOptions{})
		stale := &restartDue{child: kid}
		w.send(parent, stale)
		if got := w.told(); got != "" {
			t.Errorf("a restart that nobody waits for: %s", got)
		}
		w.send(kid, errBoom)
		synctest.Wait()
		w.told()
		w.send(parent, stale)
		if got := w.told(); got != "" {
			t.Errorf("a restart of before: %s", got)
		}
		w.send(parent, errBoom) // the supervisor itself restarts
		sleep(time.Hour)
		if got := w.told(); strings.Count(got, "c:Started") != 1 || len(s.children) != 0 {
			t.Errorf("story: %s", got)
		}
		w.send(kid, errBoom) // and supervises again
		sleep(time.Second)
		if got := w.told(); got != "c:boom c:Restarting c:Started" {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

func TestALateRestartOfAnEarlierIncarnationDoesNotReachTheActor(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		parent, kid := w.family(t, w.scripted("c", nil))
		w.send(parent, &restartDue{child: kid})
		if got := w.told(); got != "" {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

func TestAChildThatFailsAgainDuringItsPauseIsRestartedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s, parent, kid := oneForOne(t, w, w.scripted("c", nil), OneForOneOptions{})
		w.send(parent, func(ctx actor.Context) {
			sup, _ := ctx.(actor.Supervisor)
			s.HandleFailure(w.system, sup, kid, nil, errBoom, nil)
			s.HandleFailure(w.system, sup, kid, nil, errBoom, nil)
		})
		if heard := w.heard(); len(heard) != 1 {
			t.Errorf("events %v", heard)
		}
		w.told()
		sleep(time.Hour)
		if got := w.told(); got != "c:Restarting c:Started" {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

func TestAChildThatLeavesIsStoppedWhenItFails(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s, parent, kid := oneForOne(t, w, w.scripted("c", nil), OneForOneOptions{})
		w.send(parent, func(actor.Context) { s.Leave(kid) })
		w.told()
		w.send(kid, errBoom)
		if got, heard := w.told(), w.heard(); got != "c:boom c:Stopping c:Stopped p:Terminated" || len(heard) != 0 {
			t.Errorf("story: %s; events %v", got, heard)
		}
		w.stop(t, parent)
	})
}

// The guard asks no strategy then; one that is used without a guard's HandleFailure
// must know by itself.
func TestAStrategyWhoseActorStopsRestartsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := NewOneForOne(OneForOneOptions{Notify: w.notify})
		parent := w.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			s.Observe(ctx)
			if sup, ok := ctx.(actor.Supervisor); ok && word(ctx.Message()) == "Stopping" {
				s.HandleFailure(w.system, sup, actor.NewPID(ctx.Self().Address, "gone"), nil, errBoom, nil)
			}
		}))
		w.stop(t, parent)
		if heard := w.heard(); len(heard) != 0 {
			t.Errorf("events %v", heard)
		}
	})
}

func TestTwoChildrenRestartApart(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		_, parent, kid := oneForOne(t, w, w.scripted("c", nil), OneForOneOptions{})
		var other *actor.PID
		w.send(parent, func(ctx actor.Context) {
			other, _ = ctx.SpawnNamed(actor.PropsFromProducer(Guard(w.scripted("d", nil))), "d")
		})
		w.told()
		w.send(kid, errBoom)
		sleep(time.Second / 2)
		w.send(other, errBoom)
		sleep(time.Second / 2)
		if got := w.told(); got != "c:boom d:boom c:Restarting c:Started" {
			t.Errorf("story: %s", got)
		}
		sleep(time.Second / 2)
		if got := w.told(); got != "d:Restarting d:Started" {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

func TestAnObserverThatPanicsChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := NewOneForOne(OneForOneOptions{Notify: func(any) { panic("observer") }})
		parent, kid := w.family(t, w.scripted("c", nil), WithStrategy(s))
		w.send(kid, errBoom)
		sleep(time.Second)
		if got := w.told(); got != "c:boom c:Restarting c:Started" || !w.logged("panic in observer") {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

func TestDecisionsReachProtoactorsEventStream(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var seen []actor.Directive
		sub := w.system.EventStream.Subscribe(func(e any) {
			if e, ok := e.(*actor.SupervisorEvent); ok {
				seen = append(seen, e.Directive)
			}
		})
		defer w.system.EventStream.Unsubscribe(sub)
		_, parent, kid := oneForOne(t, w, w.scripted("c", nil), OneForOneOptions{Backoff: Backoff{InitialDelay: -1, MaxAttempts: 1}})
		w.send(kid, errBoom)
		w.told()
		w.send(kid, errBoom)
		w.told()
		if want := []actor.Directive{actor.RestartDirective, actor.StopDirective}; !slices.Equal(seen, want) {
			t.Errorf("got %v, want %v", seen, want)
		}
		w.stop(t, parent)
	})
}

func TestAChildThatMakesProgressIsNotGivenUp(t *testing.T) {
	for _, progress := range []bool{false, true} {
		now := time.Unix(1000, 0)
		o := NewOneForOne(OneForOneOptions{Now: func() time.Time { return now }, Rand: func() float64 { return 1 }})
		pid := actor.NewPID("local", "child")
		var last Decision
		for range 100 {
			now = now.Add(time.Millisecond)
			if progress {
				o.Progress(pid)
			}
			last = o.decide(o.child(pid), errBoom)
		}
		if last.GaveUp == progress {
			t.Errorf("with progress %t: gave up %t", progress, last.GaveUp)
		}
		if progress && last.Delay > moduleInitialDelay {
			t.Errorf("it rests %v after progress", last.Delay)
		}
	}
}
