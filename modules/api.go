package modules

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// APIOptions say how an API asks and knows its answers. The zero value is good.
type APIOptions struct {
	// Request is the type of the requests. Default: the API's name.
	Request string
	// Reply is the type of the replies. Default: that of the requests.
	Reply string
	// Refusal is the type of replies that say that a call failed, where it is not
	// that of the others. Default "": none.
	Refusal string
	// Codecs says which codec a connection speaks. Default: JSON{}.
	Codecs Codecs
	// Error says what is wrong with a reply; nil is a good one. It is for peers that
	// do not use the codec's own error, which is looked at first. It must not keep the
	// payload.
	Error func(c Codec, m transport.Message) error
	// Rule says which messages may be replies and pushes. Default: those of type Reply
	// or Refusal whose id is one of this API's; and with OnPush, those without an id.
	Rule actors.Rule
	// Timeout bounds a call, waiting for a connection included. Default 10 s; negative:
	// only the call's context does.
	Timeout time.Duration
	// MaxCalls is how many calls may be under way. Default, also for negative values:
	// 1024.
	MaxCalls int
	// WaitReady makes a call wait for a connection. Default: it fails at once with
	// ErrNotReady.
	WaitReady bool
	// OnError is told of messages that could not be understood, in the module's turn.
	// Default nil: a sample of them is logged.
	OnError func(*Ctx, error)
}

// Wire is how an API writes requests and reads replies that no Codec can describe.
// All are called without locks; Encode by many goroutines at once, Decode in the
// module's turn.
type Wire[Req, Resp any] struct {
	// Encode writes a request. The reply must lead Decode to the same id, which is
	// unique in the process. Required.
	Encode func(id string, q Req) (transport.Message, error)
	// Decode reads a message. With ok false it is none of this API's. It must not keep
	// the payload. Required.
	Decode func(m transport.Message) (r Answer[Resp], ok bool)
}

// Answer is what a message says to the one who asked.
type Answer[Resp any] struct {
	// ID is that of the request; "" is a push, which answers none.
	ID string
	// Value is the answer, unless Err is set.
	Value Resp
	// Err is why the peer refused.
	Err error
}

// API asks the peer of one client, and gives each answer to whoever asked. It is a
// handle: any number of goroutines may use it at the same time. It outlives
// connections, reconnects, and restarts of its module.
type API[Req, Resp any] struct {
	name    string
	options APIOptions
	wire    *Wire[Req, Resp]
	first   uint64 // the ids of this API are first+1, first+2 …
	desk    desk[Resp]
	push    atomic.Pointer[func(*Ctx, Resp)]
	faults  faults
}

// idBits is how many bits of an id count calls. The bits above are the API's own,
// so that no API takes another's reply for its own; together they are at most 52, so
// that every language reads the id exactly as a number.
const idBits = 32

var apis atomic.Uint64

