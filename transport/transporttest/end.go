package transporttest

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// end is one end of a Link, as a net.Conn.
type end struct {
	l             *Link
	in, out       *way
	local, remote net.Addr
	closed        bool
	noLinger      bool
	readBy        deadline
	writeBy       deadline
}

// deadline wakes the waiting when it has passed.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) set(l *Link, at time.Time) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = at
	if !at.IsZero() {
		d.timer = time.AfterFunc(time.Until(at), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.change.Broadcast()
		})
	}
	l.change.Broadcast()
}

// Read returns what has arrived; it waits for the first byte.
func (e *end) Read(p []byte) (int, error) {
	l := e.l
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case e.closed:
			return 0, e.fail("read", net.ErrClosed)
		case e.readBy.passed():
			return 0, e.fail("read", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return 0, nil
		case e.in.ready > 0:
			n := copy(p, e.in.buf[:e.in.ready])
			e.in.buf = append(e.in.buf[:0], e.in.buf[n:]...)
			e.in.ready -= n
			l.change.Broadcast()
			return n, nil
		case l.reset:
			return 0, e.fail("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case e.in.fin && len(e.in.buf) == 0 && !e.in.stalled:
			return 0, io.EOF
		}
		l.change.Wait()
	}
}

// Write accepts all of p; it waits while the buffer is full.
func (e *end) Write(p []byte) (n int, err error) {
	l := e.l
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case e.closed:
			return n, e.fail("write", net.ErrClosed)
		case e.writeBy.passed():
			return n, e.fail("write", os.ErrDeadlineExceeded)
		case e.out.fin:
			return n, e.fail("write", os.NewSyscallError("write", syscall.EPIPE))
		case n > 0 && n == len(p):
			return n, nil
		case l.reset:
			return n, e.fail("write", os.NewSyscallError("write", syscall.ECONNRESET))
		case len(p) == 0:
			return 0, nil
		case e.peer().closed:
			l.resetLocked() // the first write to a peer that is gone brings its reset
			return len(p), nil
		}
		if room := capacity - len(e.out.buf); room > 0 {
			k := min(room, len(p)-n)
			l.accept(e.out, p[n:n+k])
			n += k
			if n == len(p) {
				return n, nil
			}
			continue
		}
		l.change.Wait()
	}
}

func (e *end) peer() *end {
	if e == &e.l.ends[ToClient] {
		return &e.l.ends[ToServer]
	}
	return &e.l.ends[ToClient]
}

func (e *end) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: e.local, Addr: e.remote, Err: err}
}

// CloseWrite lets the peer read to the end. Reading goes on.
func (e *end) CloseWrite() error {
	e.l.mu.Lock()
	defer e.l.mu.Unlock()
	if e.closed {
		return e.fail("close", net.ErrClosed)
	}
	e.out.fin = true
	e.l.change.Broadcast()
	return nil
}

// Close ends both directions. As with a socket, bytes that nobody has read make
// it a reset, and so does SetLinger(0).
func (e *end) Close() error {
	l := e.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.closed {
		return e.fail("close", net.ErrClosed)
	}
	e.closed = true
	e.out.fin = true
	e.readBy.set(l, time.Time{})
	e.writeBy.set(l, time.Time{})
	unread := len(e.in.buf) > 0
	e.in.buf, e.in.ready = nil, 0
	e.in.stopTimer()
	if e.noLinger {
		e.out.buf = e.out.buf[:e.out.ready]
	}
	if unread || e.noLinger {
		l.resetLocked()
	}
	l.change.Broadcast()
	return nil
}

// SetLinger with 0 makes Close a reset, as on a TCP connection.
func (e *end) SetLinger(sec int) error {
	e.l.mu.Lock()
	defer e.l.mu.Unlock()
	e.noLinger = sec == 0
	return nil
}

func (e *end) LocalAddr() net.Addr  { return e.local }
func (e *end) RemoteAddr() net.Addr { return e.remote }

func (e *end) SetDeadline(t time.Time) error {
	return e.setDeadlines(t, &e.readBy, &e.writeBy)
}
func (e *end) SetReadDeadline(t time.Time) error  { return e.setDeadlines(t, &e.readBy) }
func (e *end) SetWriteDeadline(t time.Time) error { return e.setDeadlines(t, &e.writeBy) }

func (e *end) setDeadlines(t time.Time, ds ...*deadline) error {
	e.l.mu.Lock()
	defer e.l.mu.Unlock()
	if e.closed {
		return e.fail("set", net.ErrClosed)
	}
	for _, d := range ds {
		d.set(e.l, t)
	}
	return nil
}
