package modulestest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// world is a client and a server joined in memory. The module under test is below
// one of them, with another module beside it; the other one is the peer.
type world struct {
	t        *testing.T
	options  Options
	side     Side
	subject  *subject
	listener *transporttest.Listener
	server   *actors.Server
	client   *actors.Client
	served   chan error
	closed   bool

	mu     sync.Mutex
	beside []string     // what the module beside has got
	ends   []error      // how the peer's connections ended
	line   *actors.Conn // of a server that is the peer: the latest connection
}

// inWorld runs f in a bubble of virtual time, with the module as change makes it.
func inWorld(t *testing.T, s suite, side Side, change func(*actors.Module), f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := s.module()
		if change != nil {
			change(&m)
		}
		if m.New == nil {
			t.Fatalf("modulestest: the module %q has no New", m.Name)
		}
		w := &world{t: t, options: s.options, side: side, subject: newSubject(), listener: transporttest.NewListener()}
		system := actorstest.System(t)
		before := bubbled()
		w.start(system, w.subject.wrap(m))
		f(w)
		w.close()
		<-time.After(time.Millisecond) // the actor system has a goroutine that comes and goes with dead letters
		synctest.Wait()
		w.report(before)
	})
}

// start brings both ends up.
func (w *world) start(system *actor.ActorSystem, m actors.Module) {
	w.t.Helper()
	path := w.options.Path
	if path == "" {
		path = m.Path
	}
	tested := []actors.Module{m, {Name: "modulestest-beside", New: func() actors.Handler { return actors.HandlerFunc(w.record) }}}
	peer := []actors.Module{{Name: "modulestest-peer", New: func() actors.Handler { return &peer{world: w} }}}
	so, co := actors.ServerOptions{Modules: peer}, actors.ClientOptions{Modules: tested, NetDial: w.listener.Dial}
	if w.side == ServerOnly {
		so.Modules, co.Modules = tested, peer
	}
	if p := w.options.Subprotocol; p != "" {
		so.Subprotocols, co.Subprotocols = []string{p}, []string{p}
	}
	var err error
	if w.server, err = actors.NewServer(system, so); err != nil {
		w.t.Fatalf("modulestest: %v", err)
	}
	w.served = make(chan error, 1)
	go func() { w.served <- w.server.Serve(w.listener) }()
	if w.client, err = actors.Dial(context.Background(), system, "ws://modulestest.test"+path, co); err != nil {
		w.stop()
		w.t.Fatalf("modulestest: %v", err)
	}
	w.t.Cleanup(w.close) // also when the test ends early, or its time would never end
	w.ready()
}

// ready waits until messages flow.
func (w *world) ready() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.client.WaitReady(ctx); err != nil {
		w.t.Fatalf("modulestest: no connection became ready: %v; does OnConnect refuse it, or a hook not return?", err)
	}
	synctest.Wait()
}

// record is the module beside the one under test.
func (w *world) record(_ *actors.Context, m transport.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beside = append(w.beside, string(m.Payload))
}

func (w *world) others() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.beside...)
}

// peer is the other end. What the module sends it is not looked at.
type peer struct{ world *world }

func (*peer) OnMessage(*actors.Context, transport.Message) {}

func (p *peer) OnReady(ctx *actors.Context) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.world.line = ctx.Conn()
}

func (p *peer) OnDisconnect(_ *actors.Context, cause error) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.world.ends = append(p.world.ends, cause)
}

// told reports whether the peer was told this close code.
func (w *world) told(code transport.CloseCode) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, err := range w.ends {
		var frame *transport.CloseError
		if errors.As(err, &frame) && frame.Code == code {
			return true
		}
	}
	return false
}

// sends makes the peer send messages first to last-1, and returns their payloads.
func (w *world) sends(first, last int) (payloads []string) {
	w.t.Helper()
	for i := first; i < last; i++ {
		m := w.options.Message(i)
		payloads = append(payloads, string(m.Payload))
		if err := w.send(m); err != nil {
			w.t.Fatalf("modulestest: message %d could not be sent: %v", i, err)
		}
	}
	return payloads
}

func (w *world) send(m transport.Message) error {
	w.mu.Lock()
	line := w.line
	w.mu.Unlock()
	if w.side == ServerOnly {
		_, err := w.client.Send(m.Kind, m.Payload)
		return err
	}
	_, err := line.Send(m.Kind, m.Payload)
	return err
}

// drop ends the connection as a network does, and waits for the next.
func (w *world) drop() {
	w.t.Helper()
	links := w.listener.Links()
	links[len(links)-1].Reset()
	synctest.Wait()
	w.ready()
}

// close ends both sides, and insists that it takes no longer than it may.
func (w *world) close() {
	w.t.Helper()
	if w.closed {
		return
	}
	w.closed = true
	w.subject.open()
	began := time.Now()
	if w.side == ServerOnly {
		w.stop()
	}
	if err := w.client.Close(context.Background()); err != nil {
		w.t.Errorf("modulestest: the client did not close: %v", err)
	}
	if w.side != ServerOnly {
		w.stop()
	}
	if took := time.Since(began); took > 15*time.Second {
		w.t.Errorf("modulestest: closing took %s", took)
	}
}

func (w *world) stop() {
	w.t.Helper()
	if err := w.server.Close(context.Background()); err != nil {
		w.t.Errorf("modulestest: the server did not close: %v", err)
	}
	if err := <-w.served; !errors.Is(err, actors.ErrServerClosed) {
		w.t.Errorf("modulestest: serving ended with %v", err)
	}
}

// report says what the module did wrong, and left behind.
func (w *world) report(before map[string]string) {
	w.t.Helper()
	s := w.subject
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fault := range s.faults {
		w.t.Errorf("modulestest: %s", fault)
	}
	if s.starts != s.stops {
		w.t.Errorf("modulestest: OnStart was called %d times and OnStop %d times", s.starts, s.stops)
	}
	for id, stack := range bubbled() {
		if before[id] == "" {
			w.t.Errorf("modulestest: a goroutine is still there after Close; end it in OnStop, and wait for it:\n%s", stack)
		}
	}
}
