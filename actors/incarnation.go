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
func (*hurry) private()       {}
func (*hookOver) private()    {}
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

// start begins the attempt with the wait that the supervisor decided on. It waits
// here, and not suspended, so that it can be told things meanwhile and nothing
// of it outlives it.
func (c *incarnation) start(ctx actor.Context) {
	s := c.session
	s.out.clearSetup() // the writer before us is gone
	s.wants.lost()
	plan := s.reconnect.Plan()
	c.epoch = s.epochs.Add(1)
	c.attempt = s.attemptOf(plan.Attempt)
	s.farewell(plan.Cause)
	if plan.Attempt == 0 {
		c.attemptDial(ctx)
		return
	}
	c.state = c.waiting
	c.consented = c.ask(&call{kind: hookReconnecting, number: c.attempt, delay: plan.Delay, cause: plan.Cause})
	if plan.Delay <= 0 {
		c.rested = true
		c.proceed(ctx)
		return
	}
	c.tell(&phase{state: Backoff, delay: plan.Delay})
	box, due := c.box, &backoffOver{epoch: c.epoch}
	c.timer = time.AfterFunc(plan.Delay, func() { box.PostUserMessage(due) })
}

// ask has a hook called. It reports whether there is nothing to wait for; else a
// hookOver follows.
func (c *incarnation) ask(k *call) bool {
	box, m := c.box, &hookOver{epoch: c.epoch, kind: k.kind}
	k.over = func(err error) {
		m.err = err
		box.PostUserMessage(m)
	}
	return c.session.hooks.submit(k)
}

// waiting is the state of the backoff. A hook that aborts the attempt does not
// shorten it.
func (c *incarnation) waiting(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *backoffOver:
		if c.mine(m.epoch) {
			c.rested = true
			c.proceed(ctx)
		}
	case *hookOver:
		if c.mine(m.epoch) {
			c.consented, c.refusal = true, m.err
			c.proceed(ctx)
		}
	case *hurry:
		if c.timer != nil {
			c.timer.Stop()
		}
		c.rested = true
		c.proceed(ctx)
	default:
		c.early(ctx)
	}
}

// proceed goes on once the delay has passed and the hooks have been heard.
func (c *incarnation) proceed(ctx actor.Context) {
	switch {
	case !c.rested || !c.consented:
	case c.refusal != nil:
		c.over(ctx, c.refusal)
	default:
		c.attemptDial(ctx)
	}
}

// attemptDial asks the middleware whether to dial.
func (c *incarnation) attemptDial(ctx actor.Context) {
	c.state = c.attempting
	c.tell(&phase{state: Connecting})
	if c.ask(&call{kind: hookAttempt, number: c.attempt, cause: c.session.reconnect.Plan().Cause}) {
		c.dial(ctx)
	}
}

// attempting is the state in which the middleware is asked.
func (c *incarnation) attempting(ctx actor.Context) {
	m, ok := ctx.Message().(*hookOver)
	switch {
	case !ok:
		c.early(ctx)
	case !c.mine(m.epoch):
	case m.err != nil:
		c.fail(ctx, m.err)
	default:
		c.dial(ctx)
	}
}

// fail ends an attempt that the middleware had been told of.
func (c *incarnation) fail(ctx actor.Context, cause error) {
	c.session.hooks.submit(&call{kind: hookFailure, number: c.attempt, cause: cause})
	c.over(ctx, cause)
}

// dial dials. URL, header and token are asked for anew each time.
func (c *incarnation) dial(actor.Context) {
	c.state = c.dialing
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
		c.fail(ctx, m.err)
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
	case *backoffOver, *tick, *pongReceived, *peerClosed, *violated, *closeSent, *ended, *opened, *hookOver:
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
	s.last.Store(c.conn)
	s.life.opened(c.conn, m.took)
	s.out.openSetup(c.epoch)
	if s.sets() || c.conn.hooked() {
		c.conn.opening.Store(c.newSetup()) // nothing goes to the modules before they are ready for it
	}
	if err := c.begin(ctx); err != nil {
		c.over(ctx, err)
		return
	}
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
