package actors

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// arrivals is a module that hands out the connections that come.
type arrivals chan *Conn

func (arrivals) OnMessage(*Context, transport.Message) {}

func (a arrivals) OnConnect(ctx *Context) error {
	a <- ctx.Conn()
	return nil
}

func (a arrivals) module() Module { return Module{Name: "arrivals", New: func() Handler { return a }} }

func prepare(t testing.TB, texts ...string) (all []*transport.Prepared) {
	t.Helper()
	for _, s := range texts {
		p, err := transport.Prepare(transport.Text, []byte(s))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// Bundles between other messages, on all kinds of connections: with queues that are
// empty, so that they are written straight to the socket, and with others.
func TestBundlesReachEveryKindOfConnection(t *testing.T) {
	for _, o := range []ServerOptions{
		{},
		{Compression: transport.Compression{Enabled: true}},
		{Compression: transport.Compression{Enabled: true, ContextTakeover: true}},
		{Compression: transport.Compression{Enabled: true, ContextTakeover: true}, Middleware: []Middleware{{Name: "passer", New: func() Interceptor { return passer{} }}}},
	} {
		t.Run(fmt.Sprintf("deflate %t takeover %t middleware %d", o.Compression.Enabled, o.Compression.ContextTakeover, len(o.Middleware)), func(t *testing.T) {
			send := func(c *Conn, between func()) (want []string) {
				for i := range 20 {
					long := strings.Repeat(fmt.Sprint("the same again, and again ", i%3), 40)
					if i%5 == 0 { // it waits when the bundle comes
						if n, err := c.Queue(prepare(t, "single "+long)...); n != 1 || err != nil {
							t.Fatal(n, err)
						}
					} else if _, err := c.Send(transport.Text, []byte("single "+long)); err != nil {
						t.Fatal(err)
					} else {
						between()
					}
					b := NewBundle(prepare(t, "first "+long, "short", "last "+long)...)
					if n, err := c.SendBundle(b); n != 3 || err != nil {
						t.Fatal(n, err)
					}
					b.Release()
					if i%4 > 0 {
						between()
					}
					want = append(want, "single "+long, "first "+long, "short", "last "+long)
				}
				return want
			}
			t.Run("in memory", func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					conns := make(arrivals, 1)
					o := o
					o.Modules = []Module{conns.module()}
					w.serve(o)
					w.dial(ClientOptions{Compression: o.Compression})
					w.ready()
					want := send(<-conns, synctest.Wait)
					synctest.Wait()
					if got := w.echoed(); !slices.Equal(got, want) {
						t.Errorf("%d messages came, which are not the %d that were sent", len(got), len(want))
					}
					w.end()
				})
			})
			t.Run("over sockets", func(t *testing.T) {
				conns := make(arrivals, 1)
				o := o
				o.Modules = []Module{conns.module()}
				h := moor(t, 1, o)
				got := h.listen(o.Compression, nil)
				came := 0
				want := send(<-conns, func() { came += got.wait(t, came+1) })
				got.wait(t, len(want))
				if all := got.all(); !slices.Equal(all, want) {
					t.Errorf("%d messages came, which are not the %d that were sent", len(all), len(want))
				}
			})
		})
	}
}

// catch is what came to a client.
type catch struct {
	mu   sync.Mutex
	came []string
	more chan struct{}
}

// listen connects a client that reads nothing before open is closed.
func (h *harbour) listen(c transport.Compression, open chan struct{}) *catch {
	h.t.Helper()
	got := &catch{more: make(chan struct{}, 1)}
	client, err := Dial(h.limit, h.s.system, "ws://"+h.ways["Serve"]+"/", ClientOptions{
		Compression: c,
		Modules: []Module{module("catch", "", func(_ *Context, m transport.Message) {
			if open != nil {
				<-open
			}
			got.mu.Lock()
			got.came = append(got.came, string(m.Payload))
			got.mu.Unlock()
			select {
			case got.more <- struct{}{}:
			default:
			}
		})},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if err := client.Close(h.limit); err != nil {
			h.t.Error(err)
		}
	})
	return got
}

func (c *catch) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.came)
}

// wait waits until n messages have come; it returns how many more than n-1 have.
func (c *catch) wait(t testing.TB, n int) int {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		if came := len(c.all()); came >= n {
			return came - n + 1
		}
		select {
		case <-c.more:
		case <-deadline:
			t.Fatalf("%d of %d messages came", len(c.all()), n)
		}
	}
}

// What the socket takes of a bundle only in part goes on where it was cut, ahead of what
// was accepted behind it.
func TestABundleOfWhichTheSocketTakesAPartArrivesWhole(t *testing.T) {
	conns, open := make(arrivals, 1), make(chan struct{})
	h := moor(t, 1, ServerOptions{Modules: []Module{conns.module()}, Outbox: OutboxLimits{Bytes: 64 << 20}})
	got := h.listen(transport.Compression{}, open)
	conn := <-conns
	var want []string
	for full := 0; full < 5; {
		var texts []string
		for range 3 {
			texts = append(texts, fmt.Sprintf("%d %s", len(want)+len(texts), strings.Repeat("x", 20_011)))
		}
		b := NewBundle(prepare(t, texts...)...)
		if n, err := conn.SendBundle(b); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		b.Release()
		if want = append(want, texts...); conn.blockedSince.Load() > 0 {
			full++
		}
	}
	if b := h.Books(); b.InFlight == 0 || b.Written == 0 || !b.Balanced() {
		t.Errorf("books: %v", b)
	}
	close(open)
	got.wait(t, len(want))
	if all := got.all(); !slices.Equal(all, want) {
		t.Errorf("%d messages came, which are not the %d that were sent", len(all), len(want))
	}
	for h.Books().InFlight > 0 {
		runtime.Gosched() // the last one has come before it is counted
	}
	if b := h.Books(); b.Accepted != uint64(len(want)) || b.Written != b.Accepted {
		t.Errorf("books: %v of %d messages", b, len(want))
	}
}

