package rooms

import (
	"runtime"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
)

// mostShards is how many shards there are at most: the kernel does not write to more
// sockets at a time for more of them.
const mostShards = 15

// shards is how many there are: the host has a processor too.
func shards() int { return min(runtime.GOMAXPROCS(0)-1, mostShards) }

// shard is an actor that brings messages to members of big rooms: those of a volley that
// neither the host nor another shard has taken on.
type shard struct{}

// Receive implements actor.Actor. It gets volleys. Host → Shard
func (*shard) Receive(ctx actor.Context) {
	if v, ok := ctx.Message().(*volley); ok {
		v.share()
		v.release()
	}
}

// rally tells the shards of a volley.
func (r *Rooms) rally(v *volley) {
	all := r.shards.Load()
	if all == nil {
		return
	}
	v.holders.Add(int32(len(*all)))
	for _, pid := range *all {
		r.system.Root.Send(pid, v)
	}
}

// muster spawns one more shard.
func (h *hall) muster(ctx actor.Context) {
	pid, err := ctx.SpawnNamed(actors.ChildProps(ctx.ActorSystem(), func() actor.Actor { return &shard{} }), h.rooms.nameOf("shard"))
	if err != nil {
		ctx.Logger().Error("rooms: spawn", "error", err)
		return
	}
	h.shards = append(h.shards, pid)
	h.publish()
}

// dismiss has a shard that has ended replaced.
func (h *hall) dismiss(ctx actor.Context, who *actor.PID) {
	i := slices.IndexFunc(h.shards, who.Equal)
	if i < 0 || h.ending {
		return
	}
	h.shards = slices.Delete(h.shards, i, i+1)
	h.muster(ctx)
}

// publish has the hosts know the shards.
func (h *hall) publish() {
	all := slices.Clone(h.shards)
	h.rooms.shards.Store(&all)
}
