package actorstest

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// Peer is a WebSocket server that does what a test tells it, to see what a client
// makes of it: it accepts, refuses, answers with a status or not at all, and each
// connection that it accepted is a [PeerConn], which expects, sends and breaks.
//
// It is made for a testing/synctest bubble, where all waiting is virtual, and
// works with real time as well. It ends with the test, and everything of it: the
// client then sees a reset, and nobody who listens.
//
// What it waits for in vain fails the test. In the test's own goroutine that ends
// the test, as Fatalf does; in any other it ends that goroutine.
//
// All methods are safe for concurrent use.
type Peer struct {
	s   *stage
	url string

	// Under the stage's lock.
	steps        []step // of the next attempts
	attempts     []*Attempt
	log          transcript
	accepted     []*PeerConn
	next         int // accepted[next:] have not been returned by Accept
	script       func(*PeerConn)
	subprotocols []string
	required     [][2]string // name and value of headers
	down         bool
}

// Attempt is one dial that reached a Peer.
type Attempt struct {
	// At is when it came.
	At time.Time
	// Gap is the time since the attempt before; 0 for the first.
	Gap time.Duration
	// Request is the handshake, with path, query and header. It is nil if none has
	// come, as for an attempt that was refused. It must not be changed.
	Request *transport.Request
	// Answer is what became of it, in words: "refused", "status 503", "accepted".
	// It is empty while the handshake goes on.
	Answer string
}

// NewPeer returns a Peer that listens in memory: the client under test reaches it
// by [Peer.Dial], and by no network.
func NewPeer(t testing.TB) *Peer {
	t.Helper()
	s := newStage(t)
	return &Peer{s: s, url: "ws://localhost/", log: transcript{began: s.began}}
}

// NewPeerOn returns a Peer that accepts on a listener of the test's own, such as a
// loopback socket, with TLS or without: for programs whose dialling cannot be
// replaced. It closes the listener when the test ends. Sockets do not work in
// bubbles.
func NewPeerOn(t testing.TB, ln net.Listener) *Peer {
	t.Helper()
	p := NewPeer(t)
	p.url = "ws://" + ln.Addr().String() + "/"
	p.s.atEnd(func() { _ = ln.Close() })
	p.s.do(func() { p.listen(ln) })
	return p
}

// URL returns a URL that ends in a slash, for a path or a query to be appended.
// Its host is the local one, so that no proxy of the environment gets between.
func (p *Peer) URL() string { return p.url }

// SetTimeout sets how long this Peer and its connections wait for what is
// expected, from now on. Default [PeerTimeout].
func (p *Peer) SetTimeout(d time.Duration) { p.s.update(func() { p.s.timeout = d }) }

// Subprotocols names those that the Peer speaks, the best first; the first that
// the client offers is chosen. Default: none.
func (p *Peer) Subprotocols(names ...string) {
	p.s.update(func() { p.subprotocols = append([]string(nil), names...) })
}

// RequireHeader fails the test, and answers 400, when a handshake from now on
// does not carry the header with this value. Another call for the same name
// replaces the value.
func (p *Peer) RequireHeader(name, value string) {
	p.s.update(func() {
		for i := range p.required {
			if strings.EqualFold(p.required[i][0], name) {
				p.required[i][1] = value
				return
			}
		}
		p.required = append(p.required, [2]string{name, value})
	})
}

// Serve runs a script for every connection that is accepted from now on, each in
// a goroutine of its own, which must end when the connection does. See [Echo].
// When the script returns the connection stays. nil ends it. Accept returns these
// connections too.
//
// Where a script waits in vain because the test itself has broken the connection,
// or because the test's function has returned, it is ended without failing the
// test. So let a t.Cleanup close the client, not a defer.
func (p *Peer) Serve(script func(c *PeerConn)) { p.s.update(func() { p.script = script }) }

