package actors

import (
	"strconv"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

var askNames atomic.Uint64

// asker is the address of one answer that a goroutine waits for. protoactor's
// futures would do but for two things: they always have a timer of their own, and
// their time-out races with the answer.
type asker chan any

var _ actor.Process = asker(nil)

// ask makes an address for one answer. It must be given back with forgetAsk.
func (r *root) ask() (<-chan any, *actor.PID, error) {
	a := make(asker, 1)
	pid, ok := r.system.ProcessRegistry.Add(a, r.pid.Id+"/ask"+strconv.FormatUint(askNames.Add(1), 36))
	if !ok {
		return nil, nil, actor.ErrNameExists
	}
	return a, pid, nil
}

func (r *root) forgetAsk(pid *actor.PID) { r.system.ProcessRegistry.Remove(pid) }

// SendUserMessage implements actor.Process. Only the first answer counts.
func (a asker) SendUserMessage(_ *actor.PID, msg any) {
	_, msg, _ = actor.UnwrapEnvelope(msg)
	select {
	case a <- msg:
	default:
	}
}

// SendSystemMessage implements actor.Process.
func (a asker) SendSystemMessage(*actor.PID, any) {}

// Stop implements actor.Process.
func (a asker) Stop(*actor.PID) {}
