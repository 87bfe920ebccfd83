package actors

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// exits notes when clients are told to leave, and with which frame.
type exits struct {
	mu     sync.Mutex
	at     []time.Time
	frames map[string]int
	all    sync.WaitGroup
}

// watch waits for the end of a client, which then answers.
func (x *exits) watch(p *peer) {
	x.all.Go(func() {
		got := p.next()
		for got == "nothing" || strings.HasPrefix(got, "text") {
			got = p.next()
		}
		x.mu.Lock()
		x.at = append(x.at, time.Now())
		if x.frames == nil {
			x.frames = map[string]int{}
		}
		x.frames[got]++
		x.mu.Unlock()
		if strings.HasPrefix(got, "close") {
			p.write(piece{head: bye, body: closeBody(1000, "")})
			p.expect("EOF")
		}
	})
}

// told fails the test unless n clients were told this, and returns when, from start on.
func (x *exits) told(t *testing.T, start time.Time, n int, frame string) (after []time.Duration) {
	t.Helper()
	x.all.Wait()
	if x.frames[frame] != n {
		t.Errorf("%d clients are told %q: %v", n, frame, x.frames)
	}
	for _, at := range x.at {
		after = append(after, at.Sub(start))
	}
	slices.Sort(after)
	return after
}

// within is a context that ends then.
func within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// crowd has n clients come, whose ends are watched.
func (w *world) crowd(n int) *exits {
	x := &exits{}
	for range n {
		x.watch(w.comes("1.1.1.1:1"))
	}
	synctest.Wait()
	return x
}

func TestADrainTellsTheClientsOneByOne(t *testing.T) {
	for _, n := range []int{1, 3, 16, 400} {
		for _, over := range []time.Duration{0, 8 * time.Second} {
			t.Run(fmt.Sprint(n, over), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}})
					x, start := w.crowd(n), time.Now()
					if err := w.server.Drain(within(20*time.Second), DrainOptions{Over: over, Reason: "bye"}); err != nil {
						t.Error(err)
					}
					spread := over
					if over == 0 {
						spread = 10 * time.Second
					}
					after := x.told(t, start, n, "close 1012 bye")
					if last := after[len(after)-1]; last > spread+50*time.Millisecond {
						t.Errorf("the last is told after %v, want %v", last, spread)
					}
					if took := time.Since(start); took > after[n-1]+time.Second {
						t.Errorf("all are gone after %v, and it returns after %v", after[n-1], took)
					}
					if n == 400 {
						evenly(t, after, spread)
					}
					w.end()
				})
			})
		}
	}
}

// evenly fails the test unless each tenth of the time has about a tenth of them.
func evenly(t *testing.T, after []time.Duration, over time.Duration) {
	t.Helper()
	var tenths [10]int
	for _, d := range after {
		tenths[min(int(10*d/over), 9)]++
	}
	for _, n := range tenths {
		if want := len(after) / 10; n < want-16 || n > want+16 { // a shard may be early, or late, by one
			t.Errorf("told by tenths of the time: %v", tenths)
			return
		}
	}
}

func TestADrainLongerThanItsTimeIsHurried(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		x, start := w.crowd(100), time.Now()
		if err := w.server.Drain(within(8*time.Second), DrainOptions{Over: time.Hour, Code: transport.GoingAway}); err != nil {
			t.Error(err)
		}
		if after := x.told(t, start, 100, "close 1001"); after[99] > 7*time.Second {
			t.Errorf("the last is told after %v of 8s", after[99])
		}
		w.end()
	})
}

func TestTheCodeOfADrainIsOneThatMayBeSent(t *testing.T) {
	for code, want := range map[transport.CloseCode]string{0: "close 1012", 1006: "close 1012", 1001: "close 1001", 4007: "close 4007"} {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{})
			x := w.crowd(1)
			if err := w.server.Drain(within(time.Second), DrainOptions{Code: code}); err != nil {
				t.Error(err)
			}
			x.told(t, time.Now(), 1, want)
			w.end()
		})
	}
}

