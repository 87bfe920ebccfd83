package actors

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// The messages of an incarnation's actors to their Connection. Each names its
// epoch; one of another epoch is dropped and counted.
type (
	// pongReceived: a pong came that may answer a ping of ours. Reader → Connection
	pongReceived struct {
		epoch   uint64
		payload nonce
	}
	// peerClosed: the peer sent a close frame. Reader → Connection
	peerClosed struct {
		epoch uint64
		frame *transport.CloseError
	}
	// violated: the peer broke the protocol or a limit. Reader → Connection
	violated struct {
		epoch uint64
		err   error
	}
	// closeSent: our close frame is out, and nothing follows it. Writer → Connection
	closeSent struct{ epoch uint64 }
	// ended: the socket has come to its end. Reader, Writer → Connection
	ended struct {
		epoch uint64
		err   error
	}
	// tick: look after the deadlines. Timer → Connection
	tick struct{ epoch uint64 }
	// overdue: the same, of the connection that it is. Shard, Writer → Connection
	overdue Conn
	// leave: end on purpose, with the close handshake, and do not come back.
	// Client, Shard → Connection
	leave struct {
		code   transport.CloseCode
		reason string
		by     time.Time // when the socket is reset at the latest; zero: CloseTimeout
	}
)

func (*pongReceived) private() {}
func (*peerClosed) private()   {}
func (*violated) private()     {}
func (*closeSent) private()    {}
func (*ended) private()        {}
func (*tick) private()         {}
func (*overdue) private()      {}
func (*leave) private()        {}

// CloseTimeoutError says that the peer did not answer a close frame in time.
type CloseTimeoutError struct{ After time.Duration }

func (e *CloseTimeoutError) Error() string {
	return fmt.Sprintf("actors: no close frame from the peer within %s", e.After)
}

// HeartbeatError says that nothing came from the peer after a ping: the
// connection is half open.
type HeartbeatError struct{ After time.Duration }

func (e *HeartbeatError) Error() string {
	return fmt.Sprintf("actors: peer silent for %s after a ping", e.After)
}

// Why a server ended a connection by its own rules.
var (
	errIdle       = errors.New("actors: no message for as long as IdleTimeout")
	errUnanswered = errors.New("actors: Revalidate has not answered in time")
	errLifetime   = errors.New("actors: as old as MaxLifetime")
)

// connection is the actor of one live socket. It owns its reader and its writer,
// keeps its deadlines, and ends it with the close handshake. On a server it is
// the whole of the incarnation; on a client an incarnation wraps it.
type connection struct {
	conn  *Conn
	state func(actor.Context)
	// over ends the incarnation; cause is why.
	over  func(ctx actor.Context, cause error)
	pulse pulse
	cause error

	gotClose, sentClose bool
	peerBegan           bool // the peer's close frame came before ours
	peerLeft            bool // the peer has sent FIN behind its close frame
	released            bool
	deadline            int64  // of the close handshake, ns
	terms               *terms // nil: it may stay as long as it wants
	shard               *shard // that wakes it; nil on a client
}

// escalate hands every failure of the reader and the writer up: what it means
// for the incarnation is decided above it.
var escalate actor.SupervisorStrategy = supervisor.AllForEscalate{}

// begin lets the reader and the writer work.
func (c *connection) begin() {
	conn := c.conn
	now := time.Now()
	conn.lastRead.Store(instant(now))
	conn.lastMessage.Store(instant(now))
	c.terms = newTerms(&conn.side.policy, conn.who().principal != nil, now)
	c.pulse.since = conn.lastRead.Load()
	conn.writer.begin(conn, &conn.writer)
	conn.reader.begin(conn, &conn.reader)
	conn.wire.Start(conn)
	c.schedule()
}

