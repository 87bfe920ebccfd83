package actors

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// root is what all clients and servers on one actor system share: the actor at
// the top of our tree, the workers, the poller. It is made with the first of them
// and ends with the last.
type root struct {
	system     *actor.ActorSystem
	dispatcher *dispatcher
	nursery    *nursery
	pid        *actor.PID
	box        *mailbox
	ended      chan struct{} // closed when the actor has stopped

	polling sync.Once
	poller  *transport.Poller

	users int // guarded by roots
}

var (
	rootsMu sync.Mutex
	roots   = map[*actor.ActorSystem]*root{}
	// rootNames makes names that no actor of this process has had before: a PID
	// that somebody kept never reaches a stranger.
	rootNames atomic.Uint64
)

// acquireRoot returns the root of a system, made if there is none. Each call
// needs a release.
func acquireRoot(system *actor.ActorSystem) (*root, error) {
	rootsMu.Lock()
	defer rootsMu.Unlock()
	if r := roots[system]; r != nil && !r.dead() {
		r.users++
		return r, nil
	}
	r := &root{system: system, dispatcher: newDispatcher(), ended: make(chan struct{}), users: 1}
	r.nursery = newNursery(r.dispatcher)
	name := "hawser" + strconv.FormatUint(rootNames.Add(1), 36)
	box := newMailbox(r.dispatcher)
	box.once = true
	pid, err := system.Root.SpawnNamed(r.props(func() actor.Actor { return &rootActor{root: r} }, box, stopChild{}), name)
	if err != nil {
		return nil, fmt.Errorf("actors: spawn %s: %w", name, err)
	}
	r.pid, r.box = pid, box
	roots[system] = r
	return r, nil
}

// release gives the root back. With the last user it ends; the channel is closed
// when it has.
func (r *root) release() <-chan struct{} {
	rootsMu.Lock()
	r.users--
	last := r.users == 0
	if last && roots[r.system] == r {
		delete(roots, r.system)
	}
	rootsMu.Unlock()
	ended := make(chan struct{})
	if !last {
		close(ended)
		return ended
	}
	go func() {
		defer close(ended)
		if err := r.end(); err != nil {
			r.system.Logger().Warn("actors: poller", "error", err)
		}
	}()
	return ended
}

// dead reports whether somebody has stopped the root's actor.
func (r *root) dead() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// end stops the root's actor, and then what ran the actors.
func (r *root) end() error {
	r.box.PostUserMessage(&retire{})
	<-r.ended
	var err error
	if p := r.takePoller(); p != nil {
		err = p.Close()
	}
	return errors.Join(err, r.dispatcher.close(context.Background()))
}

// pollerOf returns the poller, made when it is first needed. It is nil if the
// system has none for us; connections then have a goroutine each.
func (r *root) pollerOf() *transport.Poller {
	r.polling.Do(func() {
		p, err := transport.NewPoller(transport.PollerOptions{})
		if err != nil {
			r.system.Logger().Warn("actors: no poller, connections use goroutines", "error", err)
			return
		}
		r.poller = p
	})
	return r.poller
}

// takePoller returns the poller if one was made, and lets none be made later.
func (r *root) takePoller() *transport.Poller {
	r.polling.Do(func() {})
	return r.poller
}

// props is the recipe of an actor of ours: guarded, with our mailbox and on our
// workers. box may be nil if nobody needs to know it.
func (r *root) props(produce func() actor.Actor, box *mailbox, strategy actor.SupervisorStrategy) *actor.Props {
	if box == nil {
		box = newMailbox(r.dispatcher)
	}
	return actor.PropsFromProducer(
		supervisor.Guard(produce, supervisor.WithStrategy(strategy)),
		actor.WithMailbox(func() actor.Mailbox { return box }),
		actor.WithDispatcher(r.dispatcher),
	)
}

// adopt is a request to spawn a client or server below the root.
//
//	Dial, NewServer → root
type adopt struct {
	props *actor.Props
	name  string
	done  chan adopted
}

type adopted struct {
	pid *actor.PID
	err error
}

func (*adopt) private() {}

// undelivered: the root is gone.
func (a *adopt) undelivered() { a.done <- adopted{err: ErrStopped} }

// spawn starts an actor below the root and returns its PID.
func (r *root) spawn(props *actor.Props, name string) (*actor.PID, error) {
	a := &adopt{props: props, name: name, done: make(chan adopted, 1)}
	r.system.Root.Send(r.pid, a)
	select {
	case got := <-a.done:
		return got.pid, got.err
	case <-r.ended:
		return nil, ErrStopped
	}
}

// retire: nobody needs the root any more. Last user → root
type retire struct{}

func (*retire) private() {}

// rootActor is the top of the tree.
type rootActor struct {
	root     *root
	retiring bool
}

// depart ends a root that nobody needs behind its last child: what that one had to end
// is over, but protoactor may not know yet, and would send it a Stop that nobody takes.
func (r *rootActor) depart(ctx actor.Context) {
	if r.retiring && len(ctx.Children()) == 0 {
		ctx.Stop(ctx.Self())
	}
}

func (r *rootActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *adopt:
		pid, err := ctx.SpawnNamed(m.props, m.name)
		m.done <- adopted{pid: pid, err: err}
	case *retire:
		r.retiring = true
		for _, child := range ctx.Children() { // one that could not start is still there
			if _, lives := ctx.ActorSystem().ProcessRegistry.Get(child); lives {
				ctx.Stop(child)
			}
		}
		r.depart(ctx)
	case *actor.Terminated:
		r.depart(ctx)
	case *actor.Stopped:
		close(r.root.ended)
	default:
		unhandled(ctx)
	}
}

// stopChild is the strategy of those whose children are not restarted: the root,
// whose clients and servers have their own supervision, and a server's shards,
// whose connections are Temporary.
type stopChild struct{}

// HandleFailure implements actor.SupervisorStrategy.
func (stopChild) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, _, _ any) {
	s.StopChildren(child)
}

// below lists the actors that live below a name, for those who must say what did
// not stop.
func below(system *actor.ActorSystem, id string) (names []string) {
	for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
		bucket.IterCb(func(name string, _ any) {
			if name == id || strings.HasPrefix(name, id+"/") {
				names = append(names, "actor "+name)
			}
		})
	}
	return names
}
