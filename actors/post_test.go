package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// patient are options under which nothing happens by itself.
func patient(limits OutboxLimits) ClientOptions {
	if limits.Age == 0 {
		limits.Age = -1
	}
	return ClientOptions{Outbox: limits, WriteTimeout: -1, Heartbeat: Heartbeat{Interval: -1}}
}

// post posts a text that the books must account for.
func (w *world) post(text string, m Outgoing) *Receipt {
	w.t.Helper()
	m.Kind, m.Payload = transport.Text, []byte(text)
	r, err := w.client.Post(context.Background(), m)
	if err != nil {
		w.t.Fatalf("post %q: %v", text, err)
	}
	w.mu.Lock()
	w.ids[text] = r.ID()
	w.mu.Unlock()
	return r
}

// clog makes the socket to the server take nothing any more, and the writer wait
// for it; what comes now waits behind.
func (w *world) clog() {
	w.t.Helper()
	w.link().Stall(transporttest.ToServer)
	for i := range 16 {
		w.send(fmt.Sprint(i, strings.Repeat(".", 32<<10)))
	}
	synctest.Wait()
	if n, _ := w.client.s.out.size(); n < 2 {
		w.t.Fatalf("only %d messages wait", n)
	}
}

// unclog lets all of it through.
func (w *world) unclog() {
	w.link().Unstall(transporttest.ToServer)
	synctest.Wait()
}

// short are the texts that reached the server, without those of clog.
func (w *world) short() (texts []string) {
	for _, s := range w.received() {
		if len(s) < 100 {
			texts = append(texts, s)
		}
	}
	return texts
}

// now returns what a receipt says, without waiting.
func now(t *testing.T, wait func(context.Context) (Outcome, error)) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	o, err := wait(ctx)
	switch {
	case errors.Is(err, context.Canceled):
		return "waiting"
	case err != nil:
		return err.Error()
	case o.Result == Dropped:
		return "dropped " + o.Reason.String()
	}
	return o.Result.String()
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s; want %s", what, got, want)
	}
}

func TestVolatileMessagesDoNotWaitForAConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		w.serve(ServerOptions{})
		w.dial(patient(OutboxLimits{}))
		expect(t, "before the first connection", now(t, w.post("v0", Outgoing{Class: Volatile}).Acked), "dropped expired")
		w.send("held")
		w.listener.Refuse(false)
		w.ready()
		expect(t, "while ready", now(t, w.post("v1", Outgoing{Class: Volatile}).Written), "waiting")
		synctest.Wait()
		w.clog()
		v2 := w.post("v2", Outgoing{Class: Volatile})
		must := w.post("must", Outgoing{})
		expect(t, "behind others", now(t, v2.Written), "waiting")
		w.listener.Refuse(true)
		w.link().Reset()
		synctest.Wait()
		expect(t, "after the loss", now(t, v2.Written), "dropped expired")
		expect(t, "the other one after the loss", now(t, must.Written), "waiting")
		w.listener.Refuse(false)
		w.ready()
		expect(t, "the other one on the next connection", now(t, must.Written), "written")
		w.end()
		w.delivered(true)
		if got := w.short(); !slices.Equal(got, []string{"held", "v1", "must"}) {
			t.Errorf("the server got %q", got)
		}
	})
}

func TestOfAKeyOnlyTheLatestLeaves(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		w.serve(ServerOptions{})
		w.dial(patient(OutboxLimits{}))
		latest := func(key string) Outgoing { return Outgoing{Class: KeepLatest, Key: key} }
		a1 := w.post("a1", latest("a"))
		w.post("b1", latest("b"))
		w.send("plain")
		a2 := w.post("a2", latest("a"))
		w.post("no class", Outgoing{Key: "a"})
		expect(t, "the older", now(t, a1.Acked), "dropped superseded")
		expect(t, "the newer", now(t, a2.Acked), "waiting")
		w.listener.Refuse(false)
		w.ready()
		w.post("a3", latest("a")) // a2 has left: it is no more in the way
		synctest.Wait()
		w.end()
		w.delivered(false)
		if got := w.short(); !slices.Equal(got, []string{"b1", "plain", "a2", "no class", "a3"}) {
			t.Errorf("the server got %q", got)
		}
	})
}

