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
func (*hurry) private()       {}
func (*dialed) private()      {}
func (*phase) private()       {}

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
	dropped bool               // everything has been let go of
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

// start begins the attempt with the wait that the supervisor decided on. It waits
// here, and not suspended, so that it can be told things meanwhile and nothing
// of it outlives it.
func (c *incarnation) start(ctx actor.Context) {
	s := c.session
	s.out.clearSetup() // the writer before us is gone
	plan := s.reconnect.Plan()
	c.epoch = s.epochs.Add(1)
	c.attempt = s.attemptOf(plan.Attempt)
	if plan.Delay <= 0 {
		c.dial(ctx)
		return
	}
	c.state = c.waiting
	c.tell(&phase{state: Backoff, delay: plan.Delay})
	box, due := c.box, &backoffOver{epoch: c.epoch}
	c.timer = time.AfterFunc(plan.Delay, func() { box.PostUserMessage(due) })
}

// waiting is the state of the backoff.
func (c *incarnation) waiting(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *backoffOver:
		if c.mine(m.epoch) {
			c.dial(ctx)
		}
	case *hurry:
		c.timer.Stop()
		c.dial(ctx)
	default:
		c.early(ctx)
	}
}

// dial starts an attempt. URL, header and token are asked for anew each time.
func (c *incarnation) dial(ctx actor.Context) {
	c.state = c.dialing
	c.tell(&phase{state: Connecting})
	dialing, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	s, box, epoch := c.session, c.box, c.epoch
	attempt := Attempt{Number: c.attempt, Cause: s.reconnect.Plan().Cause}
	s.tasks.start("dial", func() {
		defer cancel()
		start := time.Now()
		wire, path, err := s.dial(dialing, attempt)
		box.PostUserMessage(&dialed{epoch: epoch, wire: wire, path: path, took: time.Since(start), err: err})
	})
}

// dialing is the state in which a dial is under way.
func (c *incarnation) dialing(ctx actor.Context) {
	m, ok := ctx.Message().(*dialed)
	if !ok {
		c.early(ctx)
		return
	}
	switch {
	case !c.mine(m.epoch):
		discard(m.wire)
	case m.err != nil:
		c.over(ctx, m.err)
	default:
		c.open(ctx, m)
	}
}

// early handles what may come in any state without a socket.
func (c *incarnation) early(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *Send:
		id, err := c.session.accept(m.Kind, m.Payload)
		answer(ctx, &Sent{ID: id, Err: err})
	case *leave:
		ctx.Stop(ctx.Self())
	case *Close:
		// there is no connection to close
	case *dialed:
		c.stale()
		discard(m.wire)
	case *backoffOver, *tick, *pongReceived, *peerClosed, *violated, *closeSent, *ended, *opened:
		c.stale()
	case *hurry:
		// it is hurrying already
	default:
		unhandled(ctx)
	}
}

// open makes the socket a connection and begins the set-up.
func (c *incarnation) open(ctx actor.Context, m *dialed) {
	s := c.session
	c.conn = &Conn{
		wire: m.wire, out: s.out, side: &s.side, path: m.path,
		id: c.epoch, epoch: c.epoch, pid: ctx.Self(), connection: c.box,
	}
	c.connection.over = c.over
	s.life.opened(c.conn, m.took)
	s.out.openSetup(c.epoch)
	var steps *Setup
	if len(s.options.Setup) > 0 {
		steps = newSetup(c.conn)
		c.conn.opening.Store(steps)
	}
	if err := c.begin(ctx); err != nil {
		c.over(ctx, err)
		return
	}
	c.tell(&phase{state: Opening, conn: c.conn})
	if steps == nil {
		c.enter()
		return
	}
	c.state = c.settingUp
	opening, cancel := context.WithCancel(context.Background())
	if s.options.OpenTimeout > 0 {
		opening, cancel = context.WithTimeout(context.Background(), s.options.OpenTimeout)
	}
	c.cancel = cancel
	box, epoch := c.box, c.epoch
	s.tasks.start("setup", func() {
		defer cancel()
		box.PostUserMessage(&opened{epoch: epoch, err: s.setUp(opening, steps)})
	})
}

// settingUp is the state Opening: the set-up steps run over the live socket.
func (c *incarnation) settingUp(ctx actor.Context) {
	m, ok := ctx.Message().(*opened)
	switch {
	case !ok:
		c.ready(ctx)
	case !c.mine(m.epoch):
	case m.err != nil:
		c.over(ctx, m.err)
	default:
		c.conn.reader.PostUserMessage(&openingOver{})
		c.enter()
	}
}

// enter makes the connection ready: held messages go out.
func (c *incarnation) enter() {
	c.state = c.established
	c.session.line.Store(c.conn)
	c.session.out.hold(false)
	c.tell(&phase{state: Ready, conn: c.conn})
	c.conn.wake()
}

// established is the state Ready.
func (c *incarnation) established(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *opened:
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
	c.timer = time.AfterFunc(time.Until(time.Unix(0, due)), func() { box.PostUserMessage(look) })
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