func TestNobodyNewIsLetInWhileAServerDrains(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		x := w.crowd(5)
		drained := make(chan error, 1)
		go func() { drained <- w.server.Drain(within(20*time.Second), DrainOptions{}) }()
		synctest.Wait()
		answer := w.refused(http.StatusServiceUnavailable, "1.1.1.1:1")
		if after := answer.Header.Get("Retry-After"); after == "" || answer.Header.Get("Connection") != "close" {
			t.Errorf("%v", answer.Header)
		}
		if err := <-w.served; !errors.Is(err, ErrServerClosed) {
			t.Error(err)
		}
		if _, err := w.listener.Dial(t.Context(), "", ""); err == nil {
			t.Error("it still listens")
		}
		if err := <-drained; err != nil {
			t.Error(err)
		}
		x.told(t, time.Now(), 5, "close 1012")
		w.refused(http.StatusServiceUnavailable, "1.1.1.1:1")
		w.served <- ErrServerClosed
		w.end()
	})
}

func TestWhatClientsSendWhileAServerDrainsIsAnswered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		var peers []*peer
		for range 20 {
			peers = append(peers, w.comes("1.1.1.1:1"))
		}
		drained := make(chan error, 1)
		go func() { drained <- w.server.Drain(within(20*time.Second), DrainOptions{}) }()
		synctest.Wait()
		var all sync.WaitGroup
		for _, p := range peers {
			all.Go(func() {
				for i := 0; ; i++ { // as long as it may
					want := fmt.Sprint("text ", i)
					p.text(want[5:])
					if got := p.next(); got == "close 1012" {
						p.write(piece{head: bye, body: closeBody(1012, "")})
						p.expect("EOF")
						if i < 1 {
							t.Error("told before anything was answered")
						}
						return
					} else if got != want {
						t.Errorf("got %q, want %q", got, want)
						return
					}
					time.Sleep(97 * time.Millisecond)
				}
			})
		}
		if err := <-drained; err != nil {
			t.Error(err)
		}
		all.Wait()
		w.end()
	})
}

func TestWhatADrainingServerHasAcceptedLeavesOrIsReported(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := &guestbook{}
		w.serve(ServerOptions{Modules: []Module{g.module()}, WriteTimeout: -1, CloseTimeout: time.Minute, Outbox: OutboxLimits{Bytes: 8 << 20}})
		reads := w.meet("/")
		synctest.Wait()
		stuck := w.meet("/")
		w.link().Stall(transporttest.ToClient)
		synctest.Wait()
		var receipts [2][]*Receipt
		for i, c := range g.all() {
			for range 50 {
				r, err := c.Post(t.Context(), Outgoing{Kind: transport.Binary, Payload: make([]byte, 20<<10)})
				if err != nil {
					t.Fatal(err)
				}
				receipts[i] = append(receipts[i], r)
			}
		}
		got := 0
		var all sync.WaitGroup
		all.Go(func() {
			for strings.HasPrefix(reads.next(), "binary") {
				got++
			}
			reads.write(piece{head: bye, body: closeBody(1012, "")})
			reads.expect("EOF")
		})
		start := time.Now()
		if err := w.server.Drain(within(10*time.Second), DrainOptions{Over: time.Second}); err != nil || time.Since(start) > 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		all.Wait()
		for i, want := range []map[string]int{{"written": 50}, nil} {
			ends := map[string]int{}
			for _, r := range receipts[i] {
				end, err := r.Acked(within(time.Millisecond))
				if err != nil {
					t.Fatalf("no outcome: %v", err)
				}
				name := end.Result.String()
				if end.Result == Dropped {
					name = end.Reason.String()
				}
				ends[name]++
			}
			if i == 0 && ends["written"] != want["written"] || i == 1 && ends[Closed.String()] < 30 {
				t.Errorf("client %d: %v", i, ends)
			}
		}
		if got != 50 {
			t.Errorf("%d of 50 came", got)
		}
		_ = stuck.nc.Close()
		w.end()
	})
}

func TestClientsThatNeverAnswerAreResetInTime(t *testing.T) {
	for _, limit := range []time.Duration{time.Second, 4 * time.Second, 20 * time.Second} {
		for _, o := range []ServerOptions{{}, {CloseTimeout: time.Hour, Heartbeat: Heartbeat{Interval: -1}, WriteTimeout: -1}} {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(o)
				for range 20 {
					w.comes("1.1.1.1:1")
				}
				start := time.Now()
				if err := w.server.Drain(within(limit), DrainOptions{}); err != nil {
					t.Errorf("%v, close timeout %v: %v", limit, o.CloseTimeout, err)
				}
				if took := time.Since(start); took > limit || took < limit/3 {
					t.Errorf("%v: it took %v", limit, took)
				}
				w.connections(0)
				w.end()
			})
		}
	}
}
