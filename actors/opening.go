package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
)

// open makes the socket a connection and begins the set-up.
func (c *incarnation) open(ctx actor.Context, m *dialed) {
	s := c.session
	c.conn = &Conn{
		wire: m.wire, out: s.out, side: &s.side, path: m.path,
		id: c.epoch, epoch: c.epoch, pid: ctx.Self(), connection: c.box,
	}
	c.connection.over = c.over
	s.last.Store(c.conn)
	s.life.opened(c.conn, m.took)
	s.out.openSetup(c.epoch)
	if s.sets() || c.conn.hooked() {
		c.conn.opening.Store(c.newSetup()) // nothing goes to the modules before they are ready for it
	}
	c.begin()
	c.tell(&phase{state: Opening, conn: c.conn})
	c.state = c.opening
	if c.ask(&call{kind: hookConnect, conn: c.conn, number: c.attempt}) {
		c.setUp()
	}
}

// opening is the state Opening: the hooks and the set-up steps run over the live
// socket.
func (c *incarnation) opening(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *hookOver:
		switch {
		case !c.mine(m.epoch):
		case m.err != nil:
			c.over(ctx, m.err)
		default:
			c.goOn(m.kind)
		}
	case *opened:
		switch {
		case !c.mine(m.epoch):
		case m.err != nil:
			c.over(ctx, m.err)
		default:
			c.announce()
		}
	default:
		c.ready(ctx)
	}
}

// goOn follows the hook that is over.
func (c *incarnation) goOn(over hookKind) {
	switch over {
	case hookConnect:
		c.setUp()
	case hookReady:
		c.reconnected()
	case hookReconnected:
		c.enter()
	default:
		// of an earlier stage
	}
}

func (c *incarnation) newSetup() *Setup {
	o := newSetup(c.conn)
	o.session = c.session
	o.attempt = Attempt{Number: c.attempt, Cause: c.session.reconnect.Plan().Cause, URL: c.session.currentURL(), Refused: c.session.refused.Load()}
	return o
}

// setUp starts the set-up, if there is anything to do.
func (c *incarnation) setUp() {
	s := c.session
	if !s.sets() && s.wants.open(c.epoch) {
		c.announce()
		return
	}
	opening, cancel := context.WithCancel(context.Background())
	if s.options.OpenTimeout > 0 {
		opening, cancel = context.WithTimeout(context.Background(), s.options.OpenTimeout)
	}
	c.cancel = cancel
	box, epoch, steps := c.box, c.epoch, c.conn.opening.Load()
	if steps == nil { // something has been wanted just now, and the modules are served already
		steps = c.newSetup()
	}
	s.tasks.start("setup", func() {
		defer cancel()
		box.PostUserMessage(&opened{epoch: epoch, err: s.setUp(opening, steps)})
	})
}

// announce tells the modules that they can begin.
func (c *incarnation) announce() {
	if c.ask(&call{kind: hookReady, conn: c.conn}) {
		c.reconnected()
	}
}

func (c *incarnation) reconnected() {
	if c.session.fresh.Load() || c.ask(&call{kind: hookReconnected, conn: c.conn, number: c.attempt}) {
		c.enter()
	}
}

// enter makes the connection ready: held messages go out.
func (c *incarnation) enter() {
	c.state = c.established
	if c.conn.opening.Load() != nil {
		c.conn.reader.PostUserMessage(&openingOver{})
	}
	c.session.line.Store(c.conn)
	c.session.out.hold(false)
	c.tell(&phase{state: Ready, conn: c.conn})
	c.conn.wake()
}
