package actorstest

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// keptPings is how many pings, and how many pongs, wait to be expected: the last.
const keptPings = 1024

// PeerConn is one connection of a [Peer], or a client made by [DialPeer]. It
// answers pings and close frames by itself, unless it is told otherwise.
//
// What it receives waits, in order, until it is expected: data messages, then the
// close frame or the loss. Pings and pongs wait apart, so that a heartbeat does
// not get in between.
type PeerConn struct {
	s       *stage
	number  int
	conn    *transport.Conn
	link    *transporttest.Link
	in, out transporttest.Direction
	request *transport.Request

	// Under the stage's lock.
	log          transcript
	timeout      time.Duration // 0: the stage's
	queue        []byte        // frames that the socket has not taken
	events       []event
	pings        [][]byte
	pongs        [][]byte
	closeSent    bool
	closeSeen    bool
	finished     bool  // the end of writing was sent
	ours         bool  // a fault of the test's ended it
	lost         error // why it has ended; nil while it lives
	late         error // why it ended during a stall
	noPongs      bool
	noCloseReply bool
	stalled      bool
	halfOpen     bool
}

// event is what can be expected: one of its fields is set.
type event struct {
	message *transport.Message
	close   *transport.CloseError
	lost    error
}

func (e event) String() string {
	switch {
	case e.message != nil:
		return show(e.message.Kind, e.message.Payload)
	case e.close != nil:
		return showClose(e.close.Code, e.close.Reason)
	}
	return "the end of the connection: " + e.lost.Error()
}

// socket is a PeerConn as its transport.Conn sees it.
type socket PeerConn

// adopt makes a PeerConn, which ends with the test. It returns nil when the test
// has ended.
func (s *stage) adopt(conn *transport.Conn, link *transporttest.Link, in, out transporttest.Direction) (c *PeerConn) {
	s.update(func() {
		if s.over {
			_ = conn.Reset()
			return
		}
		c = &PeerConn{s: s, number: len(s.conns) + 1, conn: conn, link: link, in: in, out: out, log: transcript{began: s.began}}
		s.conns = append(s.conns, c)
	})
	return c
}

// String names the connection by its number, from 1 on.
func (c *PeerConn) String() string { return fmt.Sprintf("connection %d", c.number) }

// Request returns the handshake, with path, query and header; nil for a
// connection of DialPeer. It must not be changed.
func (c *PeerConn) Request() *transport.Request { return c.request }

// Subprotocol returns what the handshake agreed on, or "".
func (c *PeerConn) Subprotocol() string { return c.conn.Subprotocol() }

// Link returns the wire of this connection, for faults at a chosen byte. A Peer
// reads ToServer and writes ToClient; a connection of DialPeer the other way
// round.
func (c *PeerConn) Link() *transporttest.Link { return c.link }

// SetTimeout sets how long this connection waits for what is expected, from now
// on. Zero: as long as its Peer.
func (c *PeerConn) SetTimeout(d time.Duration) { c.s.update(func() { c.timeout = d }) }

// Transcript returns what happened on the connection, as a failure shows it: the
// last 40 frames and faults, with the time since the Peer began.
func (c *PeerConn) Transcript() string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.log.String()
}

// Readable implements transport.Handler.
func (k *socket) Readable(conn *transport.Conn) {
	c := (*PeerConn)(k)
	batch, err := conn.Read()
	c.s.update(func() {
		switch {
		case err != nil && c.stalled:
			c.late = err // it does not arrive either
		case err != nil:
			c.endedLocked(err)
		case batch != nil:
			c.takeLocked(batch)
		}
	})
	if err != nil {
		_ = conn.Close()
	}
	if batch != nil {
		batch.Release()
	}
}

// Writable implements transport.Handler.
func (k *socket) Writable(*transport.Conn) {
	c := (*PeerConn)(k)
	c.s.update(c.pushLocked)
}

