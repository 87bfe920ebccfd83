package actors

import (
	"context"
	"time"
)

// keepAlive: the server wants to see a message. Timer → Client
type keepAlive struct{ epoch uint64 }

func (*keepAlive) private() {}

// armKeepAlive sets the timer of the next message that the application sends to
// stay alive. It is for this connection alone.
func (a *clientActor) armKeepAlive() {
	if a.options.KeepAlive.Every <= 0 {
		return
	}
	box, m := a.box, &keepAlive{epoch: a.epoch}
	time.AfterFunc(a.options.KeepAlive.Every, func() { box.PostUserMessage(m) })
}

// atOnce is a context for an actor, which does not wait for room.
var atOnce = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (a *clientActor) keepAlive(m *keepAlive) {
	if m.epoch != a.epoch || a.state != Ready {
		return
	}
	a.guarded("KeepAlive.Message", func() {
		k := a.options.KeepAlive.Message()
		if _, err := a.post(atOnce, &Outgoing{Kind: k.Kind, Payload: k.Payload, Class: Volatile}); err != nil {
			a.logger.Warn("actors: keep-alive not accepted", "client", a.name, "error", err)
		}
	})
	a.armKeepAlive()
}
