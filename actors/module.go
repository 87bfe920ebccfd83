package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// Handler is the user's part of a module: it receives the messages that are
// routed to the module, one at a time. A panic restarts the module with a new
// Handler; the message at fault is counted as failed and the ones behind it are
// not lost.
//
// A Handler may also have any of these methods. All are called one at a time, like
// OnMessage; those of the connection's life in the order in which they stand here,
// each when the one before has been answered by all modules, or HookTimeout is over.
// Conn is the connection, where there is one.
//
//	OnStart(*Context)                    first of all, at each start and restart
//	OnReconnecting(*Context, attempt int, delay time.Duration) error
//	                                     the next attempt will begin after delay; an
//	                                     error makes it fail without dialling
//	OnConnect(*Context) error            a socket is up; an error ends it, and is
//	                                     the failure of the attempt
//	OnReady(*Context)                    the set-up is done; no message of this
//	                                     connection has been delivered, none that
//	                                     waits has left
//	OnReconnected(*Context, attempts int)
//	                                     ready again after a loss
//	OnDisconnect(*Context, error)        behind the last message of a connection
//	OnReconnectFailed(*Context, attempts int, cause error)
//	                                     the policy gave up
//	OnStop()                             the module ends or restarts
//
//	OnEvent(*Context, *Event)            the client's events; nobody waits for it
//	Receive(actor.Context)               every other message sent to its PID
//
// A server has OnConnect, OnReady and OnDisconnect, for each of its connections.
// A hook that panics restarts the module and counts as answered.
type Handler interface {
	// OnMessage handles one message. Its payload is valid until OnMessage returns, and
	// only to be read: other modules get the same bytes.
	OnMessage(ctx *Context, m transport.Message)
}

// HandlerFunc makes a function a Handler.
type HandlerFunc func(ctx *Context, m transport.Message)

// OnMessage calls f.
func (f HandlerFunc) OnMessage(ctx *Context, m transport.Message) { f(ctx, m) }

// Module declares a receiver of messages: an actor below its client or server,
// supervised, with a queue of its own.
type Module struct {
	// Name is the last part of the actor's name. It must be unique among the
	// modules of its client or server, and must not be empty.
	Name string
	// New makes the Handler, for each start and each restart. Required.
	New func() Handler
	// Path limits the module to connections that were opened with this path. A
	// segment in braces stands for any, as in "/rooms/{name}"; a last one with dots
	// for all that is left, as in "/files/{path...}"; Conn.PathValue tells what stood
	// there. Default "": all paths. A server of which every module has a Path answers
	// other paths with 404.
	Path string
	// Match says which messages the module wants. It must be fast and must not
	// keep the payload. Default nil: all.
	Match func(transport.Message) bool
	// Rule is Match for rules that remember what came before, or want to know the
	// connection. Only one of both may be set. Default nil: all messages.
	Rule Rule
	// Unrouted gives the module what no other one wants, and nothing else; it has
	// neither Match nor Rule. Such messages are counted as unrouted all the same.
	Unrouted bool
	// Async keeps the module out of the turn: it always runs on a worker of its own
	// instead of on the thread that reads. For handlers that may block at any time.
	// Default false: a module runs in the turn while it is quick. One that keeps a
	// turn for more than 1 ms is taken out of it, until it has been quick 64 times in
	// a row; beside other modules it has to show that first.
	Async bool
	// Instances is how many actors share the work; a connection always uses the
	// same one, so the order of its messages stands. Default 1. Handlers that
	// have no state of their own may have one for each CPU.
	Instances int
	// QueueBytes bounds what waits for one instance while it is busy: payload bytes,
	// and 64 more for each message. With DropOldest the newest message may wait
	// beyond it, with Block what one read of each connection brought. Default 1 MiB; negative: no bound.
	QueueBytes int
	// Overflow says what happens at that bound. Default Block. RejectNewest cannot
	// be used: there is nobody to refuse a received message to.
	Overflow OverflowPolicy
	// Restart says when the module is restarted. Default Permanent: always, until it
	// fails too often without handling anything in between, and also when somebody else
	// than its client or server stops its actor.
	Restart supervisor.RestartType
}

func (m Module) validate(others []Module) error {
	switch {
	case m.Name == "":
		return &OptionError{Option: "Module.Name", Problem: "is empty; every module needs a name"}
	case m.New == nil:
		return &OptionError{Option: "Module.New", Problem: fmt.Sprintf("of %q is nil; it must make a Handler", m.Name)}
	case m.Match != nil && m.Rule != nil:
		return &OptionError{Option: "Module.Rule", Problem: fmt.Sprintf("of %q is set beside Match; use one of them", m.Name)}
	case m.Unrouted && (m.Match != nil || m.Rule != nil):
		return &OptionError{Option: "Module.Unrouted", Problem: fmt.Sprintf("of %q is set beside a Match or a Rule; it gets what no other module wants", m.Name)}
	case m.Overflow >= RejectNewest:
		return &OptionError{Option: "Module.Overflow", Problem: fmt.Sprintf("of %q is %s; it must be Block, DropOldest, DropNewest or CloseSlow", m.Name, m.Overflow)}
	}
	if _, problem := parsePattern(m.Path); problem != "" {
		return &OptionError{Option: "Module.Path", Problem: fmt.Sprintf("%q %s", m.Path, problem)}
	}
	for _, o := range others {
		if o.Name == m.Name {
			return &OptionError{Option: "Module.Name", Problem: fmt.Sprintf("%q is used twice", m.Name)}
		}
	}
	return nil
}

