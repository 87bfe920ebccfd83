package load

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hawser-go/hawser/bench/internal/hist"
)

// Lives opens connections that do little: connect, upgrade, one echo, close handshake. A
// message is one such life, and its latency is from connect to the server's close frame.
// Then the connection is reset, so that neither side is left with a port in TIME_WAIT.
type Lives struct {
	epoll    int
	events   []unix.EpollEvent
	lives    []life
	addr     unix.SockaddrInet4
	sources  [sources]unix.SockaddrInet4
	born     int
	request  []byte // upgrade
	frame    []byte // the message
	farewell []byte // the close frame
	payload  []byte
	answers  parser

	latency  hist.Histogram
	total    uint64
	patience time.Duration
}

var _ Load = (*Lives)(nil)

// normalClosure is the status code 1000 (RFC 6455 §7.4.1).
var normalClosure = []byte{0x03, 0xe8}

// NewLives prepares lives of connections to a path of addr, which must be in
// 127.0.0.0/8: so many of them at a time, each with one message. Nothing is opened yet.
func NewLives(addr netip.AddrPort, path string, payload []byte, atOnce int) (*Lives, error) {
	if err := loopback(addr); err != nil {
		return nil, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	l := &Lives{
		epoll:    epoll,
		events:   make([]unix.EpollEvent, atOnce),
		lives:    make([]life, atOnce),
		addr:     unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()},
		request:  upgradeRequest(addr, path, false),
		frame:    appendFrame(nil, opText, payload),
		farewell: appendFrame(nil, opClose, normalClosure),
		payload:  payload,
		answers:  parser{least: len(payload), most: len(payload), closing: true},
		patience: patient,
	}
	for i := range l.sources {
		l.sources[i].Addr = source(i)
	}
	for i := range l.lives {
		l.lives[i] = life{l: l, fd: -1, index: int32(i), buffer: make([]byte, maxAnswer+len(payload))}
	}
	return l, nil
}

// Messages is how many lives have ended well.
func (l *Lives) Messages() uint64 { return l.total }

// Close resets what is open.
func (l *Lives) Close() {
	for i := range l.lives {
		l.lives[i].end()
	}
	_ = unix.Close(l.epoll)
}

// Verify lives once and checks the echo.
func (l *Lives) Verify() error {
	c := &l.lives[0]
	start := now()
	if err := c.begin(start); err != nil {
		return err
	}
	c.parser.keep = true
	for c.fd >= 0 {
		if _, err := l.poll(func(*life) error { return nil }); err != nil {
			return err
		}
		if now()-start > int64(l.patience) {
			return fmt.Errorf("%s: nothing for %v", c.stage, l.patience)
		}
	}
	if !bytes.Equal(c.parser.kept, l.payload) {
		return errors.New("the echo differs from what was sent")
	}
	return nil
}

// lifetimes is a run of Lives in progress.
type lifetimes struct {
	phases
	l     *Lives
	alive int
	m     Measurement
}

// Run lets new connections take the places of those that have ended, for the window, and
// then waits for the last ones.
func (l *Lives) Run(o Window) (Measurement, error) {
	r := lifetimes{l: l, alive: len(l.lives)}
	r.start(o, l.patience, l.latency.Reset)
	for i := range l.lives {
		if err := l.lives[i].begin(now()); err != nil {
			return r.m, err
		}
	}
	ended := r.ended
	for r.alive > 0 {
		events, err := l.poll(ended)
		if err != nil {
			return r.m, err
		}
		if err := r.advance(events); err != nil {
			return r.m, fmt.Errorf("%w, %d connections are alive", err, r.alive)
		}
	}
	r.m.P50, r.m.P99 = time.Duration(l.latency.Quantile(0.5)), time.Duration(l.latency.Quantile(0.99))
	r.m.Max = time.Duration(l.latency.Max())
	return r.m, nil
}

func (r *lifetimes) ended(c *life) error {
	t := now()
	if r.counting {
		r.complete = true
		r.m.Messages++
		r.l.latency.Add(t - c.bornAt)
	}
	if r.draining {
		r.alive--
		return nil
	}
	return c.begin(t)
}

// poll waits for events and calls ended for every life that is over.
func (l *Lives) poll(ended func(*life) error) (events int, err error) {
	events = epollWait(l.epoll, l.events, pollInterval)
	for _, ev := range l.events[:events] {
		c := &l.lives[ev.Fd]
		over, err := c.step(ev.Events)
		if err != nil {
			return events, fmt.Errorf("%s: %w", c.stage, err)
		}
		if !over {
			continue
		}
		c.end()
		l.total++
		if err := ended(c); err != nil {
			return events, err
		}
	}
	return events, nil
}
