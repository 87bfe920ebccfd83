package actors

import (
	"errors"
	"io"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// accepted is the Connection of a server: it is Temporary, so its end is an event
// and nothing follows it.
type accepted struct {
	connection
	line *greeting // nil if nobody wants to know of it
}

// greeting is what a connection needs of which somebody wants to know.
type greeting struct {
	hookline
	end any // how the peer ended the connection while the hooks were called
}

// household is all that a server keeps for one connection, in one piece of memory.
type household struct {
	conn  Conn
	out   outbox
	box   mailbox
	actor accepted
}

// newHousehold makes the household of a socket that no shard knows yet.
func newHousehold(s *service, wire *transport.Conn, path string) *household {
	h := &household{}
	h.box.dispatcher = s.root.dispatcher
	h.out.limits, h.out.ledger = &s.options.Outbox, &s.ledger
	c := &h.conn
	c.wire, c.out, c.side, c.connection = wire, &h.out, &s.side, &h.box
	c.path, c.id, c.epoch = path, s.ids.Add(1), 1
	if h.out.limits.Age > 0 {
		h.out.timed(c.hasten)
	}
	h.actor.conn, h.actor.shard = c, s.shards[c.id%uint64(len(s.shards))].Load()
	return h
}

func (a *accepted) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		a.release(ctx)
	case *actor.Stopped:
		a.conn.out.close(ErrStopped)
		a.farewell()
	case *actor.Terminated:
		// the reader or the writer ended with us
	default:
		a.state(ctx)
	}
}

func (a *accepted) start(ctx actor.Context) {
	a.conn.pid = ctx.Self() // before anybody can see it
	a.state = a.connection.ready
	a.over = func(ctx actor.Context, _ error) { ctx.Stop(ctx.Self()) }
	if hooked := a.conn.hooked(); hooked {
		a.line = &greeting{hookline: hookline{side: a.conn.side, timeout: a.conn.side.hookTimeout}}
		a.conn.opening.Store(newSetup(a.conn))
		a.state = a.greeting
	}
	a.begin()
	if a.line != nil && a.ask(hookConnect) {
		a.announce()
	}
}

// ask has a hook called. It reports whether there is nothing to wait for; else a
// hookOver follows.
func (a *accepted) ask(k hookKind) bool {
	box, m := a.conn.connection, &hookOver{epoch: a.conn.epoch, kind: k}
	return a.line.submit(&call{kind: k, conn: a.conn, over: func(err error) {
		m.err = err
		box.PostUserMessage(m)
	}})
}

// greeting is the state in which the hooks are called, before any message.
func (a *accepted) greeting(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *peerClosed, *violated:
		a.line.end = m // behind what came before it, which nobody has had yet
	case *ended:
		if a.line.end != nil && errors.Is(m.err, io.EOF) {
			a.peerLeft = true
			return
		}
		a.ready(ctx)
	case *hookOver:
		a.hooked(m)
	case *greeted:
		a.state = a.connection.ready
		if a.line.end != nil {
			a.conn.connection.PostUserMessage(a.line.end)
		}
	default:
		a.ready(ctx)
		if a.line.end != nil && a.deadline > 0 { // it ends for another reason: the peer's end counts now
			a.conn.connection.PostUserMessage(a.line.end)
			a.line.end = nil
		}
	}
}

// hooked goes on behind a hook.
func (a *accepted) hooked(m *hookOver) {
	switch {
	case m.err != nil:
		a.gotClose = a.line.end != nil // nothing more is to be expected of the peer
		if c, ok := a.line.end.(*peerClosed); ok {
			a.conn.peerCode.Store(uint32(c.frame.Code))
		}
		a.close(refusal(m.err), false, m.err)
	case m.kind == hookConnect:
		a.announce()
	default:
		a.enter()
	}
}

func (a *accepted) announce() {
	if a.ask(hookReady) {
		a.enter()
	}
}

// enter has what came meanwhile handled. How the peer ended the connection counts
// behind that.
func (a *accepted) enter() { a.conn.reader.PostUserMessage(&openingOver{then: &greeted{}}) }

// greeted: what came while the hooks were called has been handed on. Reader → Connection
type greeted struct{}

func (*greeted) private() {}

// farewell tells the end to those who knew the connection, and then to the shard.
func (a *accepted) farewell() {
	a.conn.opening.Load().discard()
	box, m := a.shard.box, &gone{id: a.conn.id}
	if a.line == nil {
		box.deliver(m)
		return
	}
	tell := func(error) { box.deliver(m) }
	if a.line.submit(&call{kind: hookDisconnect, conn: a.conn, cause: a.cause, over: tell}) {
		tell(nil)
	}
}

// refusal is the close frame for a connection that a hook refused: what the hook
// says, if it returned a close frame, else 1008 (RFC 6455 §7.4.1).
func refusal(err error) transport.CloseError {
	if c, ok := errors.AsType[*transport.CloseError](err); ok && c != nil {
		return transport.CloseError{Code: orNormal(c.Code), Reason: c.Reason}
	}
	return transport.CloseError{Code: transport.PolicyViolation}
}
