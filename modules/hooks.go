package modules

import (
	"time"

	"github.com/hawser-go/hawser/actors"
)

// hooks are the functions that Routes has registered beside the routes.
type hooks struct {
	start           func(*Ctx)
	connect         func(*Ctx) error
	ready           func(*Ctx)
	disconnect      func(*Ctx, error)
	reconnecting    func(*Ctx, int, time.Duration) error
	reconnected     func(*Ctx, int)
	reconnectFailed func(*Ctx, int, error)
	stop            func()
	event           func(*Ctx, *actors.Event)
	receive         func(*Ctx, any)
}

// awaited reports whether a connection has to wait for one of them.
func (h *hooks) awaited() bool {
	return h.connect != nil || h.ready != nil || h.disconnect != nil ||
		h.reconnecting != nil || h.reconnected != nil || h.reconnectFailed != nil
}

// The hooks of a module, in the order in which they are called; see
// actors.Handler. Each may be registered once; of two the later one counts. Those
// from OnConnect to OnReconnectFailed are awaited: the connection goes on when all
// modules have returned from them.

// OnStart is called first of all, at each start and restart.
func (r *Routes) OnStart(f func(*Ctx)) { r.hooks.start = f }

// OnReconnecting is called before a wait of that delay and the next attempt. An
// error makes the attempt fail without dialling.
func (r *Routes) OnReconnecting(f func(c *Ctx, attempt int, delay time.Duration) error) {
	r.hooks.reconnecting = f
}

// OnConnect is called when the socket is up, before the set-up. An error ends it,
// and is the failure of the attempt.
func (r *Routes) OnConnect(f func(*Ctx) error) { r.hooks.connect = f }

// OnReady is called when the set-up is done, before any message of this connection
// is delivered and before any that waits has left.
func (r *Routes) OnReady(f func(*Ctx)) { r.hooks.ready = f }

// OnReconnected is called right after OnReady when a lost connection is back.
func (r *Routes) OnReconnected(f func(c *Ctx, attempts int)) { r.hooks.reconnected = f }

// OnDisconnect is called behind the last message of a connection. cause is nil if it
// was ended on purpose.
func (r *Routes) OnDisconnect(f func(c *Ctx, cause error)) { r.hooks.disconnect = f }

// OnReconnectFailed is called when the policy has given up.
func (r *Routes) OnReconnectFailed(f func(c *Ctx, attempts int, cause error)) {
	r.hooks.reconnectFailed = f
}

// OnStop is called when the module ends or restarts.
func (r *Routes) OnStop(f func()) { r.hooks.stop = f }

// OnEvent is called with every event of the client. Nobody waits for it.
func (r *Routes) OnEvent(f func(c *Ctx, e *actors.Event)) { r.hooks.event = f }

// OnReceive is called with what is sent to the module's PID; c.Actor() is the way to
// answer. Without it such messages become dead letters.
func (r *Routes) OnReceive(f func(c *Ctx, message any)) { r.hooks.receive = f }