// OptionError says which option cannot be used, and how to mend it.
type OptionError struct{ Option, Problem string }

func (e *OptionError) Error() string { return "actors: " + e.Option + " " + e.Problem }

// Context is what a Handler has at hand while it handles a message. It must not
// be kept; Conn may be.
type Context struct {
	// Context is the module's actor.Context: PIDs, spawning, requests.
	actor.Context
	conn  *Conn
	batch *transport.Batch // that brought the message; nil if none is being handled
}

// Conn returns the connection that the message came from.
func (c *Context) Conn() *Conn { return c.conn }

// Reply accepts a message for the peer. It leaves with the other replies of this
// turn in one write. The payload is copied.
func (c *Context) Reply(kind transport.Kind, payload []byte) (uint64, error) {
	if kind == transport.Text && !transport.ValidUTF8(payload) {
		return 0, ErrInvalidUTF8
	}
	id, err := c.conn.out.reply(kind, payload)
	return id, c.conn.overflowed(err)
}

// Echo accepts a received message for its own sender, as it came: a large one leaves from
// where it is, without a copy. Its payload must not be changed any more.
func (c *Context) Echo(m transport.Message) (uint64, error) {
	if id, ok := c.echoLent(m); ok {
		return id, nil
	}
	id, err := c.conn.out.reply(m.Kind, m.Payload)
	return id, c.conn.overflowed(err)
}

// echoLent is Echo without a copy. ok is false where there must be one.
func (c *Context) echoLent(m transport.Message) (id uint64, ok bool) {
	if len(m.Payload) < transport.MinLent || c.batch == nil || !c.conn.side.server {
		return 0, false
	}
	frame := c.batch.Lend(m)
	if frame == nil {
		return 0, false
	}
	if id, ok = c.conn.out.adopt(frame); !ok {
		frame.Release()
	}
	return id, ok
}

// moduleActor runs a Handler.
type moduleActor struct {
	target  *target
	handler Handler
	ctx     Context
	works   bool // it has handled a message since it was started
}

func (m *moduleActor) Receive(ctx actor.Context) {
	m.ctx.Context = ctx
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		m.start()
	case *delivery:
		m.handle(msg)
	case *hooking:
		m.ctx.conn = msg.call.conn
		msg.run(func() error { return callHandler(m.handler, &m.ctx, msg.call) })
		m.ctx.conn = nil
	case *Event:
		if h, ok := m.handler.(listener); ok {
			h.OnEvent(&m.ctx, msg)
		}
	case *actor.Stopping, *actor.Restarting:
		if h, ok := m.handler.(stopper); ok {
			h.OnStop()
		}
	case *actor.Stopped:
		m.target.ended()
	default:
		if h, ok := m.handler.(actor.Actor); ok {
			h.Receive(ctx)
			return
		}
		unhandled(ctx)
	}
}

// start makes the Handler, and goes on behind the message that the one before
// failed at.
func (m *moduleActor) start() {
	m.handler = m.target.module.New()
	m.target.hooks.learn(m.handler, handlerHooks)
	if h, ok := m.handler.(starter); ok {
		if line := m.target.side.line; line != nil {
			m.ctx.conn = line.Load()
		}
		h.OnStart(&m.ctx)
		m.ctx.conn = nil
	}
	if d := m.target.current; d != nil {
		m.target.side.counters.failed.Add(1)
		d.queued() // the turn it began in is over
		m.handle(d)
	}
}

// handle hands the messages to the handler. Within the turn of a reader it gives
// up that thread when it has kept it for too long: the reader has pings to answer,
// and other modules to serve.
func (m *moduleActor) handle(d *delivery) {
	t := m.target
	t.current = d
	m.ctx.conn, m.ctx.batch = d.conn, d.batch
	inTurn := !d.waited
	since := d.conn.lastRead.Load()
	if !inTurn {
		since = nanos()
	}
	clock := newPatrol(since, d.done)
	for n := d.len(); d.done < n; {
		i := d.done
		d.done++
		m.handler.OnMessage(&m.ctx, d.at(i))
		if !m.works {
			m.works = true
			t.works.Store(true)
		}
		if inTurn && d.done < n && clock.overdue(d.done) {
			m.ctx.conn, m.ctx.batch, t.current = nil, nil, nil
			t.slow()
			d.conn.unheard() // the silence was ours
			d.yield()
			return
		}
	}
	m.ctx.conn, m.ctx.batch, t.current = nil, nil, nil
	if took := nanos() - since; t.took(took) && inTurn {
		d.conn.unheard() // the silence was ours
	}
	d.finish()
}

// unhandled makes a message that an actor of ours does not know a dead letter,
// so that it is seen.
func unhandled(ctx actor.Context) {
	switch ctx.Message().(type) {
	case actor.AutoReceiveMessage, actor.SystemMessage, private:
		return
	}
	deadLetter(ctx.ActorSystem(), ctx.Self(), ctx.Message())
}
