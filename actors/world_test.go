package actors

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// world is a server and a client on one actor system, joined by links in memory.
// It lives in a bubble of virtual time.
type world struct {
	t        testing.TB
	system   *actor.ActorSystem
	listener *transporttest.Listener
	server   *Server
	client   *Client
	served   chan error
	shared   bool // the system is used by others too

	mu       sync.Mutex
	arrived  []string  // text messages that reached the server
	came     []string  // text messages that reached the client
	outcomes []Outcome // of the client's messages
	events   []Event
	ids      map[string]uint64 // what Send returned, by text
	opens    chan struct{}     // closed when set-up steps may end
}

// inWorld runs f in a bubble with a system of its own.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, newWorld(t, quietSystem()))
	})
}

// quietSystem is an actor system that logs nothing.
func quietSystem() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(io.Discard, nil))
	}))
}

func newWorld(t testing.TB, system *actor.ActorSystem) *world {
	return &world{t: t, system: system, listener: transporttest.NewListener(), ids: map[string]uint64{}, opens: make(chan struct{})}
}

// serve starts a server that records what it gets and echoes it.
func (w *world) serve(o ServerOptions) {
	w.t.Helper()
	if o.Modules == nil {
		o.Modules = []Module{w.echo()}
	}
	server, err := NewServer(w.system, o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.server, w.served = server, make(chan error, 1)
	listener := w.listener
	go func() { w.served <- server.Serve(listener) }()
}

// echo is a module that records what comes and sends it back.
func (w *world) echo() Module {
	return Module{Name: "echo", New: func() Handler {
		return HandlerFunc(func(ctx *Context, m transport.Message) {
			w.mu.Lock()
			w.arrived = append(w.arrived, string(m.Payload))
			w.mu.Unlock()
			_, _ = ctx.Echo(m)
		})
	}}
}

// sink is a module that records what comes.
func (w *world) sink() Module {
	return Module{Name: "sink", New: func() Handler {
		return HandlerFunc(func(_ *Context, m transport.Message) {
			w.mu.Lock()
			w.came = append(w.came, string(m.Payload))
			w.mu.Unlock()
		})
	}}
}

// dial starts a client that records what it gets and what happens to it.
func (w *world) dial(o ClientOptions) *Client {
	w.t.Helper()
	return w.dialBy(o, w.listener.Dial)
}

// dialBy is dial with a dialler of the test.
func (w *world) dialBy(o ClientOptions, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *Client {
	w.t.Helper()
	o.NetDial = dial
	if o.Modules == nil {
		o.Modules = []Module{w.sink()}
	}
	o.OnOutcome = func(done []Outcome) {
		w.mu.Lock()
		w.outcomes = append(w.outcomes, done...)
		w.mu.Unlock()
	}
	c, err := NewClient(w.system, "ws://hawser.test/echo", o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.client = c
	states := c.States(context.Background())
	go func() {
		for e := range states {
			w.mu.Lock()
			w.events = append(w.events, e)
			w.mu.Unlock()
		}
	}()
	w.system.Root.Send(c.pid, &Do{Command: Connect})
	return c
}

// ready waits until the client is ready.
func (w *world) ready() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
	defer cancel()
	if err := w.client.WaitReady(ctx); err != nil {
		w.t.Fatalf("not ready: %v\n%v", err, w.story())
	}
	synctest.Wait()
}

// link is the newest link.
func (w *world) link() *transporttest.Link {
	links := w.listener.Links()
	return links[len(links)-1]
}

// send sends texts that the books must account for.
func (w *world) send(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		id, err := w.client.SendText(text)
		if err != nil {
			w.t.Fatalf("send %q: %v", text, err)
		}
		w.mu.Lock()
		w.ids[text] = id
		w.mu.Unlock()
	}
}

// end closes what is open and checks that nothing is left and the books balance.
func (w *world) end() {
	w.t.Helper()
	if w.client != nil {
		if err := w.client.Close(context.Background()); err != nil {
			w.t.Errorf("close client: %v\n%v", err, w.story())
		}
	}
	if w.server != nil {
		if err := w.server.Close(context.Background()); err != nil {
			w.t.Errorf("close server: %v", err)
		}
		if err := <-w.served; err != ErrServerClosed { //nolint:errorlint // never wrapped
			w.t.Errorf("serve returned %v", err)
		}
		if b := w.server.Books(); !b.Balanced() || b.InFlight != 0 {
			w.t.Errorf("server's books: %v", b)
		}
	}
	_ = w.listener.Close()
	time.Sleep(10 * time.Second) // protoactor's throttle of dead letters ends
	synctest.Wait()
	if w.client != nil {
		w.balanced()
		w.legal()
	}
	if !w.shared {
		nothingLeft(w.t, w.system)
	}
}

// nothingLeft checks that no actor of ours is left. It looks at every actor of the
// system, so those who share one call it at the end.
func nothingLeft(t testing.TB, system *actor.ActorSystem) {
	t.Helper()
	for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
		bucket.IterCb(func(name string, _ any) {
			if strings.HasPrefix(name, "hawser") {
				t.Errorf("left behind: %s", name)
			}
		})
	}
}

