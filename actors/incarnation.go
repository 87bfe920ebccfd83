package actors

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// The private messages of a client's Connection to itself, and to its session.
type (
	// backoffOver: the delay of this attempt has passed. Timer → Connection
	backoffOver struct{ epoch uint64 }
	// hurry: do not wait any longer. Client → Connection
	hurry struct{}
	// dialed: a dial has ended. Dial goroutine → Connection
	dialed struct {
		epoch uint64
		wire  *transport.Conn
		path  string
		took  time.Duration
		err   error
	}
	// hookOver: everybody has answered a hook, or had the time to. Hookline → Connection
	hookOver struct {
		epoch uint64
		kind  hookKind
		err   error
	}
	// phase: the incarnation has come to a state. Connection → Client
	phase struct {
		epoch   uint64
		state   State
		attempt int
		delay   time.Duration
		conn    *Conn
	}
)

func (*backoffOver) private() {}

func (*hurry) private() {}

func (*hookOver) private() {}

func (*dialed) private() {}

func (*phase) private() {}

// undelivered closes a socket that was dialled for somebody who is gone.
func (d *dialed) undelivered() { discard(d.wire) }

// incarnation is the Connection of a client: one attempt, and the socket that
// comes of it. It waits its backoff, dials, opens, lives. It ends by failing with
// the cause; its restart is the reconnect.
type incarnation struct {
	connection
	session *session
	box     *mailbox
	epoch   uint64
	attempt int
	timer   *time.Timer
	cancel  context.CancelFunc // ends the dial, or the set-up
	leaving bool               // told to end for good
	// The backoff is over, and the hooks of it, which may refuse the attempt.
	rested, consented bool
	refusal           error
	dropped           bool // everything has been let go of
}

func (c *incarnation) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.start(ctx)
	case *actor.Restarting, *actor.Stopping:
		c.state = c.gone
		c.drop(ctx)
	case *actor.Stopped, *actor.Terminated:
		// the reader and the writer are gone before we are
	case *leave:
		c.leaving = true
		c.state(ctx)
		c.arm(ctx)
	case *hurry:
		c.state(ctx)
	case *tick:
		if m.epoch == c.epoch {
			c.state(ctx)
			c.arm(ctx)
		}
	default:
		c.state(ctx)
		c.arm(ctx)
	}
}

// established is the state Ready.
func (c *incarnation) established(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *opened, *hookOver:
		c.stale()
	case *dialed:
		c.stale()
		discard(m.wire)
	case *hurry, *backoffOver:
		// late
	default:
		c.ready(ctx)
	}
}

// over ends the incarnation. Told to leave it stops; else it fails, and its
// supervisor decides what follows.
func (c *incarnation) over(ctx actor.Context, cause error) {
	if c.leaving {
		ctx.Stop(ctx.Self())
		return
	}
	if cause == nil {
		cause = ErrConnClosed
	}
	panic(cause)
}

// gone is the state after the end: nothing happens any more.
func (c *incarnation) gone(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *dialed:
		discard(m.wire)
	case *Send:
		id, err := c.session.accept(m.Kind, m.Payload)
		answer(ctx, &Sent{ID: id, Err: err})
	default:
		// late
	}
}

// drop lets go of everything: called before the children are stopped, so that no
// socket stays open until they are.
func (c *incarnation) drop(ctx actor.Context) {
	c.dropped = true
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.cancel != nil {
		c.cancel()
	}
	if c.conn != nil {
		c.session.line.CompareAndSwap(c.conn, nil)
		c.session.out.hold(true)
		c.conn.opening.Load().discard()
		c.release(ctx)
	}
}

// arm sets the timer for what the connection has to do next.
func (c *incarnation) arm(actor.Context) {
	if c.conn == nil || c.dropped {
		return
	}
	due := c.conn.due.Load()
	if c.timer != nil {
		c.timer.Stop()
	}
	if due == 0 {
		return
	}
	box, look := c.box, &tick{epoch: c.epoch}
	c.timer = time.AfterFunc(time.Until(moment(due)), func() { box.PostUserMessage(look) })
}

// tell lets the session know how far the incarnation is. It overtakes nothing
// that the incarnation causes afterwards, its own failure included.
func (c *incarnation) tell(p *phase) {
	p.epoch, p.attempt = c.epoch, c.attempt
	c.session.box.postOrdered(p)
}

// mine reports whether a message belongs to this incarnation.
func (c *incarnation) mine(epoch uint64) bool {
	if epoch != c.epoch {
		c.stale()
		return false
	}
	return true
}

func (c *incarnation) stale() { c.session.counters.stale.Add(1) }