// NewAPI returns an API whose messages a codec writes and reads: requests of type
// Request and replies of type Reply, tied together by an id. Give its Module to a
// client.
func NewAPI[Req, Resp any](name string, o APIOptions) *API[Req, Resp] {
	if o.Request == "" {
		o.Request = name
	}
	if o.Reply == "" {
		o.Reply = o.Request
	}
	if o.MaxCalls <= 0 {
		o.MaxCalls = 1024
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	a := &API[Req, Resp]{name: name, options: o, first: apis.Add(1) % (1 << 20) << idBits}
	a.faults = faults{module: name, hear: o.OnError}
	a.desk.limit = o.MaxCalls
	return a
}

// NewWireAPI returns an API whose messages are written and read by functions. Set
// APIOptions.Rule, or the module takes every message for one of its own, and none
// counts as unrouted.
func NewWireAPI[Req, Resp any](name string, w Wire[Req, Resp], o APIOptions) *API[Req, Resp] {
	a := NewAPI[Req, Resp](name, o)
	a.wire = &w
	return a
}

// Module returns the module of the API, for the client that it is to ask. An API
// serves one client at a time: a second one that is given its module stops with a
// *BindError when it connects. It is made for clients; on a server it asks the
// connection that became ready last.
func (a *API[Req, Resp]) Module() actors.Module {
	m := actors.Module{Name: a.name, Rule: a.options.Rule}
	if w := a.wire; w == nil || w.Encode != nil && w.Decode != nil { // else actors says that New is missing
		m.New = func() actors.Handler { return &apiHandler[Req, Resp]{api: a, ctx: Ctx{codecs: a.options.Codecs}} }
	}
	if m.Rule == nil && a.wire == nil {
		m.Rule = replies[Req, Resp]{a}
	}
	return m
}

// OnPush names the function that gets what comes unasked: messages of type Reply
// without an id. It is called in the module's turn; a panic restarts the module.
// nil: they are none of this API's. It may be changed at any time.
func (a *API[Req, Resp]) OnPush(f func(*Ctx, Resp)) {
	if f == nil {
		a.push.Store(nil)
		return
	}
	a.push.Store(&f)
}

// Stats returns what has become of the calls so far.
func (a *API[Req, Resp]) Stats() APIStats { return a.desk.stats() }

// Call asks, and returns the answer to this very question. It fails
//
//   - with ErrNotReady, if there is no connection;
//   - with ErrTooManyCalls, if MaxCalls are under way;
//   - with a *CodecError, if the request cannot be written or the reply not be read;
//   - with what Conn.SendHere says, if it is not accepted;
//   - with a *PeerError, or what APIOptions.Error or Wire.Decode make of the reply, if
//     the peer refuses;
//   - with ErrDisconnected and the cause, as soon as the connection is lost;
//   - with ErrNoReply after APIOptions.Timeout, and with the error of ctx when that
//     is done. A reply that comes later is counted and dropped.
//
// Do not call it in a handler: the answer could be waiting behind it.
func (a *API[Req, Resp]) Call(ctx context.Context, q Req) (resp Resp, err error) {
	if a.options.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, a.options.Timeout, ErrNoReply)
		defer cancel()
	}
	c, err := a.enter(ctx)
	if err != nil {
		return resp, err
	}
	m, err := a.encode(c, q)
	if err == nil {
		_, err = c.conn.SendHere(m.Kind, m.Payload)
	}
	if err != nil {
		a.desk.leave(c)
		if errors.Is(err, actors.ErrStopped) {
			err = fmt.Errorf("%w: %w", ErrDisconnected, err)
		}
		return resp, err
	}
	select {
	case r := <-c.done:
		return r.Value, r.Err
	case <-ctx.Done():
	}
	if !a.desk.leave(c) { // the answer is there already
		r := <-c.done
		return r.Value, r.Err
	}
	return resp, over(ctx)
}

// over is why a context is done: its own error, or ErrNoReply if it was ours.
func over(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, ErrNoReply) {
		return cause
	}
	return ctx.Err()
}

// enter takes a place among the calls, and waits for a connection if that is asked
// for.
func (a *API[Req, Resp]) enter(ctx context.Context) (*call[Resp], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := a.desk.reserve(); err != nil {
		return nil, err
	}
	for {
		c, changed, err := a.desk.begin(a.first)
		switch {
		case c != nil:
			return c, nil
		case !a.options.WaitReady || changed == nil:
			a.desk.resign()
			return nil, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			a.desk.resign()
			return nil, because(ErrNotReady, over(ctx))
		}
	}
}

// encode writes a request.
func (a *API[Req, Resp]) encode(c *call[Resp], q Req) (m transport.Message, err error) {
	if a.wire == nil {
		codec := a.options.Codecs.Of(c.conn.Subprotocol())
		m.Kind = codec.Kind()
		m.Payload, err = encode(codec, nil, Header{Type: []byte(a.options.Request), ID: []byte(c.id)}, q)
		return m, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = &CodecError{Codec: a.name, Op: "encode", Err: &PanicError{Value: r}}
		}
	}()
	return a.wire.Encode(c.id, q)
}

// mine reports whether an id is one of this API's.
func (a *API[Req, Resp]) mine(id []byte) bool {
	n, err := strconv.ParseUint(string(id), 10, 64)
	return err == nil && n>>idBits == a.first>>idBits
}

// replies is the rule of an API with a codec.
type replies[Req, Resp any] struct{ api *API[Req, Resp] }

// Matcher implements actors.Rule.
func (r replies[Req, Resp]) Matcher(conn actors.ConnInfo) func(transport.Message) bool {
	a := r.api
	codec := a.options.Codecs.Of(conn.Subprotocol())
	return func(m transport.Message) bool {
		h, err := peek(codec, m, TypePart)
		if err != nil {
			return panicked(err)
		}
		if t := string(h.Type); t != a.options.Reply && (t != a.options.Refusal || t == "") {
			return false
		}
		if h, err = peek(codec, m, TypePart|IDPart); err != nil {
			return panicked(err)
		}
		if len(h.ID) == 0 {
			return a.push.Load() != nil
		}
		return a.mine(h.ID)
	}
}