func TestMessagesExpireInTimeInEveryState(t *testing.T) {
	states := map[string]func(w *world){
		"backoff": func(w *world) { w.listener.Refuse(true); w.link().Reset(); time.Sleep(time.Minute) },
		"held":    func(w *world) { _ = w.client.Hold(context.Background()) },
		"ready":   func(w *world) { w.clog() },
	}
	for name, enter := range states {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{})
			w.dial(patient(OutboxLimits{Age: 20 * time.Second}))
			w.ready()
			enter(w)
			synctest.Wait()
			before := len(w.client.s.out.waitingNow())
			begin := time.Now()
			for i, ttl := range []time.Duration{10 * time.Second, 0, 3 * time.Second, 0, time.Hour, 7 * time.Second} {
				go func(r *Receipt) {
					o, _ := r.Written(context.Background())
					want := ttl
					if want == 0 || want > 20*time.Second {
						want = 20 * time.Second
					}
					if d := time.Since(begin); o.Reason != Expired || d != want {
						t.Errorf("%s: TTL %v ended as %v after %v", name, ttl, o, d)
					}
				}(w.post(fmt.Sprint("m", i), Outgoing{TTL: ttl}))
			}
			w.send("plain")
			time.Sleep(20*time.Second - 1)
			synctest.Wait()
			if n := len(w.client.s.out.waitingNow()); n != 4 && before == 0 {
				t.Errorf("%s: %d wait before their time; want 4", name, n)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if slices.Contains(w.client.s.out.waitingNow(), w.ids["plain"]) {
				t.Errorf("%s: the plain message waits on", name)
			}
			w.listener.Refuse(false)
			w.unclog()
			w.end()
		})
	}
}

// waitingNow returns the numbers of the messages in the lanes.
func (o *outbox) waitingNow() []uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return (&outboxBench{outbox: o}).waiting()
}

func TestAnAckEndsAMessageAfterItIsWritten(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		w.serve(ServerOptions{})
		c := w.dial(patient(OutboxLimits{}))
		r := w.post("m", Outgoing{Ack: true})
		if c.Ack(r.ID()) {
			t.Error("acknowledged before a connection has it")
		}
		w.listener.Refuse(false)
		w.ready()
		synctest.Wait()
		expect(t, "written", now(t, r.Written), "written")
		expect(t, "before the ack", now(t, r.Acked), "waiting")
		if b := c.Books(); b.InFlight != 1 || b.Written != 0 || !b.Balanced() {
			t.Errorf("books: %s", b)
		}
		if !c.Ack(r.ID()) {
			t.Error("not acknowledged")
		}
		<-r.Done()
		expect(t, "after the ack", now(t, r.Acked), "acked")
		expect(t, "written, after the ack", now(t, r.Written), "written")
		if c.Ack(r.ID()) || c.Ack(r.ID()+1) {
			t.Error("acknowledged twice, or never sent")
		}
		plain := w.post("plain", Outgoing{})
		synctest.Wait()
		if c.Ack(plain.ID()) {
			t.Error("acknowledged without Ack")
		}
		expect(t, "the outcome of the other", now(t, plain.Acked), "written")
		w.end()
		if b := c.Books(); b.Acked != 1 || b.Written != 1 {
			t.Errorf("books: %s", b)
		}
	})
}

// A handler is often faster than the writer, whose notice that all is out comes
// behind the peer's answer.
func TestAHandlerAcknowledgesWhatItHears(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		o := patient(OutboxLimits{})
		o.Modules = []Module{{Name: "acks", New: func() Handler {
			return HandlerFunc(func(_ *Context, m transport.Message) {
				w.mu.Lock()
				id := w.ids[string(m.Payload)]
				w.mu.Unlock()
				if !w.client.Ack(id) {
					t.Errorf("%q cannot be acknowledged", m.Payload)
				}
			})
		}}}
		w.listener.Refuse(true)
		c := w.dial(o)
		var all []*Receipt
		for i := range 100 {
			all = append(all, w.post(fmt.Sprint(i), Outgoing{Ack: true}))
		}
		w.listener.Refuse(false)
		w.ready()
		for _, r := range all {
			if o, err := r.Acked(context.Background()); err != nil || o != (Outcome{ID: r.ID(), Result: Acked}) {
				t.Errorf("ended as %+v, %v", o, err)
			}
		}
		if err := c.Drain(context.Background()); err != nil {
			t.Error(err)
		}
		w.end()
	})
}