// Accept returns the next connection whose handshake is done, in the order in
// which they were accepted; it may be lost again already. It waits for at most
// that long, by default as SetTimeout says, and fails the test if none comes.
// Connections are accepted without it.
func (p *Peer) Accept(timeout ...time.Duration) *PeerConn {
	p.s.t.Helper()
	wait := p.s.patience(timeout...)
	var c *PeerConn
	if p.s.await(wait, func() bool {
		if p.next == len(p.accepted) {
			return p.s.over
		}
		c = p.accepted[p.next]
		p.next++
		return true
	}) && c != nil {
		return c
	}
	p.s.fatal("no connection within %s; attempts since the peer began:%s", wait, p.history())
	return nil
}

// Dials returns all attempts so far, in order: how many, when, and with what.
func (p *Peer) Dials() []Attempt {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	all := make([]Attempt, len(p.attempts))
	for i, a := range p.attempts {
		all[i] = *a
	}
	return all
}

// ExpectNoDial waits that long, and fails the test if anybody dials meanwhile.
func (p *Peer) ExpectNoDial(d time.Duration) {
	p.s.t.Helper()
	p.s.mu.Lock()
	before := len(p.attempts)
	p.s.mu.Unlock()
	if p.s.await(d, func() bool { return len(p.attempts) > before }) {
		p.s.fatal("want no dial for %s; got one; attempts since the peer began:%s", d, p.history())
	}
}

// Down is a server that is gone: all connections are reset, and attempts are
// refused until Up.
func (p *Peer) Down() {
	p.s.update(func() {
		p.down = true
		for _, c := range p.s.conns {
			c.cutLocked("down")
		}
	})
}

// Up ends Down.
func (p *Peer) Up() { p.s.update(func() { p.down = false }) }

func (p *Peer) history() string {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if len(p.attempts) == 0 {
		return " none"
	}
	return p.log.String()
}

func (s *stage) patience(timeout ...time.Duration) time.Duration {
	if len(timeout) > 0 {
		return timeout[0]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.timeout
}

// Dial connects to the Peer, as the client's NetDial. Network and address do not
// matter.
func (p *Peer) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	a, todo := p.arrive()
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: err}
	}
	switch todo.kind {
	case refuse:
		return fail(os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case unreachable:
		<-ctx.Done()
		return fail(ctx.Err())
	}
	link := transporttest.NewLink()
	p.handshake(link, a, todo)
	return link.Client(), nil
}

// listen takes connections from a listener, until it is closed.
func (p *Peer) listen(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		a, todo := p.arrive()
		if todo.kind == refuse {
			reset(nc)
			continue
		}
		link := transporttest.NewLink()
		p.s.splice(nc, link.Client())
		p.handshake(link, a, todo)
	}
}

// arrive notes an attempt and says what to do with it.
func (p *Peer) arrive() (a *Attempt, todo step) {
	p.s.update(func() {
		a = &Attempt{At: time.Now()}
		if n := len(p.attempts); n > 0 {
			a.Gap = a.At.Sub(p.attempts[n-1].At)
		}
		p.attempts = append(p.attempts, a)
		switch {
		case p.down || p.s.over:
			todo = step{kind: refuse}
		case len(p.steps) > 0:
			todo, p.steps = p.steps[0], p.steps[1:]
		}
		if todo.kind == refuse || todo.kind == unreachable {
			p.answeredLocked(a, todo.kind.String())
		}
	})
	return a, todo
}

// answered notes what became of an attempt.
func (p *Peer) answered(a *Attempt, format string, args ...any) {
	p.s.update(func() { p.answeredLocked(a, fmt.Sprintf(format, args...)) })
}

func (p *Peer) answeredLocked(a *Attempt, what string) {
	a.Answer = what
	path := ""
	if a.Request != nil {
		path = " " + a.Request.Path // not the query: it often holds tokens
	}
	p.log.add("attempt%s: %s", path, what)
}
