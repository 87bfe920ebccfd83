package supervisor

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// The tree of this test has the shape and the habits of a client's:
//
//	client → connection → reader, writer
//
// The connection waits its plan, then has a socket and spawns reader and writer. It
// closes the socket when it ends; the reader's goroutine reports that as a failure,
// which hung the stop of an unguarded connection in most runs.

// tree is one client.
type tree struct {
	t         *testing.T
	reconnect *Reconnect
	live      atomic.Int32 // incarnations of the connection between Started and Stopped
	ended     atomic.Bool  // the client has had its Stopped
	leaves    [2]atomic.Pointer[actor.PID]
}

// dither lets others run, for a random while.
func dither(n int) {
	for range n {
		runtime.Gosched()
	}
	if n%3 == 0 {
		sleep(time.Duration(n) * time.Millisecond)
	}
}

type clientActor struct {
	*tree
	connection *actor.PID
}

func (c *clientActor) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		c.connection, _ = ctx.SpawnNamed(actor.PropsFromProducer(
			Guard(func() actor.Actor { return &connectionActor{tree: c.tree} }, WithStrategy(AllForEscalate{}))), "connection")
	case *actor.Stopped:
		c.ended.Store(true)
	case string: // "stop connection"
		c.reconnect.Leaving()
		ctx.Stop(c.connection)
	}
}

type dialDone struct{}

type connectionActor struct {
	*tree
	timer  *time.Timer
	socket chan struct{}
	ending bool
}

func (c *connectionActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		if c.ended.Load() {
			c.t.Error("a connection started after its client had stopped")
		}
		if n := c.live.Add(1); n != 1 {
			c.t.Errorf("%d incarnations at once", n)
		}
		self, root := ctx.Self(), ctx.ActorSystem().Root
		c.timer = time.AfterFunc(c.reconnect.Plan().Delay, func() { root.Send(self, &dialDone{}) })
	case *dialDone:
		if c.ending {
			return
		}
		c.socket = make(chan struct{})
		for i, name := range []string{"reader", "writer"} {
			pid, err := ctx.SpawnNamed(actor.PropsFromProducer(Guard(func() actor.Actor { return &leafActor{socket: c.socket} })), name)
			if err != nil {
				panic(err)
			}
			c.leaves[i].Store(pid)
		}
	case *actor.Restarting, *actor.Stopping:
		if c.ending {
			return
		}
		c.ending = true
		c.live.Add(-1)
		c.timer.Stop()
		if c.socket != nil {
			close(c.socket)
		}
		runtime.Gosched()
	case error:
		panic(m)
	}
}

// leafActor is a reader or a writer: it fails when the socket is closed, by whoever.
type leafActor struct{ socket chan struct{} }

func (l *leafActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		self, root, socket := ctx.Self(), ctx.ActorSystem().Root, l.socket
		go func() {
			<-socket
			root.Send(self, io.ErrClosedPipe)
		}()
	case *actor.Stopping:
		runtime.Gosched()
	case error:
		panic(m)
	}
}

func TestAThousandStopsAtRandomMomentsOfAFailureNeverHang(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range 20 {
		inBubble(t, func(t *testing.T, w *world) {
			for i := range 50 {
				stopAtRandom(t, w, fmt.Sprintf("client%d-%d", round, i), rand.New(rand.NewPCG(seed, uint64(round*50+i))))
			}
			if w.logged("panic") {
				t.Errorf("a panic was swallowed:\n%s", w.log.String())
			}
		})
		if t.Failed() {
			return
		}
	}
}

func stopAtRandom(t *testing.T, w *world, name string, random *rand.Rand) {
	tr := &tree{t: t}
	var late atomic.Int32
	tr.reconnect = NewReconnect(Policy{Backoff: Backoff{InitialDelay: 20 * time.Millisecond, MaxDelay: 50 * time.Millisecond}}, ReconnectOptions{
		Rand: func() float64 { return .5 },
		Notify: func(any) {
			if tr.ended.Load() {
				late.Add(1)
			}
		},
	})
	client, err := w.system.Root.SpawnNamed(actor.PropsFromProducer(
		Guard(func() actor.Actor { return &clientActor{tree: tr} }, WithStrategy(tr.reconnect))), name)
	if err != nil {
		t.Fatal(err)
	}
	sleep(time.Millisecond)
	synctest.Wait() // ready: reader and writer are there

	connection := actor.NewPID(client.Address, name+"/connection")
	failing := []*actor.PID{connection, tr.leaves[0].Load(), tr.leaves[1].Load()}
	for _, pid := range failing[random.IntN(3):] {
		go func(n int) {
			dither(n)
			w.send(pid, io.EOF)
		}(random.IntN(40))
	}
	if random.IntN(4) == 0 {
		go func(n int) {
			dither(n)
			w.system.Root.Stop(connection) // by a stranger, while its supervisor may restart it
		}(random.IntN(40))
	}
	if random.IntN(4) == 0 {
		go func(n int) {
			dither(n)
			w.send(client, "stop connection")
		}(random.IntN(40))
	}
	dither(random.IntN(60))
	began := time.Now()
	if err := w.system.Root.StopFuture(client).Wait(); err != nil {
		t.Errorf("%s: stop: %v", name, err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("%s: the stop took %s", name, took)
	}
	sleep(time.Second)
	w.stop(t, client)
	if n := tr.live.Load(); n != 0 {
		t.Errorf("%s: %d incarnations live on", name, n)
	}
	if n := late.Load(); n != 0 {
		t.Errorf("%s: %d events after the stop", name, n)
	}
}
