package supervisor

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// dialer is a child that waits the delay of its plan, as a connection does. It
// fails at once when told an error.
func (w *world) dialer(r **Reconnect) actor.Producer {
	return func() actor.Actor {
		var timer *time.Timer
		return &script{w: w, name: "c", do: func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *actor.Started:
				self, root := ctx.Self(), ctx.ActorSystem().Root
				timer = time.AfterFunc((*r).Plan().Delay, func() { root.Send(self, "dials") })
			case *actor.Restarting, *actor.Stopping:
				timer.Stop()
			}
		}}
	}
}

func reconnecting(t *testing.T, w *world, p Policy) (r *Reconnect, parent, kid *actor.PID) {
	r = NewReconnect(p, ReconnectOptions{Rand: func() float64 { return .5 }, Notify: w.notify})
	parent, kid = w.family(t, w.dialer(&r), WithStrategy(r))
	return r, parent, kid
}

func TestReconnectRestartsAtOnceAndLetsTheChildWait(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		r, parent, kid := reconnecting(t, w, Policy{})
		if p := r.Plan(); p != (Plan{}) {
			t.Errorf("the first start has a plan: %+v", p)
		}
		for i, delay := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second} {
			w.send(kid, io.EOF)
			if got := w.told(); got != "c:EOF c:Restarting c:Started" {
				t.Fatalf("the restart is not at once: %s", got)
			}
			if p := r.Plan(); p != (Plan{Attempt: i + 1, Delay: delay, Cause: io.EOF}) {
				t.Errorf("plan %+v", p)
			}
			if e, ok := w.heard()[0].(*RestartScheduled); !ok || *e != (RestartScheduled{Child: e.Child, Attempt: i + 1, Failed: i + 1, Delay: delay, Cause: io.EOF}) || !e.Child.Equal(kid) {
				t.Errorf("event %+v", e)
			}
			w.send(kid, "status")
			if got := w.told(); got != "c:status" {
				t.Errorf("it does not answer while it waits: %q", got)
			}
			sleep(delay - 1)
			if got := w.told(); got != "" {
				t.Errorf("too early: %s", got)
			}
			sleep(1)
			if got := w.told(); got != "c:dials" {
				t.Errorf("after its delay: %q", got)
			}
		}
		w.stop(t, parent)
	})
}

func TestReconnectForgetsOnlyAfterAStableSession(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		r, parent, kid := reconnecting(t, w, Policy{})
		fail := func(want int) {
			t.Helper()
			w.send(kid, io.EOF)
			synctest.Wait()
			if p := r.Plan(); p.Attempt != want {
				t.Errorf("attempt %d, want %d", p.Attempt, want)
			}
		}
		fail(1)
		r.Ready()
		sleep(30*time.Second - 1)
		fail(2)
		r.Ready()
		sleep(30 * time.Second)
		fail(1)
		fail(2)
		r.Reset()
		if p := r.Plan(); p != (Plan{}) {
			t.Errorf("after Reset: %+v", p)
		}
		fail(1)
		w.stop(t, parent)
	})
}

func TestReconnectEndsTheChildForGood(t *testing.T) {
	up := errors.New("up")
	for name, c := range map[string]struct {
		p     Policy
		cause error
		want  any
	}{
		"cause":     {Policy{}, closeError(1008), &Ended{Cause: closeError(1008)}},
		"attempts":  {Policy{Backoff: Backoff{MaxAttempts: -1}}, io.EOF, &GaveUp{Attempts: 1, Cause: io.EOF}},
		"type":      {Policy{Restart: Temporary}, io.EOF, &Ended{Cause: io.EOF}},
		"escalated": {Policy{Classify: func(error) Verdict { return Verdict{Action: Escalate} }}, up, &Escalated{Cause: up}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				_, parent, kid := reconnecting(t, w, c.p)
				w.send(kid, c.cause)
				story := w.told()
				heard := w.heard()
				if len(heard) != 1 {
					t.Fatalf("events %v", heard)
				}
				switch e := heard[0].(type) {
				case *Ended:
					if want, ok := c.want.(*Ended); !ok || e.Cause != want.Cause { //nolint:errorlint // the very same one
						t.Errorf("event %+v", e)
					}
				case *GaveUp:
					if want, ok := c.want.(*GaveUp); !ok || e.Cause != want.Cause || e.Attempts != want.Attempts { //nolint:errorlint // the very same one
						t.Errorf("event %+v", e)
					}
				case *Escalated:
					if _, ok := c.want.(*Escalated); !ok {
						t.Errorf("event %+v", e)
					}
					w.stop(t, parent)
					return // protoactor's root strategy has restarted both
				}
				if want := "c:" + c.cause.Error() + " c:Stopping c:Stopped p:Terminated"; story != want {
					t.Errorf("story: %s", story)
				}
				w.stop(t, parent)
			})
		})
	}
}

func TestAChildThatIsLeavingIsNotReconnected(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		r, parent, kid := reconnecting(t, w, Policy{})
		r.Leaving()
		w.send(kid, io.EOF)
		if got := w.told(); got != "c:EOF c:Stopping c:Stopped p:Terminated" {
			t.Errorf("story: %s", got)
		}
		if heard := w.heard(); len(heard) != 0 {
			t.Errorf("events %v", heard)
		}
		w.stop(t, parent)
	})
}

func TestAnObserverMaySayThatTheChildIsLeaving(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var r *Reconnect
		r = NewReconnect(Policy{}, ReconnectOptions{Notify: func(any) { r.Leaving() }})
		parent, kid := w.family(t, w.dialer(&r), WithStrategy(r))
		w.send(kid, io.EOF)
		if got := w.told(); got != "c:EOF c:Stopping c:Stopped p:Terminated" {
			t.Errorf("story: %s", got)
		}
		w.stop(t, parent)
	})
}

func TestNothingFiresAfterAStopDuringABackoffOfAnHour(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		_, parent, kid := reconnecting(t, w, Policy{})
		w.send(kid, &statusError{status: 503, after: time.Hour})
		sleep(time.Minute)
		began := time.Now()
		w.stop(t, parent)
		if took := time.Since(began); took != 0 {
			t.Errorf("the stop took %s", took)
		}
		w.told()
		w.heard()
		sleep(2 * time.Hour)
		if got, heard := w.told(), w.heard(); got != "" || len(heard) != 0 {
			t.Errorf("after the stop: %q, %v", got, heard)
		}
	})
}
