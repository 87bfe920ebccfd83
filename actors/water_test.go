package actors

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

func TestWaterMarksHoldToTheByte(t *testing.T) {
	for _, policy := range []OverflowPolicy{Block, DropOldest, DropNewest, CloseSlow, RejectNewest} {
		b := newOutboxBench(t, OutboxLimits{Bytes: 1000, HighWater: 500, LowWater: 200, Overflow: policy})
		congested := func(when string, want bool) {
			t.Helper()
			if got := b.isCongested(); got != want {
				t.Errorf("%s: %s: congested is %v", policy, when, got)
			}
		}
		congested("empty", false)
		b.put(98, 98, 98, 98, 98) // frames of 100
		congested("at the high mark", false)
		b.put(0)
		congested("2 bytes above it", true)
		c := b.take()
		for _, s := range []struct {
			bytes int
			want  bool
		}{{299, true}, {1, true}, {1, true}, {0, true}, {99, false}, {2, false}} {
			b.writes(c, s.bytes)
			left := b.data.bytes
			congested("with that many written", left > 200)
			if s.want != (left > 200) {
				t.Errorf("%s: %d bytes wait", policy, left)
			}
		}
		b.balanced()
		b.close(ErrStopped)
		congested("closed", false)
	}
}

func TestWaterMarksByDefaultAreAHalfAndAQuarter(t *testing.T) {
	for name, c := range map[string]struct{ given, want OutboxLimits }{
		"nothing":     {OutboxLimits{}, OutboxLimits{HighWater: 512 << 10, LowWater: 256 << 10}},
		"bytes":       {OutboxLimits{Bytes: 1000}, OutboxLimits{HighWater: 500, LowWater: 250}},
		"high":        {OutboxLimits{Bytes: 1000, HighWater: 900}, OutboxLimits{HighWater: 900, LowWater: 450}},
		"low":         {OutboxLimits{Bytes: 1000, LowWater: 10}, OutboxLimits{HighWater: 500, LowWater: 10}},
		"low of none": {OutboxLimits{Bytes: 1000, LowWater: -1}, OutboxLimits{HighWater: 500, LowWater: 0}},
		"never":       {OutboxLimits{Bytes: 1000, HighWater: -1}, OutboxLimits{HighWater: -1, LowWater: 0}},
		"no bound":    {OutboxLimits{Bytes: -1}, OutboxLimits{HighWater: 0, LowWater: 0}},
	} {
		got := c.given.withDefaults(1<<20, -1, CloseSlow)
		if got.HighWater != c.want.HighWater || got.LowWater != c.want.LowWater {
			t.Errorf("%s: %d and %d, want %d and %d", name, got.HighWater, got.LowWater, c.want.HighWater, c.want.LowWater)
		}
	}
	for _, never := range []OutboxLimits{{Bytes: 1000, HighWater: -1}, {Bytes: -1}} {
		b := newOutboxBench(t, never.withDefaults(1<<20, -1, RejectNewest))
		if b.put(900); b.isCongested() {
			t.Errorf("%+v: congested", never)
		}
	}
	for _, bad := range []OutboxLimits{{HighWater: 100, LowWater: 101}, {Bytes: 1000, LowWater: 501}} {
		if _, err := NewServer(quietSystem(), ServerOptions{Outbox: bad}); !isOption(err, "OutboxLimits.LowWater") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func isOption(err error, name string) bool {
	o, ok := errors.AsType[*OptionError](err)
	return ok && o.Option == name
}

// lake is a connection of which the client reads nothing.
type lake struct {
	*Conn
	w    *world
	told chan *Drained
	pid  *actor.PID
}

func (w *world) dam(limits OutboxLimits) *lake {
	w.t.Helper()
	g := &guestbook{}
	w.serve(ServerOptions{Modules: []Module{g.module()}, Outbox: limits, WriteTimeout: -1, Heartbeat: Heartbeat{Interval: -1}})
	w.dial(patient(OutboxLimits{}))
	w.ready()
	l := &lake{Conn: g.all()[0], w: w, told: make(chan *Drained, 100)}
	l.pid = w.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if d, ok := ctx.Message().(*Drained); ok {
			l.told <- d
		}
	}))
	w.t.Cleanup(func() { w.system.Root.Stop(l.pid) })
	w.link().Stall(transporttest.ToClient)
	return l
}

