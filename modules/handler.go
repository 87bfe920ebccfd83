package modules

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// handler is the actors.Handler of Func and Define. It lives from one start of the
// module to the next.
type handler struct {
	*settings
	ctx   Ctx
	serve func(c *Ctx) error
	hooks hooks
}

func newHandler(s *settings) *handler { return &handler{settings: s, ctx: Ctx{codecs: s.codecs}} }

// OnMessage implements actors.Handler.
func (h *handler) OnMessage(ctx *actors.Context, m transport.Message) {
	h.ctx.receive(ctx, m)
	returned := false
	defer func() {
		if !returned {
			h.counters.panicked.Add(1)
		}
		h.ctx.leave()
	}()
	err := h.serve(&h.ctx)
	returned = true
	h.settle(err)
}

// settle counts what became of a message.
func (h *handler) settle(err error) {
	switch e := err.(type) { //nolint:errorlint // its own errors as they are: a handler may return one of another message, wrapped
	case nil:
		h.counters.handled.Add(1)
		return
	case *undecoded:
		h.counters.undecoded.Add(1)
		err = e.CodecError
	case *UnknownTypeError:
		h.counters.unknown.Add(1)
	default:
		h.counters.failed.Add(1)
	}
	h.faults.tell(&h.ctx, err)
}

// undecoded is a *CodecError of the message at hand, told apart from one that the
// handler returns because its answer could not be written.
type undecoded struct{ *CodecError }

// asUndecoded marks an error of peek or decode.
func asUndecoded(err error) error {
	if e, ok := err.(*CodecError); ok { //nolint:errorlint // made by peek and decode themselves
		return &undecoded{e}
	}
	return err
}

// OnStart, OnStop and OnEvent cost nothing where nobody wants them.

func (h *handler) OnStart(ctx *actors.Context) { h.call(ctx, h.hooks.start) }

func (h *handler) OnStop() {
	if h.hooks.stop != nil {
		h.hooks.stop()
	}
}

func (h *handler) OnEvent(ctx *actors.Context, e *actors.Event) {
	if f := h.hooks.event; f != nil {
		h.call(ctx, func(c *Ctx) { f(c, e) })
	}
}

// call calls a function of the user outside of a message.
func (h *handler) call(ctx *actors.Context, f func(*Ctx)) {
	if f == nil {
		return
	}
	h.ctx.enter(ctx)
	defer h.ctx.leave()
	f(&h.ctx)
}

// ask is call for a function that may refuse.
func (h *handler) ask(ctx *actors.Context, f func(*Ctx) error) (err error) {
	if f != nil {
		h.call(ctx, func(c *Ctx) { err = f(c) })
	}
	return err
}

// form returns the handler with the methods for what was registered, and no
// others: every awaited hook is a message for each connection.
func (h *handler) form() actors.Handler {
	awaited, received := h.hooks.awaited(), h.hooks.receive != nil
	switch {
	case awaited && received:
		return struct {
			*handler
			lifecycle
			receiver
		}{h, lifecycle{h}, receiver{h}}
	case awaited:
		return struct {
			*handler
			lifecycle
		}{h, lifecycle{h}}
	case received:
		return struct {
			*handler
			receiver
		}{h, receiver{h}}
	default:
		return h
	}
}

// lifecycle has the awaited hooks of a handler.
type lifecycle struct{ of *handler }

func (l lifecycle) OnConnect(ctx *actors.Context) error { return l.of.ask(ctx, l.of.hooks.connect) }

func (l lifecycle) OnReady(ctx *actors.Context) { l.of.call(ctx, l.of.hooks.ready) }

func (l lifecycle) OnDisconnect(ctx *actors.Context, cause error) {
	if f := l.of.hooks.disconnect; f != nil {
		l.of.call(ctx, func(c *Ctx) { f(c, cause) })
	}
}

func (l lifecycle) OnReconnecting(ctx *actors.Context, attempt int, delay time.Duration) error {
	f := l.of.hooks.reconnecting
	if f == nil {
		return nil
	}
	return l.of.ask(ctx, func(c *Ctx) error { return f(c, attempt, delay) })
}

func (l lifecycle) OnReconnected(ctx *actors.Context, attempts int) {
	if f := l.of.hooks.reconnected; f != nil {
		l.of.call(ctx, func(c *Ctx) { f(c, attempts) })
	}
}

func (l lifecycle) OnReconnectFailed(ctx *actors.Context, attempts int, cause error) {
	if f := l.of.hooks.reconnectFailed; f != nil {
		l.of.call(ctx, func(c *Ctx) { f(c, attempts, cause) })
	}
}

// receiver takes what is sent to the module's PID.
type receiver struct{ of *handler }

func (r receiver) Receive(ctx actor.Context) {
	r.of.call(&actors.Context{Context: ctx}, func(c *Ctx) { r.of.hooks.receive(c, ctx.Message()) })
}
