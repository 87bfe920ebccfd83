package load

import (
	"bytes"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/hawser-go/hawser/bench/internal/hist"
)

// maxPattern bounds the memory of the repeated frame.
const maxPattern = 8 << 20

// Generator holds the connections to one server and drives them.
type Generator struct {
	epoll     int
	events    []unix.EpollEvent
	buffer    []byte // one read
	payload   []byte
	pattern   []byte // the encoded frame, repeated
	frameSize int

	conns  []*conn
	shared hist.Histogram
	total  uint64
}

// New makes a generator whose messages are payload as text, so it must be UTF-8. Up to
// batch messages go out in one system call.
func New(payload []byte, batch int) (*Generator, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	frame := appendFrame(nil, opText, payload)
	batch = max(min(batch, maxPattern/len(frame)), 2) // 2: there is something behind every offset
	return &Generator{
		epoll:     epoll,
		events:    make([]unix.EpollEvent, 1024),
		buffer:    make([]byte, 1<<20),
		payload:   payload,
		pattern:   bytes.Repeat(frame, batch),
		frameSize: len(frame),
	}, nil
}

// DialOptions says what connections to open.
type DialOptions struct {
	Path     string
	Conns    int
	InFlight int  // messages that each of them keeps in flight. Default 1.
	Apart    bool // every connection has latencies of its own; see Measurement.P99
	Side     bool // connections that load the server but are not measured; see Window.Side
}

// Dial opens connections to addr, which must be in 127.0.0.0/8, in addition to those
// that are there.
func (g *Generator) Dial(addr netip.AddrPort, o DialOptions) error {
	for i := range o.Conns {
		fd, err := open(addr, o.Path, len(g.conns))
		if err != nil {
			return fmt.Errorf("connection %d of %d to %s: %w", i+1, o.Conns, o.Path, err)
		}
		c := &conn{
			g: g, fd: fd, index: int32(len(g.conns)), side: o.Side, latency: &g.shared,
			parser: parser{want: len(g.payload)}, sent: make([]int64, max(o.InFlight, 1)),
		}
		if o.Apart || o.Side {
			c.latency = new(hist.Histogram)
		}
		g.conns = append(g.conns, c)
		ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: c.index}
		if err := unix.EpollCtl(g.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			return fmt.Errorf("epoll: %w", err)
		}
	}
	return nil
}

// Messages is how many messages have come back since New, those outside of the
// measured windows included.
func (g *Generator) Messages() uint64 { return g.total }

// Close resets all connections.
func (g *Generator) Close() {
	for _, c := range g.conns {
		c.close()
	}
	g.conns = nil
	_ = unix.Close(g.epoll)
}

// poll waits at most ms milliseconds for events and calls got for every connection that
// received messages.
func (g *Generator) poll(ms int, got func(c *conn, messages int) error) (events int, err error) {
	events = epollWait(g.epoll, g.events, ms)
	for _, ev := range g.events[:events] {
		c := g.conns[ev.Fd]
		if ev.Events&unix.EPOLLOUT != 0 {
			if err := c.flush(); err != nil {
				return events, err
			}
		}
		if ev.Events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) == 0 {
			continue
		}
		messages, err := c.receive()
		if err != nil {
			return events, err
		}
		if messages == 0 {
			continue
		}
		g.total += uint64(messages)
		if err := got(c, messages); err != nil {
			return events, err
		}
	}
	return events, nil
}
