package modules_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// Many callers of one API, a peer that answers in random order, and a connection
// that is lost twenty times: each call ends with its own answer or an error.
func TestHundredCallersGetTheirOwnAnswersOrAnErrorInAStorm(t *testing.T) {
	runs := 10
	if os.Getenv("HAWSER_NIGHT") != "" {
		runs = 50
	}
	for range runs {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %#x", seed), func(t *testing.T) { storm(t, seed) })
	}
}

// dice is a source of random numbers that many goroutines use.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) upTo(max time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Duration(d.r.Int64N(int64(max)))
}

const (
	callers     = 100
	callsOfEach = 40
	losses      = 20
)

func storm(t *testing.T, seed uint64) {
	a := newSquares(modules.APIOptions{WaitReady: true, Timeout: time.Minute})
	d := &dice{r: rand.New(rand.NewPCG(seed, 0))}
	o := with(a.Module())
	o.Backoff.InitialDelay, o.Backoff.MaxDelay = 50*time.Millisecond, 50*time.Millisecond
	inWorld(t, o, func(w *world) {
		w.answer(func(c *actors.Conn, m transport.Message) {
			q := parsed(m)
			for range 1 + d.upTo(11)/10 { // some are answered twice
				time.AfterFunc(d.upTo(100*time.Millisecond), func() { answered(c, q) })
			}
		})
		var good, lost atomic.Uint64
		var calls sync.WaitGroup
		for who := range callers {
			calls.Go(func() {
				for i := range callsOfEach {
					n := who*callsOfEach + i
					got, err := a.Call(context.Background(), Question{n})
					switch {
					case err == nil && got.N == n*n:
						good.Add(1)
					case err != nil && (errors.Is(err, modules.ErrDisconnected) || errors.Is(err, modules.ErrNotReady)):
						lost.Add(1)
					default:
						t.Errorf("caller %d asked %d and got %d, %v", who, n, got.N, err)
					}
				}
			})
		}
		for range losses {
			time.Sleep(d.upTo(200 * time.Millisecond))
			if err := w.client.WaitReady(context.Background()); err != nil {
				t.Fatal(err)
			}
			w.cut()
			synctest.Wait()
		}
		began := time.Now()
		calls.Wait()
		w.ready()
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("the calls took %s longer than the storm", took)
		}
		checkStorm(t, w, a.Stats(), good.Load(), lost.Load())
	})
}

func checkStorm(t *testing.T, w *world, s modules.APIStats, good, lost uint64) {
	t.Helper()
	if good+lost != callers*callsOfEach || good < callers*callsOfEach/10 || lost < callers*losses/2 {
		t.Errorf("%d good and %d lost calls of %d", good, lost, callers*callsOfEach)
	}
	if s.Pending != 0 || s.Calls != s.Answered+s.Failed+s.Disconnected+s.GivenUp || s.Answered != good || s.Failed != 0 || s.Late == 0 {
		t.Errorf("stats %+v with %d good calls", s, good)
	}
	if n := w.listener.Dials(); n != losses+1 {
		t.Errorf("%d dials", n)
	}
}

// fragile is a codec that panics at some messages.
type fragile struct {
	modules.JSON
	in string // the method that panics
}

func (f fragile) check(in string, payload []byte) {
	if f.in == in && len(payload) > 0 && payload[len(payload)-2] == '7' {
		panic("7")
	}
}

func (f fragile) Peek(m transport.Message, want modules.Parts) (modules.Header, error) {
	f.check("peek", m.Payload)
	return f.JSON.Peek(m, want)
}

func (f fragile) Decode(m transport.Message, v any) error {
	f.check("decode", m.Payload)
	return f.JSON.Decode(m, v)
}

func (f fragile) Append(dst []byte, h modules.Header, v any) ([]byte, error) {
	b, err := f.JSON.Append(dst, h, v)
	f.check("encode", b)
	return b, err
}

func TestACodecThatPanicsIsAnErrorOfThatMessageOnly(t *testing.T) {
	const load = 1000 // of which every tenth is at fault
	for _, in := range []string{"peek", "decode", "encode"} {
		t.Run(in, func(t *testing.T) {
			var counters modules.Counters
			told, starts := 0, 0
			m := modules.Define("counted", func(r *modules.Routes) {
				starts++
				modules.On(r, "square", func(c *modules.Ctx, q Question) error { return c.Reply("got", q) })
			}, modules.WithCodec(fragile{in: in}), modules.WithCounters(&counters), modules.WithErrors(func(_ *modules.Ctx, err error) {
				if !isA[*modules.CodecError](err) || !isA[*modules.PanicError](err) {
					t.Errorf("told %v", err)
				}
				told++
			}))
			inWorld(t, with(m), func(w *world) {
				want := ""
				for i := range load {
					w.sends(transport.Text, fmt.Sprintf(`{"type":"square","n":%d}`, i))
					if i%10 != 7 {
						want += fmt.Sprintf("{\"type\":\"got\",\"n\":%d}\n", i)
					}
				}
				synctest.Wait()
				if w.heard()+"\n" != want {
					t.Errorf("the peer heard\n%.500s, want\n%.500s", w.heard(), want)
				}
				c := counters.Counts()
				if told != load/10 || c.Handled != load*9/10 || c.Failed+c.Undecoded != load/10 || c.Panicked != 0 {
					t.Errorf("%d told, counted %+v", told, c)
				}
				if starts != 1 || w.listener.Dials() != 1 {
					t.Errorf("%d starts, %d dials", starts, w.listener.Dials())
				}
			})
		})
	}
}
