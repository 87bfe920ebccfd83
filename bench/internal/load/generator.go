package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hawser-go/hawser/bench/internal/hist"
)

// Load is one way to drive a server. Its methods belong to one goroutine.
type Load interface {
	// Verify checks, before anything is measured, that the server does its work.
	Verify() error
	// Run loads the server for a window and returns when the server is idle again.
	Run(Window) (Measurement, error)
	// Messages is how many messages have come back since the beginning, those outside of
	// the measured windows included.
	Messages() uint64
	// Close resets all connections.
	Close()
}

// Options say what messages to send.
type Options struct {
	// Payloads are sent in turn on every connection, as text, so they must be UTF-8.
	Payloads [][]byte

	// Batch is how many messages may go out in one system call. Default 1.
	Batch int

	// Deflate offers permessage-deflate and sends every payload compressed. The server
	// must answer compressed too, in messages that need none of those before.
	Deflate bool

	// Judge says what is wrong with the answer to a payload; only Verify calls it.
	// Default: the answer must be the payload.
	Judge func(payload, answer []byte) error

	// MaxAnswer is the size in bytes, as it is on the wire, that no answer may exceed.
	// Default: answers have the size of the payloads, which must be the same for all.
	// It is needed with Judge; with Deflate it is twice the largest payload by default.
	MaxAnswer int
}

// Generator holds the connections to one server. By itself it is the closed loop of an
// echo: every connection keeps its messages in flight.
type Generator struct {
	o       Options
	epoll   int
	events  []unix.EpollEvent
	buffer  []byte // one read
	stream  stream
	answers parser // what is asked of every message that comes back

	conns    []*conn
	shared   hist.Histogram
	total    uint64
	patience time.Duration
}

var _ Load = (*Generator)(nil)

// New makes a generator without connections.
func New(o Options) (*Generator, error) {
	answers, err := o.answers()
	if err != nil {
		return nil, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &Generator{
		o:        o,
		epoll:    epoll,
		events:   make([]unix.EpollEvent, 1024),
		buffer:   make([]byte, 1<<20),
		stream:   o.stream(),
		answers:  answers,
		patience: patient,
	}, nil
}

// stream encodes the payloads.
func (o Options) stream() stream {
	frames := make([][]byte, 0, len(o.Payloads))
	for _, p := range o.Payloads {
		op := byte(opText)
		if o.Deflate {
			op, p = op|compressedBit, deflate(p)
		}
		frames = append(frames, appendFrame(nil, op, p))
	}
	return newStream(frames, o.Batch)
}

// answers is a parser for what the server may send.
func (o Options) answers() (parser, error) {
	if len(o.Payloads) == 0 {
		return parser{}, errors.New("a load without payloads")
	}
	longest, same := 0, true
	for _, p := range o.Payloads {
		longest, same = max(longest, len(p)), same && len(p) == len(o.Payloads[0])
	}
	switch {
	case o.MaxAnswer > 0:
		return parser{least: 1, most: o.MaxAnswer, compressed: o.Deflate}, nil
	case o.Deflate:
		return parser{least: 1, most: 2 * longest, compressed: true}, nil
	case !same:
		return parser{}, errors.New("payloads of different sizes need MaxAnswer")
	}
	return parser{least: longest, most: longest}, nil
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
		fd, err := open(addr, o.Path, g.o.Deflate, len(g.conns))
		if err != nil {
			return fmt.Errorf("connection %d of %d to %s: %w", i+1, o.Conns, o.Path, err)
		}
		c := &conn{
			g: g, fd: fd, index: int32(len(g.conns)), side: o.Side, latency: &g.shared,
			parser: g.answers, flight: newFlight(o.InFlight),
		}
		if o.Apart || o.Side {
			c.latency = new(hist.Histogram)
		}
		g.conns = append(g.conns, c)
		if err := control(g.epoll, unix.EPOLL_CTL_ADD, fd, c.index, false); err != nil {
			return fmt.Errorf("epoll: %w", err)
		}
	}
	return nil
}

// Messages is how many messages have come back since New.
func (g *Generator) Messages() uint64 { return g.total }

// Close resets all connections.
func (g *Generator) Close() {
	for _, c := range g.conns {
		c.close()
	}
	g.conns = nil
	_ = unix.Close(g.epoll)
}

// poll waits at most d for events and calls got for every connection that received
// messages.
func (g *Generator) poll(d time.Duration, got func(c *conn, messages int) error) (events int, err error) {
	events = epollWait(g.epoll, g.events, d)
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