// ready is the state in which messages flow.
func (c *connection) ready(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *Send:
		id, err := c.conn.Send(m.Kind, m.Payload)
		answer(ctx, &Sent{ID: id, Err: err})
	case *Close:
		c.close(transport.CloseError{Code: orNormal(m.Code), Reason: m.Reason}, false, nil)
	case *leave:
		c.close(transport.CloseError{Code: orNormal(m.code), Reason: m.reason}, false, nil)
		c.hurry(m.by)
	case *revalidated:
		c.judge(ctx, m)
	case *pongReceived:
		c.pong(m)
	case *tick, *overdue:
		c.look(ctx)
	case *peerClosed:
		if c.current(m.epoch) {
			c.gotClose, c.peerBegan = true, true
			c.conn.peerCode.Store(uint32(m.frame.Code))
			c.close(echo(m.frame), !c.conn.side.server, m.frame)
		}
	case *violated:
		if c.current(m.epoch) {
			c.gotClose = true // the peer's is not waited for: it would not be understood
			c.close(closeFor(m.err), false, m.err)
		}
	case *ended:
		if c.current(m.epoch) {
			c.end(ctx, m.err)
		}
	case *closeSent:
		c.current(m.epoch) // of an older incarnation: this one has sent none
	default:
		unhandled(ctx)
	}
}

// closingDown is the state of the close handshake (RFC 6455 §7.1).
func (c *connection) closingDown(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *Send:
		answer(ctx, &Sent{Err: ErrStopped})
	case *leave:
		c.hurry(m.by)
	case *Close, *violated, *revalidated, *greeted:
		// it is ending already
	case *pongReceived:
		c.pong(m)
	case *tick, *overdue:
		c.look(ctx)
	case *peerClosed:
		if c.current(m.epoch) {
			c.gotClose = true
			c.conn.peerCode.Store(uint32(m.frame.Code))
			c.halfClose(ctx)
		}
	case *closeSent:
		if c.current(m.epoch) {
			c.sentClose = true
			if c.peerLeft {
				c.end(ctx, nil)
			} else {
				c.halfClose(ctx)
			}
		}
	case *ended:
		switch {
		case !c.current(m.epoch):
		case c.gotClose && !c.sentClose && errors.Is(m.err, io.EOF):
			c.peerLeft = true // it can still read: what it has been promised, and our close frame
		default:
			c.end(ctx, nil)
		}
	default:
		unhandled(ctx)
	}
}

// close begins the close handshake. With now the accepted messages stay in the
// outbox. cause is why the incarnation ends; nil if it is our own wish.
func (c *connection) close(frame transport.CloseError, now bool, cause error) {
	c.cause = cause
	c.conn.closing.Store(true)
	c.deadline = nanos() + int64(c.conn.side.closeTimeout)
	c.state = c.closingDown
	m := &sendClose{epoch: c.conn.epoch, code: frame.Code, reason: frame.Reason, now: now, answers: c.gotClose && c.conn.side.server}
	if c.gotClose && !now {
		c.conn.farewell.Store(m) // the peer ended first: behind the replies to what it sent before
		c.conn.part()
	} else {
		c.conn.bid(m)
	}
	c.schedule()
}

// hurry makes the close handshake end by then.
func (c *connection) hurry(by time.Time) {
	if !by.IsZero() && instant(by) < c.deadline {
		c.deadline = instant(by)
		c.schedule()
	}
}

// halfClose sends FIN once both close frames are through. The socket is read to
// its end after that: closing it with unread input would make the kernel reset
// the connection, and the peer would lose our last frames. A server whose peer began has
// nothing to wait for if there is no input (RFC 6455 §7.1.1): none may follow.
func (c *connection) halfClose(ctx actor.Context) {
	switch {
	case !c.gotClose || !c.sentClose:
	case c.conn.side.server && c.peerBegan && c.conn.wire.Exhausted():
		c.end(ctx, nil)
	default:
		_ = c.conn.wire.CloseWrite() // an error shows up as the end of the stream
	}
}

// end ends the incarnation: the socket is gone or of no more use.
func (c *connection) end(ctx actor.Context, err error) {
	if c.cause == nil {
		c.cause = err
	}
	_ = c.conn.wire.Close()
	c.over(ctx, c.cause)
}

