package actors

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// Conn is one connection while its socket lives. Handlers get it from their
// Context and may keep it; after the connection has ended its methods return
// ErrStopped. All methods are safe for concurrent use.
//
// For its actors it is what the incarnation shares: the socket, and the way to
// each other.
type Conn struct {
	wire *transport.Conn
	out  *outbox
	side *side
	// view is the routes of this connection; only the reader touches it.
	view *view

	matchers atomic.Pointer[matchers] // of rules that remember; nil until one does

	path     string
	identity *identity // nil if nothing is known
	meter    *meter    // of its rates; only the reader touches it
	id       uint64
	epoch    uint64

	pid        *actor.PID
	connection *mailbox
	reader     reader
	writer     writer

	lastRead     atomic.Int64 // when bytes last came, ns
	lastMessage  atomic.Int64 // when a whole data message last came, ns
	blockedSince atomic.Int64 // since when the socket takes no more, ns; 0: it does
	rtt          atomic.Int64 // the last round trip of a ping, ns; 0: none yet
	due          atomic.Int64 // when the connection must be looked after next, ns; 0: not at all

	opening  atomic.Pointer[Setup]
	farewell atomic.Pointer[sendClose] // our close frame, while it waits for the replies to the unanswered
	gate     atomic.Pointer[func()]    // opens when no parcel is underway
	last     atomic.Pointer[Close]     // its end, while it waits for the replies to what came before

	unanswered atomic.Int32 // deliveries and parcels of ours that are handled outside the turn
	underway   atomic.Int32 // parcels among them: on their way to the modules

	waking   atomic.Bool // a flush is already on its way to the writer
	released atomic.Bool // the socket is gone, and what was on its way out goes to the next
	closing  atomic.Bool // the close handshake has begun: the end of the stream is no failure
	hungUp   atomic.Bool // a middleware wants no more of the peer

	peerCode atomic.Uint32 // the code of the peer's close frame; 0: none came

	pauses  int32 // how many receivers want no more; guarded by pausing
	pausing sync.Mutex
}

// The notices of a Conn to its own actors. They are the Conn itself under
// another name: nothing is allocated for them, and they cannot be confused with
// another incarnation's.
type (
	// readable: the socket has something. Poller → Reader
	readable Conn
	// readableLate: the same, for a turn that no call of Readable waits for.
	// Poller → Reader
	readableLate Conn
	// writable: the socket has room again. Poller → Writer
	writable Conn
	// flush: the outbox has something. Module, Client → Writer
	flush Conn
)

func (*readable) private()     {}
func (*readableLate) private() {}
func (*writable) private()     {}
func (*flush) private()        {}

// ID returns the connection's number, unique in its server or client and never
// used again.
func (c *Conn) ID() uint64 { return c.id }

// PID returns the connection's actor, to which any actor may send *Send and
// *Close.
func (c *Conn) PID() *actor.PID { return c.pid }

// Children returns the PIDs of the connection's reader and writer, which may be watched
// and stopped; without either the connection ends. They get a PID when somebody asks,
// and keep it: that spares a connection that nobody looks into a third of its memory.
// Neither takes messages of others.
func (c *Conn) Children() (reader, writer *actor.PID) { return c.reader.who(), c.writer.who() }

// Epoch returns the number of the incarnation: 1 on a server, one more with each
// reconnect on a client.
func (c *Conn) Epoch() uint64 { return c.epoch }

// Path returns the path of the request that opened the connection (server), or
// of the URL that was dialled (client).
func (c *Conn) Path() string { return c.path }

// PathValue returns what stands in the path for a segment in braces of a Module.Path,
// or "". Of several modules whose Path has that name and fits, the first counts.
func (c *Conn) PathValue(name string) string {
	for _, g := range c.side.routes.Load().groups {
		if !g.path.named {
			continue
		}
		if v, ok := g.path.find(c.path, name); ok && v != "" {
			return v
		}
	}
	return ""
}

// Subprotocol returns the negotiated subprotocol, or "".
func (c *Conn) Subprotocol() string { return c.wire.Subprotocol() }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.wire.RemoteAddr() }

