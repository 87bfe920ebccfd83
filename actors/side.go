package actors

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// side is what all connections of one client or of one server share. It belongs
// to the stable plane and is immutable but for its counters and the route table.
type side struct {
	root      *root
	system    *actor.ActorSystem
	logger    *slog.Logger
	name      string
	server    bool
	heartbeat Heartbeat
	// closeTimeout bounds the close handshake, writeTimeout one write.
	closeTimeout time.Duration
	writeTimeout time.Duration
	policy       policy // of a server
	ledger       ledger
	routes       atomic.Pointer[table]
	hooks        *hookline             // of a client; a server's connections have their own
	hookTimeout  time.Duration         // bounds one step of the hooks
	line         *atomic.Pointer[Conn] // of a client: the connection that is ready, or nil
	counters     counters
	tasks        tasks
	vacate       sync.Once // gives the root back
	vacated      <-chan struct{}
}

// counters count what is no outcome of an outbound message.
type counters struct {
	received  atomic.Uint64 // inbound data messages
	unrouted  atomic.Uint64 // of these: no module wanted them
	failed    atomic.Uint64 // of these: the handler panicked
	discarded atomic.Uint64 // of these: dropped by a route's overflow policy or a middleware
	stale     atomic.Uint64 // late events of an old incarnation
	restarts  atomic.Uint64 // of modules and middleware

	bytesReceived atomic.Uint64 // payload of the inbound data messages
	bytesSent     atomic.Uint64 // of frames, handed to the sockets
	rtt           histogram     // of pings
}

// tasks counts the goroutines that actors start for work that blocks, by what
// they do, so that Close can wait for them and name them.
type tasks struct {
	mu    sync.Mutex
	named map[string]int
	idle  chan struct{}
}

// start runs fn on a goroutine that is counted under name.
func (t *tasks) start(name string, fn func()) {
	t.mu.Lock()
	if t.named == nil {
		t.named = map[string]int{}
	}
	t.named[name]++
	t.mu.Unlock()
	go func() {
		defer t.end(name)
		fn()
	}()
}

func (t *tasks) end(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.named[name]--; t.named[name] == 0 {
		delete(t.named, name)
	}
	if len(t.named) == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// wait returns when no task is left, or what is left when ctx is done.
func (t *tasks) wait(ctx context.Context) []string {
	for {
		t.mu.Lock()
		if len(t.named) == 0 {
			t.mu.Unlock()
			return nil
		}
		if t.idle == nil {
			t.idle = make(chan struct{})
		}
		idle := t.idle
		t.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return t.left()
		}
	}
}

func (t *tasks) left() (names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range t.named {
		names = append(names, "goroutine "+name)
	}
	return names
}

// publish makes an event known on the actor system's event stream. A subscriber
// that panics harms nobody but itself.
func (s *side) publish(event any) {
	defer func() {
		if r := recover(); r != nil {
			s.logger.Error("actors: event subscriber panicked", "panic", r)
		}
	}()
	s.system.EventStream.Publish(event)
}

// tell sends a message whose receiver may be gone. A dead letter runs other
// people's subscribers on this thread; their panics are not ours.
func (s *side) tell(to *actor.PID, msg any) {
	defer func() {
		if r := recover(); r != nil {
			s.logger.Error("actors: event subscriber panicked", "panic", r)
		}
	}()
	s.system.Root.Send(to, msg)
}

// deadLetter makes a dead letter of a message, with the same care.
func deadLetter(system *actor.ActorSystem, pid *actor.PID, msg any) {
	defer func() {
		if r := recover(); r != nil {
			system.Logger().Error("actors: event subscriber panicked", "panic", r)
		}
	}()
	system.DeadLetter.SendUserMessage(pid, msg)
}

// discard closes a socket that nobody wants.
func discard(c *transport.Conn) {
	if c != nil {
		_ = c.Reset() // nobody is left to be told
	}
}
