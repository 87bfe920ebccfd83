package rooms

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// setting says what a world is made of.
type setting struct {
	options Options
	outbox  actors.OutboxLimits
	errors  bool // panics are meant; else one fails the test
	patient bool // nobody is given up because it does not read
}

// world is a server with rooms, in a bubble of virtual time.
type world struct {
	t        testing.TB
	system   *actor.ActorSystem
	listener *transporttest.Listener
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	server   *actors.Server
	rooms    *Rooms
	beat     actors.Heartbeat

	mu    sync.Mutex
	doors map[string]chan *actors.Conn // by visitor: its connection, as the server sees it
	next  int
}

// in runs f in a world, and checks that all of it ends.
func in(t *testing.T, s setting, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener := transporttest.NewListener()
		w := newWorld(t, s, listener.Dial)
		w.listener = listener
		served := make(chan error, 1)
		go func() { served <- w.server.Serve(listener) }()
		t.Cleanup(func() { _ = w.server.Close(context.Background()) }) // if f does not return
		f(w)
		w.close()
		if err := <-served; !errors.Is(err, actors.ErrServerClosed) {
			t.Errorf("serve returned %v", err)
		}
		w.nothingLeft()
	})
}

func newWorld(t testing.TB, s setting, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *world {
	t.Helper()
	var options []actorstest.Option
	if s.errors {
		options = append(options, actorstest.AllowErrors())
	}
	w := &world{t: t, dial: dial, doors: map[string]chan *actors.Conn{}, system: actorstest.System(t, options...)}
	var err error
	if w.rooms, err = New(s.options); err != nil {
		t.Fatal(err)
	}
	o := actors.ServerOptions{
		Outbox:   s.outbox,
		Metadata: func(r *transport.Request) any { return r.Header.Get("Visitor") },
		Modules:  []actors.Module{{Name: "door", New: func() actors.Handler { return door{w} }}, w.rooms.Module()},
	}
	if s.patient {
		w.beat.Interval = -1
		o.WriteTimeout, o.Heartbeat = -1, w.beat
	}
	if w.server, err = actors.NewServer(w.system, o); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) close() {
	w.t.Helper()
	if err := w.server.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}

// nothingLeft checks that the rooms remember nothing of a server that has ended.
func (w *world) nothingLeft() {
	w.t.Helper()
	if s := w.rooms.Stats(); s.Rooms+s.Connections+s.Memberships != 0 {
		w.t.Errorf("left behind: %+v", s)
	}
	if err := w.rooms.Room("late").Broadcast(text("x")); !errors.Is(err, ErrClosed) {
		w.t.Errorf("a broadcast behind the end: %v", err)
	}
}

// door is a module that notes the connections of visitors.
type door struct{ w *world }

func (d door) OnMessage(*actors.Context, transport.Message) {}

func (d door) OnConnect(ctx *actors.Context) error {
	d.w.door(ctx.Conn().Metadata().(string)) <- ctx.Conn()
	return nil
}

func (w *world) door(visitor string) chan *actors.Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.doors[visitor] == nil {
		w.doors[visitor] = make(chan *actors.Conn, 1)
	}
	return w.doors[visitor]
}

// visitor is a client with its connection, as the server sees it.
type visitor struct {
	*actors.Client
	name string
	conn *actors.Conn
	link *transporttest.Link // nil over real sockets

	mu   sync.Mutex
	came []string
}

// visit connects one more client.
func (w *world) visit() *visitor {
	w.t.Helper()
	v := w.knock("/")
	v.conn = <-w.door(v.name)
	if err := v.WaitReady(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	if w.listener != nil {
		links := w.listener.Links()
		v.link = links[len(links)-1]
	}
	return v
}

// enter has visitors join a room, under the IDs "1", "2" and so on.
func (w *world) enter(room string, visitors ...*visitor) {
	w.t.Helper()
	for i, v := range visitors {
		w.join(room, strconv.Itoa(i+1), v)
	}
}

func (w *world) join(room, id string, v *visitor) {
	w.t.Helper()
	if err := w.rooms.Room(room).Join(context.Background(), v.conn, Member{ID: id}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) broadcast(room string, texts ...string) {
	w.t.Helper()
	for _, s := range texts {
		if err := w.rooms.Room(room).Broadcast(text(s)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// knock is visit for a client that may be refused.
func (w *world) knock(path string) *visitor {
	w.t.Helper()
	w.mu.Lock()
	w.next++
	name := fmt.Sprint("visitor ", w.next)
	w.mu.Unlock()
	v := &visitor{name: name}
	var err error
	v.Client, err = actors.Dial(context.Background(), w.system, "ws://rooms.test"+path, actors.ClientOptions{
		NetDial: w.dial,
		Header:  http.Header{"Visitor": {name}},
		Restart: supervisor.Temporary, Heartbeat: w.beat,
		Modules: []actors.Module{{Name: "record", New: func() actors.Handler { return actors.HandlerFunc(v.record) }}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := v.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
	return v
}

func (v *visitor) record(_ *actors.Context, m transport.Message) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.came = append(v.came, string(m.Payload))
}

// got returns what has come, once nothing moves any more.
func (v *visitor) got() []string {
	synctest.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.came)
}

func text(s string) transport.Message {
	return transport.Message{Kind: transport.Text, Payload: []byte(s)}
}