// CloseCode returns the code of the peer's close frame: its own, or its answer to ours,
// which should be the same (RFC 6455 §5.5.1). It is 1006 as long as none has come.
func (c *Conn) CloseCode() transport.CloseCode { return c.endCode() }

// RTT returns the round trip of the latest ping that was answered, or 0.
func (c *Conn) RTT() time.Duration { return time.Duration(c.rtt.Load()) }

// Send accepts a message for the peer and returns the number that names it in
// its Outcome. It never blocks. An error says why the message was not accepted;
// the payload is copied and may be used again.
func (c *Conn) Send(kind transport.Kind, payload []byte) (uint64, error) {
	id, err := c.queue(kind, payload)
	if err == nil {
		c.wake()
	}
	return id, err
}

// SendHere is Send for a message that makes sense on this connection alone, such as
// a question whose asker does not wait for the next one: if the connection is lost
// before it leaves, it is dropped as Superseded. On a client it goes ahead of the
// messages that wait, behind others of its kind, of which 4 MiB wait at most; on a
// server it is Send.
func (c *Conn) SendHere(kind transport.Kind, payload []byte) (uint64, error) {
	if c.side.server {
		return c.Send(kind, payload)
	}
	if kind == transport.Text && !transport.ValidUTF8(payload) {
		return 0, ErrInvalidUTF8
	}
	id, err := c.out.add(kind, payload, c.epoch)
	if err == nil {
		c.wake()
	}
	return id, err
}

// ErrConnClosed is why a client's connection ended that was closed by Conn.Close.
var ErrConnClosed = errors.New("actors: connection closed on this side")

// Close ends the connection with the close handshake, behind the messages
// accepted before. It returns at once. A client's connection comes back, as after
// any loss; to end the client use Client.Close.
func (c *Conn) Close(code transport.CloseCode, reason string) {
	c.connection.PostUserMessage(&Close{Code: code, Reason: reason})
}

// matchersOf returns the connection's matchers, made at its first message.
func (c *Conn) matchersOf() *matchers {
	if m := c.matchers.Load(); m != nil {
		return m
	}
	c.matchers.CompareAndSwap(nil, new(matchers))
	return c.matchers.Load()
}

// hooked reports whether a module or a middleware wants to know of the connection.
func (c *Conn) hooked() bool {
	t := c.side.routes.Load()
	v := t.at(c.path)
	for _, s := range t.middleware {
		if s.hooks.has(hookConnect) || s.hooks.has(hookDisconnect) {
			return true
		}
	}
	for _, groups := range [][]*group{v.groups, v.rest} {
		for _, g := range groups {
			h := &g.of(c).hooks
			if h.has(hookConnect) || h.has(hookReady) || h.has(hookReconnected) || h.has(hookDisconnect) {
				return true
			}
		}
	}
	return false
}

// queue accepts a message without waking the writer.
func (c *Conn) queue(kind transport.Kind, payload []byte) (uint64, error) {
	if kind == transport.Text && !transport.ValidUTF8(payload) {
		return 0, ErrInvalidUTF8
	}
	id, err := c.out.add(kind, payload, 0)
	return id, c.overflowed(err)
}

// overflowed ends a connection whose peer does not keep up, if that is the policy
// of its outbox: the queue is full. It returns err.
func (c *Conn) overflowed(err error) error {
	if errors.Is(err, ErrOutboxFull) && c.out.limits.Overflow == CloseSlow && !c.closing.Load() {
		c.connection.PostUserMessage(&Close{Code: transport.TryAgainLater, Reason: "too slow"})
	}
	return err
}

// wake has the outbox written soon, by another thread. Many messages that come
// before that leave in one write.
func (c *Conn) wake() {
	if !c.waking.Load() && c.waking.CompareAndSwap(false, true) {
		c.writer.PostUserMessage((*flush)(c))
	}
}

// flush writes what a turn has collected, on this thread.
func (c *Conn) flush() {
	if c.out.pending() {
		c.writer.deliver((*flush)(c))
		if c.out.limits.Age > 0 {
			c.out.turnOver()
		}
	}
}

// Readable implements transport.Handler.
func (c *Conn) Readable(*transport.Conn) {
	c.turn(&c.reader.light, (*readable)(c), (*readableLate)(c))
	if m := c.reader.verdict; m != nil { // no other turn makes one: this call is the only one
		c.reader.verdict = nil
		c.connection.deliver(m)
	}
}

