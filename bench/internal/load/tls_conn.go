package load

import (
	"crypto/tls"
	"net"

	"github.com/hawser-go/hawser/bench/internal/hist"
)

// tlsConn is one connection of a TLS load. One goroutine at a time uses it.
type tlsConn struct {
	l       *TLS
	raw     *tls.Conn
	parser  parser
	buffer  []byte
	place   place
	flight  flight
	latency hist.Histogram
	counted uint64 // messages of the window
	total   uint64
}

// send writes n messages. It blocks when the socket is full: the server takes them all,
// as its answers to those in flight fit into the socket's other direction.
func (c *tlsConn) send(n int, t int64) error {
	c.place.queue(&c.l.stream, n)
	for range n {
		c.flight.push(t)
	}
	for c.place.pending > 0 {
		n, err := c.raw.Write(c.place.next(&c.l.stream))
		if err != nil {
			return err
		}
		c.place.wrote(&c.l.stream, n)
	}
	return nil
}

// receive reads once and returns how many messages came.
func (c *tlsConn) receive() (int, error) {
	n, err := c.raw.Read(c.buffer)
	if err != nil {
		return 0, err
	}
	messages, err := c.parser.feed(c.buffer[:n])
	if messages > c.flight.open {
		return 0, errUnasked
	}
	c.total += uint64(messages)
	if err == nil && c.parser.pinged { // between two frames: send writes whole ones
		c.parser.pinged = false
		_, err = c.raw.Write(appendFrame(nil, opPong, c.parser.ping))
	}
	return messages, err
}

// drive is the part of a connection in a run.
func (c *tlsConn) drive() error {
	if err := c.send(len(c.flight.sent), now()); err != nil {
		return err
	}
	for c.flight.open > 0 {
		messages, err := c.receive()
		if err != nil {
			return err
		}
		t, phase := now(), c.l.phase.Load()
		for range messages {
			sentAt := c.flight.pop()
			if phase == counting {
				c.latency.Add(t - sentAt)
			}
		}
		switch phase {
		case counting:
			c.counted += uint64(messages)
		case draining:
			continue
		}
		if err := c.send(messages, t); err != nil {
			return err
		}
	}
	return nil
}

func (c *tlsConn) verify() error {
	c.parser.keep = true
	defer func() { c.parser.keep, c.parser.kept = false, nil }()
	payload := c.l.o.Payloads[c.place.frame]
	if err := c.send(1, now()); err != nil {
		return err
	}
	for c.flight.open > 0 {
		messages, err := c.receive()
		if err != nil {
			return err
		}
		for range messages {
			c.flight.pop()
		}
	}
	return c.l.o.judge(payload, c.parser.kept)
}

// close resets the connection, so that no port stays in TIME_WAIT.
func (c *tlsConn) close() {
	raw := c.raw.NetConn()
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}