// balanced checks the ledger against the outcomes: each accepted message has
// exactly one.
func (w *world) balanced() {
	w.t.Helper()
	b := w.client.Books()
	if !b.Balanced() || b.InFlight != 0 {
		w.t.Errorf("client's books do not balance: %v", b)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[uint64]Outcome{}
	for _, o := range w.outcomes {
		if first, twice := seen[o.ID]; twice {
			w.t.Errorf("message %d has two outcomes: %v and %v", o.ID, first, o)
		}
		seen[o.ID] = o
	}
	if uint64(len(seen)) != b.Accepted {
		w.t.Errorf("%d outcomes for %d accepted messages", len(seen), b.Accepted)
	}
}

// delivered checks that what reached the server is in order and nothing twice,
// and that every text either arrived or was reported as not written. With lossy a
// message may be written and not arrive: the link was cut under it.
func (w *world) delivered(lossy bool) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	result := map[uint64]Result{}
	for _, o := range w.outcomes {
		result[o.ID] = o.Result
	}
	last := uint64(0)
	got := map[string]bool{}
	for _, text := range w.arrived {
		id, ours := w.ids[text]
		switch {
		case !ours:
			w.t.Errorf("%q arrived and was never sent", text)
		case got[text]:
			w.t.Errorf("%q arrived twice", text)
		case id < last:
			w.t.Errorf("%q (%d) arrived behind %d", text, id, last)
		}
		got[text] = true
		last = max(last, id)
		if r, ok := result[id]; ok && r == Dropped {
			w.t.Errorf("%q arrived and was reported as dropped", text)
		}
	}
	for text, id := range w.ids {
		if result[id] == Written && !got[text] && !lossy {
			w.t.Errorf("%q was written and did not arrive", text)
		}
	}
}

// successors is the automaton of events.
var successors = map[EventKind][]EventKind{
	EventConnecting:      {EventConnected, EventReconnecting, EventReconnectFailed, EventConnecting, EventHeld, EventStopped},
	EventConnected:       {EventReady, EventDisconnected},
	EventReady:           {EventReconnected, EventDisconnected},
	EventReconnected:     {EventDisconnected},
	EventDisconnected:    {EventReconnecting, EventReconnectFailed, EventConnecting, EventHeld, EventStopped},
	EventReconnecting:    {EventConnecting, EventReconnecting, EventReconnectFailed, EventHeld, EventStopped},
	EventReconnectFailed: {EventStopped},
	EventHeld:            {EventConnecting, EventHeld, EventStopped}, // held again: a Connect was taken back before it began
	EventStopped:         {},
}

// legal checks the order of the events, and that there is exactly one end.
func (w *world) legal() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	ends := 0
	epoch := uint64(0)
	for i, e := range w.events {
		if e.Kind == EventStopped {
			ends++
		}
		if e.Missed > 0 {
			w.t.Errorf("missed %d events", e.Missed)
		}
		if e.Epoch < epoch {
			w.t.Errorf("event %d goes back to epoch %d", i, e.Epoch)
		}
		epoch = e.Epoch
		if i > 0 && !slices.Contains(successors[w.events[i-1].Kind], e.Kind) {
			w.t.Errorf("%v follows %v", e.Kind, w.events[i-1].Kind)
		}
	}
	if ends != 1 {
		w.t.Errorf("%d ends: %v", ends, kinds(w.events))
	}
}

func kinds(events []Event) (s []string) {
	for _, e := range events {
		s = append(s, e.Kind.String())
	}
	return s
}

// story tells what happened to the client.
func (w *world) story() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := ""
	for _, e := range w.events {
		s += fmt.Sprintf("%-16v epoch %d attempt %d delay %v cause %v\n", e.Kind, e.Epoch, e.Attempt, e.Delay, e.Cause)
	}
	return s
}

func (w *world) received() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.arrived)
}

func (w *world) echoed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.came)
}

func (w *world) eventKinds() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return kinds(w.events)
}

// handlerOnce runs f for the first message.
func handlerOnce(f func()) Handler {
	var once sync.Once
	return HandlerFunc(func(*Context, transport.Message) { once.Do(f) })
}
