package actors

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

func TestADrainWithoutADeadlineHasThirtySeconds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}})
		x, start := w.crowd(64), time.Now()
		if err := w.server.Drain(context.Background(), DrainOptions{}); err != nil {
			t.Error(err)
		}
		after := x.told(t, start, 64, "close 1012")
		if last := after[63]; last < 12*time.Second || last > 15*time.Second+50*time.Millisecond {
			t.Errorf("the last is told after %v, want 15s", last)
		}
		w.end()
	})
}

func TestCloseHurriesADrain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}})
		x, start := w.crowd(100), time.Now()
		drained := make(chan error, 1)
		go func() { drained <- w.server.Drain(within(time.Hour), DrainOptions{Over: 40 * time.Minute}) }()
		time.Sleep(20 * time.Minute)
		if err := w.server.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 20*time.Minute+time.Second {
			t.Errorf("close took %v", took-20*time.Minute)
		}
		if err := <-drained; err != nil {
			t.Errorf("drain: %v", err)
		}
		x.all.Wait()
		if n := x.frames["close 1012"]; n < 35 || n > 65 || x.frames["close 1001 server is going away"] != 100-n {
			t.Errorf("they are told %v", x.frames)
		}
		w.end()
	})
}

func TestASecondDrainCountsIfItIsInMoreOfAHurry(t *testing.T) {
	for name, c := range map[string]struct {
		first, second time.Duration // from the beginning
		over          time.Duration
		want          time.Duration
	}{
		"sooner":                     {time.Hour, time.Minute, 0, time.Minute},
		"sooner, with the same Over": {time.Hour, time.Minute, 40 * time.Minute, time.Minute},
		"later":                      {time.Minute, time.Hour, 0, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}, CloseTimeout: 10 * time.Second})
				for range 50 { // none of them answers
					w.comes("1.1.1.1:1")
				}
				w.connections(50)
				start, drained := time.Now(), make(chan error, 2)
				for _, d := range []time.Duration{c.first, c.second} {
					go func() { drained <- w.server.Drain(within(d), DrainOptions{Over: c.over}) }()
					synctest.Wait()
				}
				for range 2 {
					if err := <-drained; err != nil {
						t.Error(err)
					}
				}
				if took := time.Since(start); took > c.want {
					t.Errorf("it took %v, want %v", took, c.want)
				}
				w.end()
			})
		})
	}
}

func TestADrainBehindTheEndReturnsAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		if err := w.server.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for range 2 {
			if err := w.server.Drain(context.Background(), DrainOptions{}); err != nil || time.Since(start) > 0 {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		}
		w.end()
	})
}

func TestAnEmptyServerIsDrainedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		start := time.Now()
		if err := w.server.Drain(context.Background(), DrainOptions{}); err != nil || time.Since(start) > 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		w.end()
	})
}

func TestADrainIsOverWhenTheLastClientHasLeft(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}})
		p := w.comes("1.1.1.1:1")
		start, drained := time.Now(), make(chan error, 1)
		go func() { drained <- w.server.Drain(within(time.Hour), DrainOptions{}) }()
		time.Sleep(time.Millisecond)
		p.leave() // of its own accord
		if err := <-drained; err != nil || time.Since(start) > time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		w.end()
	})
}

func TestADrainThatIsCancelledForcesAndNamesWhatIsLeft(t *testing.T) {
	for _, cancelled := range []bool{true, false} {
		inWorld(t, func(t *testing.T, w *world) {
			g := &guestbook{}
			w.serve(ServerOptions{Modules: []Module{g.module()}, Name: "pond"})
			p := w.comes("1.1.1.1:1")
			synctest.Wait()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if cancelled {
				cancel()
			} else {
				time.AfterFunc(time.Second, cancel)
			}
			start := time.Now()
			err := w.server.Drain(ctx, DrainOptions{})
			var left *UnstoppedError
			if !errors.As(err, &left) || !errors.Is(err, context.Canceled) || len(left.Left) == 0 {
				t.Errorf("%v", err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("it took %v", took)
			}
			synctest.Wait()
			w.connections(0)
			w.server.s.admission.vacant(t)
			if got := p.next(); got != "reset" && got != "EOF" && !strings.HasPrefix(got, "close") {
				t.Errorf("the client gets %q", got)
			}
			if st := w.server.Stats(); st.Connections != 0 || len(st.Ended) != 1 {
				t.Errorf("%d connections; ended: %v", st.Connections, st.Ended)
			}
			w.end()
		})
	}
}

func TestADrainFromInsideAHandlerReturns(t *testing.T) {
	for _, async := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			drained := make(chan error, 1)
			m := module("drainer", "", func(ctx *Context, m transport.Message) {
				if string(m.Payload) == "drain" {
					drained <- w.server.Drain(within(10*time.Second), DrainOptions{})
				}
				_, _ = ctx.Echo(m)
			})
			m.Async = async
			w.serve(ServerOptions{Modules: []Module{m}})
			p, x := w.comes("1.1.1.1:1"), w.crowd(5)
			p.text("drain")
			start := time.Now()
			var left *UnstoppedError
			if err := <-drained; err != nil && !errors.As(err, &left) || time.Since(start) > 10*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			x.told(t, start, 5, "close 1012")
			w.end()
		})
	}
}

func TestAHandshakeThatJoinsWhileAServerDrainsIsTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Metadata: func(*transport.Request) any { time.Sleep(time.Second); return nil }})
		x := &exits{}
		came := make(chan struct{})
		go func() {
			defer close(came)
			x.watch(w.comes("1.1.1.1:1"))
		}()
		time.Sleep(100 * time.Millisecond)
		start := time.Now()
		drained := make(chan error, 2)
		for range 2 {
			go func() { drained <- w.server.Drain(within(20*time.Second), DrainOptions{Over: time.Second}) }()
		}
		for range 2 {
			if err := <-drained; err != nil || time.Since(start) > 3*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		}
		<-came
		x.told(t, start, 1, "close 1012")
		w.end()
	})
}
