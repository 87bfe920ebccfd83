package modules

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// apiHandler is the actors.Handler of an API.
type apiHandler[Req, Resp any] struct {
	api     *API[Req, Resp]
	ctx     Ctx
	ending  ending
	foreign bool // the API serves another client
}

// ending tells the end of a module from its restart, which a Handler's OnStop is
// not told.
type ending struct{ actor actor.Context }

// forGood reports, in OnStop, whether the module ends. The actor's context is the
// same for all messages, and holds the one that is being handled.
func (e ending) forGood() bool {
	if e.actor == nil {
		return true
	}
	_, restarts := e.actor.Message().(*actor.Restarting)
	return !restarts
}

// OnStart binds the API to the module's actor, which stays the same over restarts.
func (h *apiHandler[Req, Resp]) OnStart(ctx *actors.Context) {
	h.ending.actor = ctx.Context
	h.foreign = !h.api.desk.bind(ctx.Self().Id)
}

// OnConnect refuses a second client.
func (h *apiHandler[Req, Resp]) OnConnect(*actors.Context) error {
	if h.foreign {
		return &BindError{API: h.api.name}
	}
	return nil
}

// OnReady lets the calls go.
func (h *apiHandler[Req, Resp]) OnReady(ctx *actors.Context) {
	if !h.foreign {
		h.api.desk.open(ctx.Conn())
	}
}

// OnDisconnect fails the calls that wait. The replies that came before the end
// have been given out.
func (h *apiHandler[Req, Resp]) OnDisconnect(ctx *actors.Context, cause error) {
	if !h.foreign {
		h.api.desk.close(ctx.Conn(), cause)
	}
}

// OnEvent notes why it takes so long until a connection is back.
func (h *apiHandler[Req, Resp]) OnEvent(_ *actors.Context, e *actors.Event) {
	if e.Kind == actors.EventReconnecting && !h.foreign {
		h.api.desk.explain(e.Cause)
	}
}

// OnStop fails whatever waits when there is nobody left to answer.
func (h *apiHandler[Req, Resp]) OnStop() {
	if !h.foreign && h.ending.forGood() {
		h.api.desk.end()
	}
}

// OnMessage implements actors.Handler.
func (h *apiHandler[Req, Resp]) OnMessage(ctx *actors.Context, m transport.Message) {
	if h.foreign {
		return
	}
	h.ctx.receive(ctx, m)
	defer h.ctx.leave()
	if h.api.wire != nil {
		h.wired(m)
		return
	}
	header, err := peek(h.ctx.codec, m, TypePart|IDPart|ErrorPart)
	switch {
	case err != nil:
		h.undecoded(err)
	case len(header.ID) == 0:
		h.pushed(header)
	default:
		h.replied(header)
	}
}

// replied gives a reply to whoever asked.
func (h *apiHandler[Req, Resp]) replied(header Header) {
	c := h.api.desk.take(header.ID)
	if c == nil {
		return // late
	}
	r := Answer[Resp]{}
	if r.Err = h.refusal(header); r.Err == nil {
		if r.Err = decode(h.ctx.codec, h.ctx.message, header.Type, &r.Value); r.Err != nil {
			defer h.undecoded(r.Err) // when the caller has it
		}
	}
	h.answer(c, r)
}

func (h *apiHandler[Req, Resp]) answer(c *call[Resp], r Answer[Resp]) {
	if r.Err != nil {
		var none Resp
		r.Value = none
	}
	h.api.desk.count(func(s *APIStats) {
		if r.Err != nil {
			s.Failed++
		} else {
			s.Answered++
		}
	})
	c.done <- r
}

// refusal is the error that a reply says, or nil.
func (h *apiHandler[Req, Resp]) refusal(header Header) (err error) {
	o := &h.api.options
	if len(header.Error) > 0 {
		return &PeerError{Type: string(header.Type), Text: string(header.Error)}
	}
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Value: r}
		}
	}()
	if o.Error != nil {
		if err := o.Error(h.ctx.codec, h.ctx.message); err != nil {
			return err
		}
	}
	if o.Refusal != "" && o.Refusal != o.Reply && string(header.Type) == o.Refusal {
		return &PeerError{Type: o.Refusal, Text: "no reason given"}
	}
	return nil
}

// pushed passes on what nobody asked for.
func (h *apiHandler[Req, Resp]) pushed(header Header) {
	f := h.api.push.Load()
	if f == nil {
		return // it was taken back meanwhile
	}
	var v Resp
	if err := decode(h.ctx.codec, h.ctx.message, header.Type, &v); err != nil {
		h.undecoded(err)
		return
	}
	h.push(*f, v)
}

func (h *apiHandler[Req, Resp]) push(f func(*Ctx, Resp), v Resp) {
	h.api.desk.count(func(s *APIStats) { s.Pushes++ })
	f(&h.ctx, v)
}

// wired handles a message that the user's functions read.
func (h *apiHandler[Req, Resp]) wired(m transport.Message) {
	r, ok, err := h.read(m)
	switch {
	case err != nil:
		h.undecoded(err)
	case !ok:
	case r.ID == "":
		if f := h.api.push.Load(); f != nil {
			h.push(*f, r.Value)
		}
	default:
		if c := h.api.desk.take([]byte(r.ID)); c != nil {
			h.answer(c, r)
		}
	}
}

func (h *apiHandler[Req, Resp]) read(m transport.Message) (r Answer[Resp], ok bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &CodecError{Codec: h.api.name, Op: "decode", Err: &PanicError{Value: p}}
		}
	}()
	r, ok = h.api.wire.Decode(m)
	return r, ok, nil
}

func (h *apiHandler[Req, Resp]) undecoded(err error) {
	h.api.desk.count(func(s *APIStats) { s.Undecoded++ })
	h.api.faults.tell(&h.ctx, err)
}
