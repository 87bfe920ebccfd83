package actors

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// The time in which a connection is ended is no uptime, and its end is no loss, even
// if the peer has to be given up.
func TestClosingOnPurposeIsNeitherUptimeNorALoss(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(steady())
		w.ready()
		time.Sleep(10 * time.Second)
		w.link().Stall(transporttest.ToClient)
		start := time.Now()
		if err := c.Hold(context.Background()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s := c.Stats()
		if took := time.Since(start); took < 5*time.Second {
			t.Errorf("the close handshake took %v: the test shows nothing", took)
		}
		if s.Uptime != 10*time.Second || s.Disconnections != 1 || s.Losses != 0 || s.CloseCodes[transport.Abnormal] != 1 {
			t.Error(s.Summary())
		}
		w.end()
	})
}

// A client that does not come back may have work to do before it stops.
func TestUptimeEndsWithTheConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{{Name: "bye", New: func() Handler {
			return HandlerFunc(func(ctx *Context, m transport.Message) {
				_, _ = ctx.Echo(m)
				ctx.Conn().Close(transport.PolicyViolation, "never again")
			})
		}}}})
		o := steady()
		o.Modules = []Module{{Name: "busy", Async: true, New: func() Handler {
			return HandlerFunc(func(*Context, transport.Message) { time.Sleep(3 * time.Second) })
		}}}
		c := w.dial(o)
		w.ready()
		time.Sleep(time.Second)
		w.send("end it")
		start := time.Now()
		if err := c.WaitStopped(context.Background()); err == nil {
			t.Error("1008 must end the client")
		}
		if took := time.Since(start); took < 3*time.Second {
			t.Errorf("it stopped after %v: the test shows nothing", took)
		}
		if s := c.Stats(); s.Uptime != time.Second || s.Losses != 1 || s.CloseCodes[transport.PolicyViolation] != 1 {
			t.Error(s.Summary())
		}
		w.end()
	})
}

func TestAnAttemptEndsInOneWay(t *testing.T) {
	refused := &transport.HandshakeError{Status: 503}
	begin := func(l *life) {
		l.become(Connecting, false)
		l.event(&Event{Kind: EventConnecting, Attempt: 1}, Transition{State: Connecting})
	}
	tests := []struct {
		name                        string
		do                          func(l *life)
		successful, failed, aborted uint64
		status                      uint64
	}{
		{"under way", func(*life) {}, 0, 0, 0, 0},
		{"ready", func(l *life) { l.become(Ready, false) }, 1, 0, 0, 0},
		{"ready, then lost", func(l *life) { l.become(Ready, false); l.failure(refused, false); l.over() }, 1, 0, 0, 0},
		{"failed", func(l *life) { l.failure(refused, false) }, 0, 1, 0, 1},
		{"failed for a reason without a status", func(l *life) { l.failure(errors.New("no"), false) }, 0, 1, 0, 0},
		{"failed twice", func(l *life) { l.failure(refused, false); l.failure(refused, false) }, 0, 1, 0, 1},
		{"failed for good", func(l *life) { l.failure(refused, false); l.over() }, 0, 1, 0, 1},
		{"failed while it was given up", func(l *life) { l.failure(refused, true); l.over() }, 0, 0, 1, 0},
		{"given up", func(l *life) { l.over(); l.over() }, 0, 0, 1, 0},
		{"ended by force", func(l *life) { l.event(&Event{Kind: EventStopped}, Transition{State: Stopped}) }, 0, 0, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var l life
			l.begin(0)
			begin(&l)
			test.do(&l)
			var s Stats
			l.report(&s, time.Now())
			if s.Attempts != 1 || s.Successful != test.successful || s.Failed != test.failed || s.Aborted != test.aborted || s.HTTPStatuses[503] != test.status {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestASnapshotIsNotChangedLater(t *testing.T) {
	var l life
	l.begin(4)
	fail := func() {
		l.event(&Event{Kind: EventConnecting}, Transition{})
		l.failure(&transport.HandshakeError{Status: 503}, false)
		l.event(&Event{Kind: EventDisconnected}, Transition{})
	}
	fail()
	var s Stats
	l.report(&s, time.Now())
	history := l.history()
	for range 5 {
		fail()
	}
	if s.HTTPStatuses[503] != 1 || s.CloseCodes[transport.Abnormal] != 1 || history[0].Event != EventConnecting || history[1].Event != EventDisconnected {
		t.Errorf("%+v\n%v", s, history)
	}
	s.HTTPStatuses[503] = 99
	if l.report(&s, time.Now()); s.HTTPStatuses[503] != 6 {
		t.Errorf("a reader changed the counters: %v", s.HTTPStatuses)
	}
}

// The connection may fail while it is asked to leave.
func TestAFailureOnTheWayOutIsNoLoss(t *testing.T) {
	for state, losses := range map[State]uint64{Ready: 1, Opening: 1, Closing: 0} {
		var l life
		l.event(&Event{Kind: EventDisconnected, Cause: errKilled}, Transition{State: state})
		var s Stats
		if l.report(&s, time.Now()); s.Losses != losses || s.Disconnections != 1 {
			t.Errorf("%v: %d losses of %d disconnections, want %d", state, s.Losses, s.Disconnections, losses)
		}
	}
}

func TestAClientThatStoppedHasNoNextAttempt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		c := w.dial(steady())
		time.Sleep(5 * time.Second)
		if s := c.Stats(); s.State != Backoff || s.NextAttempt.IsZero() {
			t.Errorf("not in the backoff: %s", s.Summary())
		}
		if err := w.system.Root.StopFuture(c.pid).Wait(); err != nil {
			t.Fatal(err)
		}
		if s := c.Stats(); s.State != Stopped || !s.NextAttempt.IsZero() || s.RetryDelay != 0 {
			t.Error(s.Summary())
		}
		w.end()
	})
}
