package main

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// fault is a way in which a link breaks.
type fault uint8

const (
	// hangUp ends both directions in order, as a proxy does that is restarted.
	hangUp fault = iota
	// reset ends both directions at once, as a firewall does that lost its state.
	reset
	// torn lets half of the next piece through and then resets.
	torn
	// outage resets, and for a while so does everything that connects.
	outage

	faults = iota
)

var faultNames = [faults]string{
	"both ends see the end of the stream", "both ends see a reset",
	"the link breaks in the middle of a write", "the link is down",
}

func (f fault) String() string { return faultNames[f] }

// linkDelay is how long everything is on its way, in each direction. Without it
// nothing would ever be on its way when the link is cut.
const linkDelay = 10 * time.Millisecond

// link is a TCP proxy on the loopback that can be cut.
type link struct {
	ln     net.Listener
	target string
	ended  chan struct{}
	wg     sync.WaitGroup

	mu    sync.Mutex
	wires map[*wire]struct{}
	down  bool
	over  bool
}

// wire is one connection through the link.
type wire struct {
	near, far net.Conn // towards the client, towards the server
	once      sync.Once
	mu        sync.Mutex
	tear      bool
}

// newLink makes a link to target and lets it work until close.
func newLink(target string) (*link, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	l := &link{ln: ln, target: target, ended: make(chan struct{}), wires: map[*wire]struct{}{}}
	l.wg.Go(l.accept)
	return l, nil
}

func (l *link) addr() string { return l.ln.Addr().String() }

func (l *link) accept() {
	for {
		near, err := l.ln.Accept()
		if err != nil {
			return
		}
		l.wg.Go(func() { l.join(near) })
	}
}

// join connects a new connection through, unless the link is down.
func (l *link) join(near net.Conn) {
	w := &wire{near: near}
	if !l.isUp() {
		w.end(reset)
		return
	}
	var err error
	if w.far, err = net.Dial("tcp", l.target); err != nil {
		w.end(reset)
		return
	}
	if !l.add(w) {
		w.end(reset)
		return
	}
	l.wg.Go(func() { l.carry(w, w.near, w.far) })
	l.carry(w, w.far, w.near)
}

func (l *link) isUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.down && !l.over
}

func (l *link) add(w *wire) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down || l.over {
		return false
	}
	l.wires[w] = struct{}{}
	return true
}

// carry moves bytes one way until either end is gone.
func (l *link) carry(w *wire, from, to net.Conn) {
	defer l.drop(w, hangUp)
	buf := make([]byte, 32<<10)
	t := time.NewTimer(linkDelay)
	defer t.Stop()
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		t.Reset(linkDelay)
		select {
		case <-t.C:
		case <-l.ended:
			return
		}
		tear := w.tears()
		if tear {
			n = (n + 1) / 2
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
		if tear {
			l.drop(w, reset)
			return
		}
	}
}

// cut breaks every connection that there is.
func (l *link) cut(f fault) {
	l.mu.Lock()
	wires := make([]*wire, 0, len(l.wires))
	for w := range l.wires {
		wires = append(wires, w)
	}
	l.down = l.down || f == outage
	l.mu.Unlock()
	for _, w := range wires {
		switch f {
		case torn:
			w.tearNext()
		case outage:
			l.drop(w, reset)
		default:
			l.drop(w, f)
		}
	}
}

// mend ends an outage.
func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

func (l *link) drop(w *wire, f fault) {
	l.mu.Lock()
	delete(l.wires, w)
	l.mu.Unlock()
	w.end(f)
}

// close ends the link and everything in it.
func (l *link) close() {
	l.mu.Lock()
	over := l.over
	l.over = true
	l.mu.Unlock()
	if !over {
		close(l.ended)
	}
	_ = l.ln.Close()
	l.cut(hangUp)
	l.wg.Wait()
}

func (w *wire) tearNext() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tear = true
}

func (w *wire) tears() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tear
}

// end closes both sides.
func (w *wire) end(f fault) {
	w.once.Do(func() {
		for _, nc := range []net.Conn{w.near, w.far} {
			if nc == nil {
				continue
			}
			if tcp, ok := nc.(*net.TCPConn); ok && f != hangUp {
				_ = tcp.SetLinger(0) // close with a reset
			}
			_ = nc.Close()
		}
	})
}