func TestWithoutItsAckAMessageIsUnknown(t *testing.T) {
	tests := map[string]struct {
		timeout time.Duration
		end     func(w *world)
		after   time.Duration
	}{
		"connection lost": {-1, func(w *world) { w.link().Reset() }, 0},
		"ack overdue":     {0, func(*world) {}, 30 * time.Second},
		"other time-out":  {time.Second, func(*world) {}, time.Second},
		"held":            {-1, func(w *world) { _ = w.client.Hold(context.Background()) }, 0},
		"the client ends": {-1, func(w *world) { _ = w.client.Close(context.Background()) }, 0},
		"drained":         {5 * time.Second, func(w *world) { _ = w.client.Drain(context.Background()) }, 5 * time.Second},
	}
	for name, test := range tests {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{})
			w.dial(patient(OutboxLimits{AckTimeout: test.timeout}))
			w.ready()
			r := w.post("m", Outgoing{Ack: true, TTL: 500 * time.Millisecond}) // which has no say any more
			synctest.Wait()
			begin := time.Now()
			test.end(w)
			o, err := r.Acked(context.Background())
			if d := time.Since(begin); err != nil || o != (Outcome{ID: r.ID(), Result: Unknown}) || d != test.after {
				t.Errorf("%s: %+v, %v after %v; want unknown after %v", name, o, err, d, test.after)
			}
			expect(t, name, now(t, r.Written), "written")
			if w.client.Ack(r.ID()) {
				t.Errorf("%s: acknowledged afterwards", name)
			}
			w.end()
		})
	}
}

func TestReceiptsOfAClosedClientAreComplete(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		w.serve(ServerOptions{})
		c := w.dial(patient(OutboxLimits{}))
		r := w.post("m", Outgoing{Ack: true})
		var all sync.WaitGroup
		for range 5 {
			for _, wait := range []func(context.Context) (Outcome, error){r.Written, r.Acked} {
				all.Go(func() {
					if o, err := wait(context.Background()); err != nil || o != (Outcome{ID: r.ID(), Result: Dropped, Reason: Closed}) {
						t.Errorf("ended as %+v, %v", o, err)
					}
				})
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := r.Written(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		w.listener.Refuse(false)
		_ = c.Hold(context.Background())
		w.end()
		all.Wait()
		if _, err := c.Post(context.Background(), Outgoing{Kind: transport.Text}); !errors.Is(err, ErrStopped) {
			t.Errorf("post after the end: %v", err)
		}
	})
}

func TestBoundMessagesDoNotOutliveTheirIdentity(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.listener.Refuse(true)
		w.serve(ServerOptions{})
		c := w.dial(patient(OutboxLimits{}))
		bound, free := w.post("bound", Outgoing{Bound: true}), w.post("free", Outgoing{})
		c.s.out.dropBound()
		w.post("of the next", Outgoing{Bound: true})
		expect(t, "bound", now(t, bound.Acked), "dropped superseded")
		expect(t, "free", now(t, free.Acked), "waiting")
		w.listener.Refuse(false)
		w.ready()
		w.end()
		if got := w.short(); !slices.Equal(got, []string{"free", "of the next"}) {
			t.Errorf("the server got %q", got)
		}
	})
}

func TestPostRefusesWhatCannotBeMeant(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.dial(ClientOptions{Outbox: OutboxLimits{Bytes: 100}})
		var option *OptionError
		var tooBig *MessageTooBigError
		for name, test := range map[string]struct {
			m    Outgoing
			want func(error) bool
		}{
			"no kind":       {Outgoing{}, func(err error) bool { return errors.Is(err, ErrInvalidKind) }},
			"not UTF-8":     {Outgoing{Kind: transport.Text, Payload: []byte{0xff}}, func(err error) bool { return errors.Is(err, ErrInvalidUTF8) }},
			"too big":       {Outgoing{Kind: transport.Text, Payload: make([]byte, 100)}, func(err error) bool { return errors.As(err, &tooBig) }},
			"no key":        {Outgoing{Kind: transport.Text, Class: KeepLatest}, func(err error) bool { return errors.As(err, &option) && option.Option == "Outgoing.Key" }},
			"unknown class": {Outgoing{Kind: transport.Text, Class: classes}, func(err error) bool { return errors.As(err, &option) && option.Option == "Outgoing.Class" }},
		} {
			if r, err := c.Post(context.Background(), test.m); r != nil || !test.want(err) {
				t.Errorf("%s: %v, %v", name, r, err)
			}
		}
		w.end()
	})
}

// give sends a text, or posts it with anything that can be asked for.
func (s *schedule) give(text string) (uint64, error) {
	if s.rand.IntN(2) == 0 {
		return s.w.client.SendText(text)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := s.w.client.Post(ctx, Outgoing{
		Kind: transport.Text, Payload: []byte(text), Class: Class(s.rand.IntN(classes)), Key: fmt.Sprint("k", s.rand.IntN(3)),
		TTL: time.Duration(s.rand.IntN(3)*s.rand.IntN(20)) * time.Second, Bound: s.rand.IntN(2) == 0, Ack: s.rand.IntN(2) == 0,
	})
	if s.rand.IntN(20) == 0 {
		s.w.client.s.out.dropBound()
	}
	if err != nil {
		return 0, err
	}
	s.w.client.Ack(r.ID() - uint64(s.rand.IntN(30)))
	return r.ID(), nil
}
