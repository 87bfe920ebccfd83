package actorstest

import (
	"errors"
	"time"
)

var errCut = errors.New("the test has cut it")

// Cut resets the connection now: both ends see a reset. What was sent before has
// arrived and can still be expected.
func (c *PeerConn) Cut() { c.s.update(func() { c.cutLocked("cut") }) }

func (c *PeerConn) cutLocked(how string) {
	if c.lost != nil {
		return
	}
	c.log.add("fault: %s", how)
	c.ours = true
	c.lost, c.queue = errCut, nil
	c.link.Reset()
	_ = c.conn.Close()
}

// HalfOpen lets both ends believe that they are connected while nothing arrives
// any more in either direction: what is written vanishes, also the end of the
// connection. So it is when a machine loses its power or a firewall its memory.
// Only a heartbeat finds out; with the defaults of package actors that takes
// 35 s.
func (c *PeerConn) HalfOpen() {
	c.s.update(func() {
		c.halfOpen = true
		c.stallLocked("half open")
	})
}

// Stall lets nothing arrive in either direction, until Unstall. Up to 64 KiB each
// way wait meanwhile.
func (c *PeerConn) Stall() { c.s.update(func() { c.stallLocked("stall") }) }

func (c *PeerConn) stallLocked(how string) {
	c.log.add("fault: %s", how)
	c.stalled, c.ours = true, true
	c.link.Stall(c.in)
	c.link.Stall(c.out)
}

// Unstall ends Stall, but not HalfOpen. What was written meanwhile arrives.
func (c *PeerConn) Unstall() {
	c.s.update(func() {
		if c.halfOpen || !c.stalled {
			return
		}
		c.log.add("end of the stall")
		c.stalled, c.ours = false, false
		c.link.Unstall(c.in)
		c.link.Unstall(c.out)
		if c.late != nil {
			c.endedLocked(c.late)
		}
	})
}

// StopReading takes no more bytes from the program under test, until KeepReading:
// behind 64 KiB it cannot write on.
func (c *PeerConn) StopReading() {
	c.s.update(func() {
		c.log.add("fault: stop reading")
		c.link.Stall(c.in)
	})
}

// KeepReading ends StopReading.
func (c *PeerConn) KeepReading() {
	c.s.update(func() {
		if !c.halfOpen {
			c.log.add("keep reading")
			c.link.Unstall(c.in)
		}
	})
}

// SlowReader takes from the program under test only so many bytes at every tick
// of the interval. With n ≤ 0 it reads at once again.
func (c *PeerConn) SlowReader(n int, every time.Duration) {
	c.s.update(func() {
		c.log.add("fault: read %d bytes every %s", n, every)
		c.link.Trickle(c.in, n, every)
	})
}

// SlowSender lets what is sent arrive only so many bytes at every tick of the
// interval. With n ≤ 0 it arrives at once again.
func (c *PeerConn) SlowSender(n int, every time.Duration) {
	c.s.update(func() {
		c.log.add("fault: send %d bytes every %s", n, every)
		c.link.Trickle(c.out, n, every)
	})
}

// Corrupt changes one byte of what is sent by xor: the one before which offset
// others go out from now on. Corrupt(0, 0x40) makes the next frame illegal.
func (c *PeerConn) Corrupt(offset int, xor byte) {
	c.s.update(func() {
		c.log.add("fault: corrupt byte %d by %#x", offset, xor)
		c.link.Corrupt(c.out, offset, xor)
	})
}

// Garbage sends bytes that are no frame: reserved bits and a reserved opcode.
func (c *PeerConn) Garbage() {
	c.s.t.Helper()
	c.SendRaw(garbage)
}

var garbage = []byte{0xff, 0xff, 0xde, 0xad, 0xbe, 0xef}

// TornFrame sends the first half of a text message and then cuts the connection.
func (c *PeerConn) TornFrame() {
	c.s.t.Helper()
	c.send("half a frame", c.torn())
	c.Cut()
}

// torn returns the first half of a frame.
func (c *PeerConn) torn() []byte {
	f := c.frame(byte('\x01'), make([]byte, 64))
	return f[:len(f)/2]
}

// NoPongs leaves the pings of the program under test without an answer, or, with
// false, answers them again. ExpectPing sees them as before.
func (c *PeerConn) NoPongs(yes bool) {
	c.s.update(func() {
		c.log.add("fault: no pongs %v", yes)
		c.noPongs = yes
	})
}

// NoCloseReply leaves a close frame of the program under test without an answer
// and keeps the socket open, or, with false, answers again.
func (c *PeerConn) NoCloseReply(yes bool) {
	c.s.update(func() {
		c.log.add("fault: no answer to a close frame %v", yes)
		c.noCloseReply = yes
	})
}