// Writable implements transport.Handler.
func (c *Conn) Writable(*transport.Conn) {
	c.turn(&c.writer.light, (*writable)(c), (*writable)(c))
}

// errGoexit ends a connection under which a handler ended the goroutine.
var errGoexit = errors.New("actors: a handler ended its goroutine (runtime.Goexit)")

// turn hands a notice of the socket to the reader or the writer. A handler of that
// turn that ends its goroutine, as t.FailNow does, takes the one with it that
// serves the socket; the connection then ends, or it would be deaf or mute.
func (c *Conn) turn(l *light, notice, late any) {
	returned := false
	defer func() {
		if !returned {
			c.connection.PostUserMessage(&ended{epoch: c.epoch, err: errGoexit})
		}
	}()
	if !l.tryRun(notice) {
		l.PostUserMessage(late)
	}
	returned = true
}

// deaf reports whether nothing is read at the moment, because a receiver wants no
// more or a handler takes its time: then nothing can be heard of the peer.
func (c *Conn) deaf() bool {
	c.pausing.Lock()
	defer c.pausing.Unlock()
	return c.pauses > 0 || c.reader.busy()
}

// handled counts a delivery or a parcel that is over.
func (c *Conn) handled() {
	if c.side.policy.idle > 0 {
		c.lastMessage.Store(nanos()) // it had to wait for us so far; first, or it seems idle in between
	}
	if c.unanswered.Add(-1) == 0 {
		c.part()
		c.hangUpNow()
	}
}

// hangUp ends the connection behind the replies to what came before, or when these
// take longer than a close may.
func (c *Conn) hangUp(m *Close) {
	c.last.Store(m)
	if c.unanswered.Load() == 0 {
		c.flush()
		c.hangUpNow()
		return
	}
	time.AfterFunc(c.side.closeTimeout, c.hangUpNow)
}

func (c *Conn) hangUpNow() {
	if m := c.last.Swap(nil); m != nil {
		c.connection.PostUserMessage(m)
	}
}

// part sends the close frame that waits, once nothing that came before the end is
// still to be answered.
func (c *Conn) part() {
	if c.unanswered.Load() > 0 {
		return
	}
	if m := c.farewell.Swap(nil); m != nil {
		c.bid(m)
	}
}

// arrived counts a parcel that has come to the modules.
func (c *Conn) arrived() {
	if c.underway.Add(-1) == 0 {
		c.passGate()
	}
}

// whenArrived calls f once nothing that was read is still on its way to the modules.
func (c *Conn) whenArrived(f func()) {
	c.gate.Store(&f)
	if c.underway.Load() == 0 {
		c.passGate()
	}
}

func (c *Conn) passGate() {
	if f := c.gate.Swap(nil); f != nil {
		(*f)()
	}
}

// bid has the close frame written. Nothing is accepted behind it.
func (c *Conn) bid(m *sendClose) {
	if c.side.server {
		c.out.refuse(ErrStopped)
	}
	c.writer.deliver(m)
}

// pause stops reading until resume has been called as often.
func (c *Conn) pause() {
	c.pausing.Lock()
	defer c.pausing.Unlock()
	if c.pauses++; c.pauses == 1 {
		c.wire.Pause()
	}
}

func (c *Conn) resume() {
	c.pausing.Lock()
	defer c.pausing.Unlock()
	if c.pauses--; c.pauses == 0 {
		c.unheard() // what the peer sent meanwhile has yet to be read
		c.wire.Resume()
	}
}

// occupied reports whether it is not for the client to say something: nothing is read,
// or there are messages of it that have yet to be handled. A moment in which it is being
// read counts too, so it only puts the end off.
func (c *Conn) occupied() bool { return c.unanswered.Load() > 0 || c.deaf() }

// unheard notes that the silence of the peer was ours: nothing was read.
func (c *Conn) unheard() { c.lastMessage.Store(c.seen()) }

// seen notes that the peer was heard, and returns when, in ns.
func (c *Conn) seen() int64 {
	now := nanos()
	c.lastRead.Store(now)
	return now
}
