package actorstest

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/hawser-go/hawser/transport"
)

// The opcodes that package transport does not name (RFC 6455 §5.2).
const (
	opContinuation = 0
	opClose        = 8
	finBit         = 0x80
)

// SendText sends a text message. It is not checked to be UTF-8.
//
// It returns, as everything that sends, when the socket has taken the bytes, and
// fails the test when the program under test takes nothing for as long as the
// timeout says. Sending on a connection that is over fails the test in its own
// goroutine, and ends any other, as scripts have nothing left to do then.
func (c *PeerConn) SendText(text string) {
	c.s.t.Helper()
	c.SendMessage(transport.Text, []byte(text))
}

// SendBinary sends a binary message.
func (c *PeerConn) SendBinary(payload []byte) {
	c.s.t.Helper()
	c.SendMessage(transport.Binary, payload)
}

// SendJSON sends a value as JSON in a text message.
func (c *PeerConn) SendJSON(v any) {
	c.s.t.Helper()
	p, err := json.Marshal(v)
	if err != nil {
		c.s.fatal("%s: SendJSON: %v", c, err)
	}
	c.SendMessage(transport.Text, p)
}

// SendMessage sends a message of either kind. The payload is copied.
func (c *PeerConn) SendMessage(kind transport.Kind, payload []byte) {
	c.s.t.Helper()
	c.send(show(kind, payload), c.frame(byte(kind), payload))
}

// SendFragments sends one message in as many frames as there are parts
// (RFC 6455 §5.4).
func (c *PeerConn) SendFragments(kind transport.Kind, parts ...string) {
	c.s.t.Helper()
	var frames []byte
	for i, part := range parts {
		op := byte(opContinuation)
		if i == 0 {
			op = byte(kind)
		}
		f := c.frame(op, []byte(part))
		if i < len(parts)-1 {
			f[0] &^= finBit
		}
		frames = append(frames, f...)
	}
	c.send(fmt.Sprintf("%s in %d frames %q", kind, len(parts), parts), frames)
}

// SendRaw sends these bytes as they are, whatever they mean.
func (c *PeerConn) SendRaw(p []byte) {
	c.s.t.Helper()
	c.send("raw "+excerpt(false, p), p)
}

// Ping sends a ping. See [PeerConn.ExpectPong]. With more than 125 bytes it is a
// violation (RFC 6455 §5.5).
func (c *PeerConn) Ping(payload string) {
	c.s.t.Helper()
	c.send(fmt.Sprintf("ping %q", payload), c.frame(byte(transport.Ping), []byte(payload)))
}

// Close closes the connection with the handshake: it sends a close frame and
// waits until the program under test has answered it and the connection is gone.
// It fails the test if that does not happen in time. If the connection is over
// already it does nothing.
func (c *PeerConn) Close(code transport.CloseCode, reason string) {
	c.s.t.Helper()
	wait, over := c.patience(), false
	c.s.update(func() {
		over = c.lost != nil
		c.closeLocked(code, reason)
	})
	if over {
		return
	}
	answered := false
	c.s.await(wait, func() bool {
		answered = c.closeSeen
		return answered || c.lost != nil
	})
	if !answered {
		c.fail("an answer to the close frame", c.nothing(wait))
	}
	if !c.s.await(wait, func() bool { return c.lost != nil }) {
		c.fail("the end of the connection behind the close frames within "+wait.String(), "none")
	}
}

// send queues frames and waits until the socket has them.
func (c *PeerConn) send(what string, frames []byte) {
	c.s.t.Helper()
	var gone string
	c.s.update(func() {
		switch {
		case c.lost != nil:
			gone = "a connection that has ended: " + c.lost.Error()
		case c.closeSent:
			gone = "a connection that is closing"
		default:
			c.writeLocked(what, frames)
		}
	})
	if gone != "" {
		if !inTest() {
			runtime.Goexit()
		}
		c.fail("to send "+what, gone)
	}
	wait := c.patience()
	if !c.s.await(wait, c.takenLocked) {
		c.fail("to send "+what, fmt.Sprintf("no room within %s: the program under test does not read", wait))
	}
}

// takenLocked reports whether the socket has taken everything, or it makes no
// sense to wait for that.
func (c *PeerConn) takenLocked() bool { return len(c.queue) == 0 || c.lost != nil || c.stalled }

// reply sends a message if that is still possible, and reports whether it was.
func (c *PeerConn) reply(kind transport.Kind, payload []byte) (ok bool) {
	c.s.update(func() {
		if ok = c.lost == nil && !c.closeSent; ok {
			c.writeLocked(show(kind, payload), c.frame(byte(kind), payload))
		}
	})
	return ok
}
