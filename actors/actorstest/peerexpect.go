package actorstest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// Next returns the next message, for which it waits as long as it takes. It
// returns false, and does not fail the test, when a close frame or the end of the
// connection comes first. The payload belongs to the caller.
func (c *PeerConn) Next() (m transport.Message, ok bool) {
	c.s.await(-1, func() bool {
		if len(c.events) == 0 {
			return c.lost != nil || c.s.over
		}
		if first := c.events[0].message; first != nil {
			m, ok = *first, true
			c.events = c.events[1:]
		}
		return true
	})
	return m, ok
}

// Expect fails the test unless the next thing that comes is a message of this
// kind with this payload.
func (c *PeerConn) Expect(kind transport.Kind, payload []byte) {
	c.s.t.Helper()
	want := show(kind, payload)
	if m := c.message(want); m.Kind != kind || !bytes.Equal(m.Payload, payload) {
		c.fail(want, show(m.Kind, m.Payload))
	}
}

// ExpectText fails the test unless the next thing that comes is this text
// message.
func (c *PeerConn) ExpectText(text string) {
	c.s.t.Helper()
	c.Expect(transport.Text, []byte(text))
}

// ExpectBinary fails the test unless the next thing that comes is this binary
// message.
func (c *PeerConn) ExpectBinary(payload []byte) {
	c.s.t.Helper()
	c.Expect(transport.Binary, payload)
}

// ExpectPing waits for a ping and returns its payload. Pings that came before
// count, each once.
func (c *PeerConn) ExpectPing() []byte {
	c.s.t.Helper()
	return c.control("a ping", &c.pings)
}

// ExpectPong waits for a pong, and fails the test unless this is its payload.
// Pongs that came before count, each once.
func (c *PeerConn) ExpectPong(payload string) {
	c.s.t.Helper()
	want := fmt.Sprintf("a pong with %q", payload)
	if got := c.control(want, &c.pongs); string(got) != payload {
		c.fail(want, fmt.Sprintf("a pong with %q", got))
	}
}

// ExpectClose fails the test unless the next thing that comes is a close frame
// with this code, and returns its reason. A frame without a code has
// transport.NoStatus.
func (c *PeerConn) ExpectClose(code transport.CloseCode) (reason string) {
	c.s.t.Helper()
	want := fmt.Sprintf("close %d (%s)", uint16(code), code)
	e := c.event(want)
	if e.close == nil || e.close.Code != code {
		c.fail(want, e.String())
	}
	return e.close.Reason
}

// ExpectLost fails the test unless the next thing that comes is the end of the
// connection without a close frame, and returns what the socket said: io.EOF for
// an orderly end, ECONNRESET for a reset, both wrapped.
func (c *PeerConn) ExpectLost() error {
	c.s.t.Helper()
	const want = "the end of the connection without a close frame"
	e := c.event(want)
	if e.lost == nil {
		c.fail(want, e.String())
	}
	return e.lost
}

// ExpectNothing waits that long, and fails the test if a message, a close frame
// or the end comes meanwhile, or waits already. Pings and pongs do not count. With
// zero it waits, in a bubble, until nothing moves any more.
func (c *PeerConn) ExpectNothing(d time.Duration) {
	c.s.t.Helper()
	if d == 0 {
		settled()
	}
	var e event
	if c.s.await(d, func() bool {
		if len(c.events) == 0 {
			return false
		}
		e = c.events[0]
		return true
	}) {
		c.fail(fmt.Sprintf("nothing for %s", d), e.String())
	}
}

// message returns the next event, which must be a message.
func (c *PeerConn) message(want string) transport.Message {
	c.s.t.Helper()
	e := c.event(want)
	if e.message == nil {
		c.fail(want, e.String())
	}
	return *e.message
}

// event waits for the next event. The end of the connection stays where it is.
func (c *PeerConn) event(want string) (e event) {
	c.s.t.Helper()
	wait := c.patience()
	found := false
	c.s.await(wait, func() bool {
		if len(c.events) == 0 {
			return c.lost != nil || c.s.over
		}
		if e, found = c.events[0], true; e.lost == nil {
			c.events = c.events[1:]
		}
		return true
	})
	if !found {
		c.fail(want, c.nothing(wait))
	}
	return e
}

// control waits for a ping or a pong.
func (c *PeerConn) control(want string, from *[][]byte) (payload []byte) {
	c.s.t.Helper()
	wait := c.patience()
	found := false
	c.s.await(wait, func() bool {
		if len(*from) == 0 {
			return c.lost != nil || c.s.over
		}
		payload, *from, found = (*from)[0], (*from)[1:], true
		return true
	})
	if !found {
		c.fail(want, c.nothing(wait))
	}
	return payload
}

// nothing says why nothing came.
func (c *PeerConn) nothing(wait time.Duration) string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.lost != nil {
		return "the end of the connection: " + c.lost.Error()
	}
	return fmt.Sprintf("nothing within %s", wait)
}
