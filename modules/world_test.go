package modules_test

import (
	"context"
	"errors"
	"strings"
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

// world is a client with modules, and a peer, in a bubble of virtual time.
type world struct {
	t        *testing.T
	system   *actor.ActorSystem
	listener *transporttest.Listener
	server   *actors.Server
	client   *actors.Client
	served   chan error

	mu   sync.Mutex
	line *actors.Conn // the peer's end of the latest connection
	came []string     // what reached the peer
	heed func(*actors.Conn, transport.Message)
	rest []string // what no module of the client wanted
}

// inWorld runs f with a client that has these modules and is ready.
func inWorld(t *testing.T, o actors.ClientOptions, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, o.Subprotocols)
		w.dial(o)
		f(w)
		w.close()
	})
}

func newWorld(t *testing.T, subprotocols []string, modules ...actors.Module) *world {
	t.Helper()
	w := &world{t: t, system: actorstest.System(t), listener: transporttest.NewListener(), served: make(chan error, 1)}
	w.serve(subprotocols, modules...)
	return w
}

// serve starts the peer, with these modules beside.
func (w *world) serve(subprotocols []string, modules ...actors.Module) {
	w.t.Helper()
	var err error
	w.server, err = actors.NewServer(w.system, actors.ServerOptions{
		Subprotocols: subprotocols,
		Modules:      append(modules, actors.Module{Name: "peer", New: func() actors.Handler { return &peer{w} }}),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	server, served := w.server, w.served
	go func() { served <- server.Serve(w.listener) }()
	w.t.Cleanup(w.close) // also when the test ends early, or its time would never end
}

// dial starts the client, and waits until it is ready.
func (w *world) dial(o actors.ClientOptions) {
	w.t.Helper()
	o.NetDial = w.listener.Dial
	o.Modules = append(o.Modules, actors.Module{Name: "rest", Unrouted: true, New: func() actors.Handler {
		return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.rest = append(w.rest, string(m.Payload))
		})
	}})
	var err error
	if w.client, err = actors.Dial(context.Background(), w.system, "ws://modules.test/", o); err != nil {
		w.t.Fatal(err)
	}
	w.ready()
}

func (w *world) ready() {
	w.t.Helper()
	if err := w.client.WaitReady(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

func (w *world) close() {
	if w.server == nil {
		return
	}
	var err error
	if w.client != nil {
		err = w.client.Close(context.Background())
	}
	if err = errors.Join(err, w.server.Close(context.Background())); err != nil {
		w.t.Error(err)
	}
	if err := <-w.served; !errors.Is(err, actors.ErrServerClosed) {
		w.t.Errorf("serve returned %v", err)
	}
	w.server = nil
}

// peer is the other end.
type peer struct{ w *world }

func (p *peer) OnReady(ctx *actors.Context) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.line = ctx.Conn()
}

func (p *peer) OnMessage(ctx *actors.Context, m transport.Message) {
	p.w.mu.Lock()
	p.w.came = append(p.w.came, string(m.Payload))
	heed := p.w.heed
	p.w.mu.Unlock()
	if heed != nil {
		heed(ctx.Conn(), m)
	}
}

// answer makes the peer do this with what reaches it.
func (w *world) answer(f func(*actors.Conn, transport.Message)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heed = f
}

// says makes the peer send texts, and waits until they have been handled.
func (w *world) says(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		w.sends(transport.Text, text)
	}
	synctest.Wait()
}

func (w *world) sends(kind transport.Kind, payload string) {
	w.t.Helper()
	w.mu.Lock()
	line := w.line
	w.mu.Unlock()
	if _, err := line.Send(kind, []byte(payload)); err != nil {
		w.t.Fatal(err)
	}
}

// cut ends the connection as a network does.
func (w *world) cut() {
	links := w.listener.Links()
	links[len(links)-1].Reset()
}

// heard is what reached the peer, a line each.
func (w *world) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.came, "\n")
}

// unrouted is what no module wanted, a line each.
func (w *world) unrouted() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.rest, "\n")
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
