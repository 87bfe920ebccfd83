package transporttest

import (
	"context"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
)

// backlog is how many connections may wait for Accept before Dial waits.
const backlog = 128

// Listener is a net.Listener in memory. Its Dial fits transport.Dialer.NetDial
// and makes one Link each time.
type Listener struct {
	queue chan *Link
	done  chan struct{}
	once  sync.Once

	mu      sync.Mutex
	links   []*Link
	dials   int
	onLink  func(*Link)
	refusal bool
	silence bool
}

// NewListener returns a listener that accepts.
func NewListener() *Listener {
	return &Listener{queue: make(chan *Link, backlog), done: make(chan struct{})}
}

// Accept waits for the next Dial and returns the server's end.
func (n *Listener) Accept() (net.Conn, error) {
	select {
	case <-n.done:
		return nil, n.fail("accept", net.ErrClosed)
	default:
	}
	select {
	case l := <-n.queue:
		return l.Server(), nil
	case <-n.done:
		return nil, n.fail("accept", net.ErrClosed)
	}
}

// Close ends Accept, resets who waits for it and makes Dial fail as if nobody
// listened. Links that were accepted live on.
func (n *Listener) Close() error {
	n.once.Do(func() { close(n.done) })
	for {
		select {
		case l := <-n.queue:
			l.Reset()
		default:
			return nil
		}
	}
}

// Addr is 127.0.0.1:80.
func (n *Listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// Dial returns the client's end of a new Link. Network and address do not
// matter.
func (n *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.mu.Lock()
	n.dials++
	refusal, silence, onLink := n.refusal, n.silence, n.onLink
	n.mu.Unlock()
	if silence {
		<-ctx.Done()
		return nil, n.fail("dial", ctx.Err())
	}
	refused := n.fail("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))
	select {
	case <-n.done:
		return nil, refused
	default:
	}
	if refusal {
		return nil, refused
	}
	l := NewLink()
	if onLink != nil {
		onLink(l)
	}
	select {
	case n.queue <- l:
	case <-n.done:
		return nil, refused
	case <-ctx.Done():
		return nil, n.fail("dial", ctx.Err())
	}
	n.mu.Lock()
	n.links = append(n.links, l)
	n.mu.Unlock()
	return l.Client(), nil
}

func (n *Listener) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: n.Addr(), Err: err}
}

// Refuse makes Dial fail with ECONNREFUSED, or ends that.
func (n *Listener) Refuse(yes bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refusal = yes
}

// Silence makes Dial wait until its context ends, as if packets were thrown
// away, or ends that for later Dials.
func (n *Listener) Silence(yes bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silence = yes
}

// OnLink names a function that gets each new Link before anyone uses it, to
// give it faults from the first byte on.
func (n *Listener) OnLink(f func(*Link)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onLink = f
}

// Links returns all links so far, in the order in which they were dialled.
func (n *Listener) Links() []*Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.links)
}

// Dials returns how often Dial was called, also in vain.
func (n *Listener) Dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}