// fill sends until the connection is congested.
func (l *lake) fill() {
	l.w.t.Helper()
	for range 1000 {
		if _, err := l.Send(transport.Binary, make([]byte, 10<<10)); err != nil {
			l.w.t.Fatal(err)
		}
		if synctest.Wait(); l.Congested() {
			return
		}
	}
	l.w.t.Fatal("never congested")
}

// answers fails the test unless exactly n were told, with that error.
func (l *lake) answers(n int, want error) {
	l.w.t.Helper()
	synctest.Wait()
	if len(l.told) != n {
		l.w.t.Errorf("%d were told, want %d", len(l.told), n)
	}
	for range len(l.told) {
		if d := <-l.told; d.Conn != l.Conn || !errors.Is(d.Err, want) {
			l.w.t.Errorf("told %+v, want %v", d, want)
		}
	}
}

func TestWhoAskedIsToldOnceThatAConnectionIsDrained(t *testing.T) {
	for _, policy := range []OverflowPolicy{Block, DropOldest, DropNewest, CloseSlow, RejectNewest} {
		inWorld(t, func(t *testing.T, w *world) {
			l := w.dam(OutboxLimits{Bytes: 1 << 20, Overflow: policy})
			l.NotifyDrained(l.pid)
			l.answers(1, nil) // at once
			if err := l.WaitDrained(t.Context()); err != nil {
				t.Error(err)
			}
			l.fill()
			waited := make(chan error, 1)
			go func() { waited <- l.WaitDrained(context.Background()) }()
			l.NotifyDrained(l.pid)
			time.Sleep(time.Hour)
			l.answers(0, nil)
			if !waits(waited) {
				t.Errorf("%s: it does not wait: %v", policy, <-waited)
			}
			w.link().Unstall(transporttest.ToClient)
			l.answers(1, nil)
			if err := <-waited; err != nil || l.Congested() {
				t.Errorf("%s: %v, congested is %v", policy, err, l.Congested())
			}
			w.link().Stall(transporttest.ToClient)
			l.fill()
			w.link().Unstall(transporttest.ToClient)
			l.answers(0, nil) // it had not asked again
			w.end()
		})
	}
}

func TestTheEndOfAConnectionEndsTheWaitForItToBeDrained(t *testing.T) {
	for name, end := range map[string]func(l *lake){
		"it is reset":        func(l *lake) { l.w.link().Reset() },
		"we close":           func(l *lake) { l.Close(1000, "") },
		"its actor is ended": func(l *lake) { l.w.system.Root.Stop(l.PID()) },
		"it overflows": func(l *lake) {
			for range 200 {
				_, _ = l.Send(transport.Binary, make([]byte, 10<<10))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.dam(OutboxLimits{Bytes: 1 << 20})
				l.fill()
				waited := make(chan error, 1)
				go func() { waited <- l.WaitDrained(context.Background()) }()
				l.NotifyDrained(l.pid)
				synctest.Wait()
				end(l)
				synctest.Wait()
				time.Sleep(6 * time.Second)
				l.answers(1, ErrStopped)
				if err := <-waited; !errors.Is(err, ErrStopped) {
					t.Errorf("waited: %v", err)
				}
				l.NotifyDrained(l.pid)
				l.answers(1, ErrStopped)
				if err := l.WaitDrained(t.Context()); !errors.Is(err, ErrStopped) || l.Congested() {
					t.Errorf("behind the end: %v, congested is %v", err, l.Congested())
				}
				w.end()
			})
		})
	}
}

func TestAWaitThatIsAbandonedLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.dam(OutboxLimits{Bytes: 1 << 20})
		l.fill()
		for range 10 {
			go func() { _ = l.WaitDrained(within(time.Second)) }()
		}
		synctest.Wait()
		if err := l.WaitDrained(within(2 * time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		l.out.mu.Lock()
		if n := len(l.out.letters.waiters); n != 0 {
			t.Errorf("%d wait", n)
		}
		l.out.mu.Unlock()
		w.link().Unstall(transporttest.ToClient)
		w.end()
	})
}

func TestAClientIsCongestedWhileItIsOffline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.listener.Refuse(true)
		c := w.dial(patient(OutboxLimits{Bytes: 1000}))
		for range 5 {
			w.send(string(make([]byte, 94))) // 100 with their headers
		}
		if c.Congested() {
			t.Error("congested at its high mark")
		}
		w.send("")
		waited := make(chan error, 1)
		go func() { waited <- c.WaitDrained(context.Background()) }()
		if synctest.Wait(); !c.Congested() || !waits(waited) {
			t.Error("not congested above its high mark")
		}
		w.listener.Refuse(false)
		w.ready()
		if err := <-waited; err != nil || c.Congested() {
			t.Errorf("drained: %v, congested is %v", err, c.Congested())
		}
		w.end()
	})
}

func TestWhatWaitsForADeafClientOfAServerExpiresByItself(t *testing.T) {
	for _, age := range []time.Duration{0, 20 * time.Second} {
		inWorld(t, func(t *testing.T, w *world) {
			l := w.dam(OutboxLimits{Bytes: 1 << 20, Age: age, AckTimeout: 30 * time.Second})
			acked, err := l.Post(t.Context(), Outgoing{Kind: transport.Text, Ack: true, Payload: []byte("ack me")})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // written: the link has room
			for range 20 {  // no more: what comes next waits
				_, _ = l.Post(t.Context(), Outgoing{Kind: transport.Binary, Payload: make([]byte, 10<<10)})
				synctest.Wait()
			}
			post := func(m Outgoing) *Receipt {
				t.Helper()
				m.Kind = transport.Text
				r, err := l.Post(t.Context(), m)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			start := time.Now()
			ends := func(r *Receipt, result Result, reason Reason, after time.Duration) {
				t.Helper()
				end, err := r.Acked(within(time.Minute))
				if took := time.Since(start); err != nil || end.Result != result || end.Reason != reason || took < after || took > after+1100*time.Millisecond {
					t.Errorf("age %v: %v %v after %v, want %v (%v) after %v", age, end, err, took, result, reason, after)
				}
			}
			timed := post(Outgoing{TTL: 5 * time.Second})
			older := post(Outgoing{Class: KeepLatest, Key: "k", Payload: []byte("1")})
			newer := post(Outgoing{Class: KeepLatest, Key: "k", Payload: []byte("2"), TTL: 12 * time.Second})
			stale := post(Outgoing{TTL: -1})
			plain := post(Outgoing{})
			ends(older, Dropped, Superseded, 0)
			ends(stale, Dropped, Expired, 0)
			ends(timed, Dropped, Expired, 5*time.Second)
			ends(newer, Dropped, Expired, 12*time.Second)
			if age > 0 {
				ends(plain, Dropped, Expired, age)
			}
			ends(acked, Unknown, 0, 30*time.Second)
			if l.Ack(acked.ID()) {
				t.Error("it takes an ack behind the outcome")
			}
			w.link().Unstall(transporttest.ToClient)
			w.end()
		})
	}
}

func TestAServerTakesAcks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.dam(OutboxLimits{})
		w.link().Unstall(transporttest.ToClient)
		r, err := l.Post(t.Context(), Outgoing{Kind: transport.Text, Ack: true})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !l.Ack(r.ID()) || l.Ack(r.ID()) || l.Ack(12345) {
			t.Error("not exactly the first ack is taken")
		}
		if end, err := r.Acked(t.Context()); err != nil || end.Result != Acked {
			t.Errorf("%v %v", end, err)
		}
		w.end()
	})
}