// look does what has become due.
func (c *connection) look(ctx actor.Context) {
	now := nanos()
	side := c.conn.side
	switch since := c.conn.blockedSince.Load(); {
	case c.deadline > 0 && now >= c.deadline:
		_ = c.conn.wire.Reset()
		if c.gotClose && c.sentClose { // all is said, and only the socket is left
			c.end(ctx, nil)
		} else {
			c.end(ctx, &CloseTimeoutError{After: side.closeTimeout})
		}
		return
	case since > 0 && side.writeTimeout > 0 && now-since >= int64(side.writeTimeout):
		_ = c.conn.wire.Reset()
		c.end(ctx, &transport.WriteError{Err: os.ErrDeadlineExceeded})
		return
	}
	if side.server {
		c.conn.out.expire(moment(now))
	}
	if c.conn.deaf() { // its silence is ours
		c.conn.seen()
	}
	switch b, _ := side.heartbeat.next(c.pulse, c.conn.lastRead.Load(), now); b {
	case beatDead:
		_ = c.conn.wire.Reset()
		c.end(ctx, &HeartbeatError{After: side.heartbeat.Timeout})
		return
	case beatPing:
		c.ping(now)
	}
	if c.deadline == 0 {
		c.overstayed(now)
	}
	c.schedule()
}

// schedule notes when the connection must be looked after next.
func (c *connection) schedule() {
	now := nanos()
	_, due := c.conn.side.heartbeat.next(c.pulse, c.conn.lastRead.Load(), now)
	due = sooner(due, c.deadline)
	if since := c.conn.blockedSince.Load(); since > 0 && c.conn.side.writeTimeout > 0 {
		due = sooner(due, since+int64(c.conn.side.writeTimeout))
	}
	if c.deadline == 0 {
		if idle := c.conn.side.policy.idle; idle > 0 {
			due = sooner(due, c.conn.lastMessage.Load()+int64(idle))
		}
		if t := c.terms; t != nil {
			due = sooner(sooner(due, t.expires), t.recheck)
		}
	}
	c.conn.due.Store(due)
	if c.shard != nil {
		c.conn.hasten()
		c.shard.wakeBy(c.conn.due.Load())
	}
}

// sooner returns the earlier of two times, of which 0 means never.
func sooner(a, b int64) int64 {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// current reports whether a message belongs to this incarnation.
func (c *connection) current(epoch uint64) bool {
	if epoch == c.conn.epoch {
		return true
	}
	c.conn.side.counters.stale.Add(1)
	return false
}

// release lets go of the socket, whatever state it is in, and stops the reader and
// the writer.
func (c *connection) release(ctx actor.Context) {
	if c.released { // a stop that overtakes a restart comes here twice
		return
	}
	c.released = true
	if c.terms != nil && c.terms.cancel != nil {
		c.terms.cancel()
	}
	c.conn.released.Store(true)
	wire := c.conn.wire
	_ = wire.Close()
	if !wire.Polled() {
		c.conn.side.tasks.start("socket", func() { <-wire.Done() })
	}
	await(ctx, c.conn.connection, c.conn.epoch, &c.conn.reader.light, &c.conn.writer.light)
}

// echo is the answer to a close frame: the same code (RFC 6455 §5.5.1).
func echo(frame *transport.CloseError) transport.CloseError {
	return transport.CloseError{Code: frame.Code}
}

// closeFor is the close frame that tells the peer what it did wrong.
func closeFor(err error) transport.CloseError {
	if p, ok := err.(*transport.ProtocolError); ok { //nolint:errorlint // the decoder's own, never wrapped
		return transport.CloseError{Code: p.Code, Reason: p.Detail}
	}
	return transport.CloseError{Code: transport.InternalError}
}

// orNormal is the code of a close frame that a user asked for: one that must not
// stand in a frame becomes 1000 (RFC 6455 §7.4.1).
func orNormal(code transport.CloseCode) transport.CloseCode {
	if !code.Sendable() {
		return transport.NormalClosure
	}
	return code
}

// answer responds to whoever asked, if anybody did.
func answer(ctx actor.Context, msg any) {
	defer func() {
		if r := recover(); r != nil { // in a subscriber, if the asker is gone
			ctx.Logger().Error("actors: event subscriber panicked", "panic", r)
		}
	}()
	if ctx.Sender() != nil {
		ctx.Respond(msg)
	}
}