// takeLocked notes what came, and answers what must be answered.
func (c *PeerConn) takeLocked(b *transport.Batch) {
	for _, m := range b.Messages {
		c.log.add("<- %s", show(m.Kind, m.Payload))
		c.events = append(c.events, event{message: &transport.Message{Kind: m.Kind, Payload: slices.Clone(m.Payload)}})
	}
	for _, f := range b.Control {
		c.takeControlLocked(f)
	}
	if b.Close != nil {
		c.takeCloseLocked(b.Close)
	}
	var bad *transport.ProtocolError
	if errors.As(b.Err, &bad) {
		c.s.failureLocked("%s: the program under test broke the protocol: %s%s", c, bad.Detail, c.log.String())
		c.closeLocked(bad.Code, bad.Detail)
		_ = c.conn.CloseWrite()
		c.endedLocked(bad)
	}
}

func (c *PeerConn) takeControlLocked(f transport.Control) {
	if f.Kind == transport.Pong {
		c.log.add("<- pong %s", excerpt(false, f.Payload))
		c.pongs = keep(c.pongs, f.Payload)
		return
	}
	c.log.add("<- ping %s", excerpt(false, f.Payload))
	c.pings = keep(c.pings, f.Payload)
	if !c.noPongs && !c.closeSent {
		c.writeLocked("pong "+excerpt(false, f.Payload), c.frame(byte(transport.Pong), f.Payload))
	}
}

func keep(all [][]byte, payload []byte) [][]byte {
	if len(all) == keptPings {
		all = all[1:]
	}
	return append(all, slices.Clone(payload))
}

func (c *PeerConn) takeCloseLocked(e *transport.CloseError) {
	c.log.add("<- %s", showClose(e.Code, e.Reason))
	c.closeSeen = true
	switch {
	case c.closeSent: // it is the answer to ours
	case c.noCloseReply:
		c.events = append(c.events, event{close: e})
		return
	default:
		c.events = append(c.events, event{close: e})
		c.closeLocked(e.Code, "")
	}
	c.pushLocked() // it may be time to end
}

// closeLocked sends a close frame, once.
func (c *PeerConn) closeLocked(code transport.CloseCode, reason string) {
	if c.closeSent || c.lost != nil {
		return
	}
	c.writeLocked(showClose(code, reason), c.frame(opClose, transport.AppendClosePayload(nil, code, reason)))
	c.closeSent = true
}

// endedLocked notes that the connection is gone. After both close frames that is
// no event, only how it should be.
func (c *PeerConn) endedLocked(err error) {
	if c.lost != nil {
		return
	}
	c.lost, c.queue = err, nil
	c.log.add("ended: %v", err)
	if !c.closeSeen || !c.closeSent {
		c.events = append(c.events, event{lost: err})
	}
}

// writeLocked puts frames behind what waits for the socket.
func (c *PeerConn) writeLocked(what string, frames []byte) {
	c.log.add("-> %s", what)
	c.queue = append(c.queue, frames...)
	c.pushLocked()
}

// pushLocked hands on what the socket takes. Behind the last close frame a server
// ends its side; a client waits for it (RFC 6455 §7.1.1).
func (c *PeerConn) pushLocked() {
	n, err := c.conn.Write(c.queue)
	c.queue = c.queue[n:]
	if err != nil {
		c.queue = nil // the loss shows in Read
	}
	if len(c.queue) == 0 && c.closeSent && c.closeSeen && c.conn.Server() && !c.finished {
		c.finished = true
		_ = c.conn.CloseWrite()
	}
}

// frame returns one final frame that is fit for the other side.
func (c *PeerConn) frame(op byte, payload []byte) []byte {
	p := transport.AppendFrame(nil, op, payload, !c.conn.Server())
	transport.SealFrame(p)
	return p
}

// fail fails the test with what was wanted, what was there instead, and the
// transcript. If the test itself broke the connection, or its function has
// returned, a script just ends.
func (c *PeerConn) fail(want, got string) {
	c.s.t.Helper()
	c.s.mu.Lock()
	log, broken := c.log.String(), c.ours
	c.s.mu.Unlock()
	if (broken || c.s.t.Context().Err() != nil) && !inTest() {
		runtime.Goexit()
	}
	c.s.fatal("%s: want %s; got %s%s", c, want, got, log)
}

func (c *PeerConn) patience() time.Duration {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.timeout != 0 {
		return c.timeout
	}
	return c.s.timeout
}