// The books balance, which the end of every test over sockets checks.
func TestAConnectionMayEndInTheMiddleOfABundle(t *testing.T) {
	conns, open := make(arrivals, 1), make(chan struct{})
	h := moor(t, 1, ServerOptions{Modules: []Module{conns.module()}, Outbox: OutboxLimits{Bytes: 64 << 20}})
	h.listen(transport.Compression{}, open)
	defer close(open)
	conn := <-conns
	b := NewBundle(prepare(t, strings.Repeat("x", 20_011), strings.Repeat("y", 20_011))...)
	defer b.Release()
	for conn.blockedSince.Load() == 0 {
		if n, err := conn.SendBundle(b); n != 2 || err != nil {
			t.Fatal(n, err)
		}
	}
	_ = conn.wire.Reset()
	conn.connection.PostUserMessage(&ended{epoch: conn.epoch, err: errPeer})
	for {
		if _, err := conn.SendBundle(b); errors.Is(err, ErrStopped) {
			break
		}
	}
}

var errPeer = errors.New("the peer has gone")

func TestABundleSaysWhyItWasNotAccepted(t *testing.T) {
	texts := []string{strings.Repeat("a", 300), strings.Repeat("b", 300), strings.Repeat("c", 300), strings.Repeat("d", 300)}
	for _, c := range []struct {
		name   string
		limits OutboxLimits
		texts  []string
		n      int
		err    error
	}{
		{"there is room", OutboxLimits{}, texts, 4, nil},
		{"nothing at all", OutboxLimits{}, nil, 0, nil},
		{"congested", OutboxLimits{Bytes: 1000, HighWater: 500}, texts, 2, ErrCongested},
		{"full", OutboxLimits{Messages: 3, Overflow: RejectNewest}, texts, 3, ErrOutboxFull},
		{"drops the newest", OutboxLimits{Messages: 3, Overflow: DropNewest}, texts, 4, nil},
		{"drops the oldest", OutboxLimits{Messages: 3, Overflow: DropOldest}, texts, 4, nil},
		{"too big", OutboxLimits{Bytes: 200, HighWater: -1}, []string{"short", texts[0], "short"}, 1, &MessageTooBigError{Size: 304, Limit: 200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				conns := make(arrivals, 1)
				w.serve(ServerOptions{Modules: []Module{conns.module()}, Outbox: c.limits})
				w.dial(ClientOptions{})
				w.ready()
				conn := <-conns
				b := NewBundle(prepare(t, c.texts...)...)
				n, err := conn.SendBundle(b)
				var big *MessageTooBigError
				if n != c.n || !errors.Is(err, c.err) && !(errors.As(err, &big) && *big == *c.err.(*MessageTooBigError)) {
					t.Errorf("%d accepted, %v; want %d, %v", n, err, c.n, c.err)
				}
				synctest.Wait()
				if err := w.client.Close(t.Context()); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if n, err := conn.SendBundle(NewBundle(prepare(t, "late")...)); n != 0 || !errors.Is(err, ErrStopped) {
					t.Errorf("after the end: %d, %v", n, err)
				}
				w.end()
			})
		})
	}
}

// Several goroutines send bundles and single messages on one connection at the same time:
// each one's messages come, and in its order.
func TestBundlesOfManySendersKeepTheirOrder(t *testing.T) {
	const senders, rounds = 4, 300
	conns := make(arrivals, 1)
	h := moor(t, 1, ServerOptions{Modules: []Module{conns.module()}})
	got := h.listen(transport.Compression{}, nil)
	conn := <-conns
	for i := range rounds {
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				texts := []string{fmt.Sprint(s, " ", 2*i), fmt.Sprint(s, " ", 2*i+1)}
				var err error
				if s%2 == 0 {
					b := NewBundle(prepare(t, texts...)...)
					_, err = conn.SendBundle(b)
					b.Release()
				} else if _, err = conn.Send(transport.Text, []byte(texts[0])); err == nil {
					_, err = conn.Send(transport.Text, []byte(texts[1]))
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got.wait(t, (i+1)*senders*2) // nothing is left behind
	}
	next := [senders]int{}
	for _, text := range got.all() {
		var s, n int
		if _, err := fmt.Sscan(text, &s, &n); err != nil || next[s] != n {
			t.Fatalf("%q came; want number %d", text, next[s])
		}
		next[s]++
	}
}

// The writer's mailbox goes on with what came for it while another thread wrote.
func TestWhatComesForTheWriterDuringABundleIsHandledBehindIt(t *testing.T) {
	conns := make(arrivals, 1)
	h := moor(t, 1, ServerOptions{Modules: []Module{conns.module()}})
	got := h.listen(transport.Compression{}, nil)
	conn := <-conns
	conn.out.mu.Lock() // the bundle is held up here, in the writer's turn
	var wg sync.WaitGroup
	wg.Go(func() {
		if n, err := conn.SendBundle(NewBundle(prepare(t, "x")...)); n != 1 || err != nil {
			t.Error(n, err)
		}
	})
	for !conn.writer.busy() {
		runtime.Gosched()
	}
	conn.writer.PostUserMessage(&sendControl{frames: appendControl(nil, byte(transport.Ping), nil, false)})
	conn.out.mu.Unlock()
	wg.Wait()
	got.wait(t, 1)
	if n := conn.writer.UserMessageCount(); n != 0 {
		t.Errorf("%d messages wait for the writer", n)
	}
}
