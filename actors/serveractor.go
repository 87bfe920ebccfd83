package actors

import (
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// serverActor is the actor of a server: it supervises the shards, the router and
// the modules.
type serverActor struct {
	*service
	parts   parts
	ready   chan error
	open    int  // shards that still run
	closing bool // the shards have been told to end
}

// started yields the result of the start.
func (a *serverActor) started() <-chan error { return a.ready }

func (a *serverActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.ready <- a.start(ctx)
	case *AddModule:
		a.parts.add(ctx, m)
	case *shutdown:
		a.shutdown(ctx, m)
	case *actor.Terminated:
		a.ended(ctx, m)
	case *revival:
		a.parts.revive(ctx, m.child)
	case *actor.Stopping:
		a.parts.ending = true
		a.lobby.close() // whoever stops us: nobody new is let in
	case *actor.Stopped:
		a.parts.over()
		close(a.stopped)
	default:
		unhandled(ctx)
	}
}

func (a *serverActor) start(ctx actor.Context) error {
	if err := a.parts.spawn(ctx, a.options.Modules, a.options.Middleware); err != nil {
		return err
	}
	a.shards = make([]atomic.Pointer[shard], a.options.Shards)
	for i := range a.shards {
		if err := a.spawnShard(ctx, i); err != nil {
			return err
		}
	}
	a.open = len(a.shards)
	return nil
}

func (a *serverActor) spawnShard(ctx actor.Context, i int) (err error) {
	s := &shard{service: a.service, box: newMailbox(a.root.dispatcher), conns: map[uint64]*Conn{}, gap: a.lookGapOf()}
	s.box.eager = true
	props := a.root.props(func() actor.Actor { return s }, s.box, stopChild{})
	name := a.parts.name("s" + strconv.FormatInt(int64(i), 36))
	if s.pid, err = ctx.SpawnNamed(props, name); err != nil {
		return fmt.Errorf("actors: spawn shard: %w", err)
	}
	a.shards[i].Store(s)
	return nil
}

// shutdown passes the end on to the shards.
func (a *serverActor) shutdown(ctx actor.Context, m *shutdown) {
	a.closing = true
	for i := range a.shards {
		a.shards[i].Load().box.PostUserMessage(m)
	}
	if a.open == 0 {
		a.parts.stop(ctx)
	}
}

// ended goes on with the shutdown when the last shard has ended. One that somebody
// else has stopped gets a successor; its connections have ended with it.
func (a *serverActor) ended(ctx actor.Context, m *actor.Terminated) {
	i := a.shardOf(m.Who)
	switch {
	case i < 0:
		a.parts.ended(ctx, m.Who)
		return
	case !a.closing && !a.parts.ending:
		a.parts.revived++
		err := a.spawnShard(ctx, i)
		a.logger.Warn("actors: an actor was stopped from outside and has a successor", "actor", m.Who.Id, "error", err)
		if err == nil {
			return
		}
	}
	if a.open--; a.open == 0 {
		a.parts.stop(ctx)
	}
}

func (a *serverActor) shardOf(pid *actor.PID) int {
	for i := range a.shards {
		if s := a.shards[i].Load(); s != nil && s.pid.Equal(pid) {
			return i
		}
	}
	return -1
}

// HandleFailure implements actor.SupervisorStrategy. A shard that fails is
// restarted: its connections end, the others live on.
func (a *serverActor) HandleFailure(sys *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, msg any) {
	a.parts.HandleFailure(sys, sup, child, rs, reason, msg)
}

// Observe lets the strategy of the modules see what it needs to.
func (a *serverActor) Observe(ctx actor.Context) bool { return a.parts.strategy.Observe(ctx) }
