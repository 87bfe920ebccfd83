package actors

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// ticker is a server that sends numbered messages with the time at which they were
// sent, to each client that says go.
func ticker(n int, every time.Duration) Module {
	return Module{Name: "ticker", New: func() Handler {
		return HandlerFunc(func(ctx *Context, _ transport.Message) {
			conn := ctx.Conn()
			go func() {
				for i := range n {
					b := binary.BigEndian.AppendUint64(nil, uint64(i))
					b = binary.BigEndian.AppendUint64(b, uint64(time.Now().UnixNano()))
					if _, err := conn.Send(transport.Binary, b); err != nil {
						return
					}
					if every > 0 {
						time.Sleep(every)
					}
				}
			}()
		})
	}}
}

// clocked is a module that notes how late each message is, and then takes its time.
type clocked struct {
	mu    sync.Mutex
	order []uint64
	late  []time.Duration
	takes time.Duration
}

func (c *clocked) module(m Module) Module {
	m.New = func() Handler {
		return HandlerFunc(func(_ *Context, got transport.Message) {
			late := time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(got.Payload[8:]))))
			c.mu.Lock()
			c.order = append(c.order, binary.BigEndian.Uint64(got.Payload))
			c.late = append(c.late, late)
			c.mu.Unlock()
			time.Sleep(c.takes)
		})
	}
	return m
}

// p99 is the delay that one in a hundred exceeds.
func (c *clocked) p99() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.late)
	return c.late[len(c.late)*99/100]
}

func (c *clocked) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.order)
}

// inOrder fails the test unless exactly n came, in order.
func (c *clocked) inOrder(t *testing.T, who string, n int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.order) != n || !slices.IsSorted(c.order) {
		t.Errorf("%s got %d messages, in order %t; want %d in order", who, len(c.order), slices.IsSorted(c.order), n)
	}
}

// TestASlowModuleDelaysNoOther: ten thousand messages in ten seconds for a module
// that takes no time and for one that takes a second for each.
func TestASlowModuleDelaysNoOther(t *testing.T) {
	for _, policy := range []OverflowPolicy{DropOldest, DropNewest} {
		for _, burst := range []bool{false, true} {
			inWorld(t, func(t *testing.T, w *world) {
				every := time.Millisecond
				if burst {
					every = 0
				}
				// The server pings every second, and wants its answer at once.
				w.serve(ServerOptions{
					Modules: []Module{ticker(10_000, every)}, Outbox: OutboxLimits{Bytes: 4 << 20},
					Heartbeat: Heartbeat{Interval: time.Second, Timeout: 100 * time.Millisecond},
				})
				fast, slow := &clocked{}, &clocked{takes: time.Second}
				const limit = 8 << 10
				w.dial(ClientOptions{Modules: []Module{
					slow.module(Module{Name: "slow", Overflow: policy, QueueBytes: limit}),
					fast.module(Module{Name: "fast"}),
				}})
				w.ready()
				w.send("go")
				target := w.client.s.routes.Load().groups[0].instances[0]
				worst := int64(0)
				for range 1000 {
					time.Sleep(20 * time.Millisecond)
					worst = max(worst, target.waits.Load())
				}
				fast.inOrder(t, "the fast one", 10_000)
				if p := fast.p99(); p > 0 {
					t.Errorf("p99 of the fast module is %v, and alone it is nothing", p)
				}
				if n := slow.count(); n < 15 || n > 25 {
					t.Errorf("the slow one handled %d in 20 s", n)
				}
				if worst > limit+16+messageCost { // the newest one is kept in any case
					t.Errorf("%d bytes waited; the limit is %d", worst, limit)
				}
				if c := w.client.s.counters.discarded.Load(); c < 9000 {
					t.Errorf("%d discarded", c)
				}
				if n := w.listener.Dials(); n != 1 {
					t.Errorf("%d dials: pings were not answered", n)
				}
				t.Logf("policy %d, burst %t: fast p99 %v, slow handled %d, at most %d bytes waited", policy, burst, fast.p99(), slow.count(), worst)
				time.Sleep(3 * time.Minute) // until its queue is empty
				w.end()
			})
		}
	}
}

// TestASlowModuleAloneStillAnswersPings: it has the thread of the reader, and gives
// it back.
func TestASlowModuleAloneStillAnswersPings(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{
			Modules:   []Module{ticker(60, 0)},
			Heartbeat: Heartbeat{Interval: 5 * time.Second, Timeout: 1500 * time.Millisecond},
		})
		slow := &clocked{takes: time.Second}
		w.dial(ClientOptions{Modules: []Module{slow.module(Module{Name: "slow"})}})
		w.ready()
		w.send("go")
		time.Sleep(70 * time.Second)
		slow.inOrder(t, "it", 60)
		if n := w.listener.Dials(); n != 1 {
			t.Errorf("%d dials: pings were not answered", n)
		}
		w.end()
	})
}

// TestBlockPushesBackAndLosesNothing: the slow module takes three hours, and the
// sender waits.
func TestBlockPushesBackAndLosesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{
			Modules: []Module{ticker(10_000, 0)}, Outbox: OutboxLimits{Bytes: 4 << 20},
			WriteTimeout: -1, Heartbeat: Heartbeat{Interval: -1},
		})
		fast, slow := &clocked{}, &clocked{takes: time.Second}
		const limit = 8 << 10
		w.dial(ClientOptions{Modules: []Module{
			slow.module(Module{Name: "slow", Overflow: Block, QueueBytes: limit}),
			fast.module(Module{Name: "fast"}),
		}})
		w.ready()
		w.send("go")
		synctest.Wait()
		time.Sleep(time.Minute)
		if waiting := w.server.Books().InFlight; waiting < 1000 {
			t.Errorf("only %d messages wait at the sender: nothing pushes back", waiting)
		}
		target := w.client.s.routes.Load().groups[0].instances[0]
		worst := int64(0)
		for range 10_100 {
			time.Sleep(time.Second)
			worst = max(worst, target.waits.Load())
		}
		slow.inOrder(t, "the slow one", 10_000)
		fast.inOrder(t, "the fast one", 10_000)
		// What one read brought is queued, and then nothing more is read: 64 KiB of
		// frames of 18 bytes.
		if most := int64(limit + (64<<10)/18*(16+messageCost)); worst > most {
			t.Errorf("%d bytes waited; want at most %d", worst, most)
		}
		if n := w.listener.Dials(); n != 1 {
			t.Errorf("%d dials: %s", n, w.story())
		}
		t.Logf("at most %d bytes waited", worst)
		w.end()
	})
}
