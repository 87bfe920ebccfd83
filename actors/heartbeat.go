package actors

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// Heartbeat is how a dead peer is found (RFC 6455 §5.5.2). Zero values are the
// defaults.
type Heartbeat struct {
	// Interval is the time between two pings. Default 25 s; negative: no pings.
	Interval time.Duration
	// Timeout is how long after a ping something must have come from the peer: the
	// pong, or any other bytes. Default 10 s; negative: for ever.
	Timeout time.Duration
}

func (h Heartbeat) withDefaults() Heartbeat {
	if h.Interval == 0 {
		h.Interval = 25 * time.Second
	}
	if h.Timeout == 0 {
		h.Timeout = 10 * time.Second
	}
	h.Interval, h.Timeout = min(h.Interval, longest), min(h.Timeout, longest)
	return h
}

// beat is what a heartbeat asks for.
type beat uint8

const (
	beatNone beat = iota
	beatPing
	beatDead
)

// pulse is what is known of one connection's heartbeat. Times are nanoseconds
// since the Unix epoch, 0 for never.
type pulse struct {
	since    int64 // the last ping, or the start
	waiting  bool  // a ping has had no answer
	sequence uint32
}

// next says what to do at now, and when to ask again. lastRead is when the peer
// was last heard.
func (h Heartbeat) next(p pulse, lastRead, now int64) (b beat, due int64) {
	if h.Interval < 0 {
		return beatNone, 0
	}
	if p.waiting && lastRead <= p.since && h.Timeout > 0 {
		if dead := p.since + int64(h.Timeout); now < dead {
			return beatNone, dead
		}
		return beatDead, 0
	}
	ping := p.since + int64(h.Interval)
	if now >= ping {
		return beatPing, 0
	}
	return beatNone, ping
}

// nonce is the payload of a ping: the incarnation and the number of the ping, so that
// a late pong is never taken for another's.
type nonce [12]byte

// nonce is that of the current ping.
func (p pulse) nonce(epoch uint64) (n nonce) {
	binary.BigEndian.PutUint64(n[:], epoch)
	binary.BigEndian.PutUint32(n[8:], p.sequence)
	return n
}

// pongs are messages that have been handled: every heartbeat needs one.
var pongs = sync.Pool{New: func() any { return new(pongReceived) }}

func (c *connection) ping(now int64) {
	c.pulse.since, c.pulse.waiting = now, true
	c.pulse.sequence++
	n, m := c.pulse.nonce(c.conn.epoch), newControl()
	m.frames = appendControl(m.frames, byte(transport.Ping), n[:], !c.conn.side.server)
	c.conn.writer.PostUserMessage(m)
}

// pong takes the round trip of the ping that it answers. Any other is late or
// unsolicited, which RFC 6455 §5.5.3 allows.
func (c *connection) pong(m *pongReceived) {
	epoch, payload := m.epoch, m.payload
	pongs.Put(m)
	if !c.current(epoch) || !c.pulse.waiting || payload != c.pulse.nonce(c.conn.epoch) {
		return
	}
	c.pulse.waiting = false
	rtt := max(0, nanos()-c.pulse.since) // the wall clock may have been set back
	c.conn.rtt.Store(rtt)
	c.conn.side.counters.rtt.add(time.Duration(rtt))
	c.schedule() // the next ping may be due before the time of this one is over
}
