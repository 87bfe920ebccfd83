package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Newcomer is an accepted socket until its opening handshake is over. Its Poller reads
// the request, into a pooled buffer that it has only while a part of the request is
// there.
type Newcomer struct {
	s       *pollStream
	u       *Upgrader
	greeter Greeter
	refusal time.Time // when a refusal is over at the latest; zero: no limit

	mu     sync.Mutex
	stage  stage
	head   headReader // from asked on whoever was told has it
	refuse net.Conn   // while it is refused
}

// Welcome takes nc, which has just been accepted, into p, and closes it as a net.Conn.
// It returns nil, and leaves nc alone, if that cannot be: then there is
// Upgrader.Upgrade.
func Welcome(nc net.Conn, p *Poller) *Newcomer {
	tc, ok := nc.(*net.TCPConn)
	if !ok || p == nil {
		return nil
	}
	l, err := p.pick()
	if err != nil {
		return nil
	}
	fd, err := duplicate(tc)
	if err != nil {
		return nil
	}
	n := &Newcomer{s: newPolled(l, fd, addrPort(tc.RemoteAddr()), addrPort(tc.LocalAddr()))}
	_ = tc.Close() // the socket lives on in fd
	return n
}

// stage is how far a Newcomer is.
type stage uint8

const (
	unborn  stage = iota // it has not been started
	awaited              // its request has not come
	asked                // its request has come, or never will
	over                 // it is a Conn, or closed
)

// Start begins the handshake. u must not change any more; its Timeout is the caller's
// business, who calls Expire. On an error, for instance because Close came before, the
// socket is closed and g is not called.
func (n *Newcomer) Start(u *Upgrader, g Greeter) error {
	n.u, n.greeter = u, g
	if timeout := u.timeout(); timeout > 0 {
		n.refusal = time.Now().Add(timeout + timeout/10)
	}
	n.head = makeHeadReader(u.MaxHeaderBytes, u.MaxHeaders)
	s := n.s
	s.c.h = n
	s.armed = wantsIn
	n.mu.Lock()
	err := net.ErrClosed
	if n.stage == unborn {
		n.stage = awaited
		err = s.l.add(s)
	}
	if err != nil {
		n.stage = over
		_ = unix.Close(int(s.fd))
	}
	n.mu.Unlock()
	return err
}

// Readable implements Handler: more of the request may be there.
func (n *Newcomer) Readable(*Conn) {
	if ok, _ := n.s.beginRead(); !ok {
		return
	}
	n.mu.Lock()
	var err error = errAgain
	if n.stage == awaited {
		if _, err = n.head.more((*rawSocket)(n.s)); err != errAgain {
			n.ask()
		}
		n.head.tidy()
	}
	n.mu.Unlock()
	n.s.endRead(false, false)
	switch {
	case err == errAgain:
	case err == nil:
		n.greeter.Asked(n)
	default:
		n.greeter.Gone(n, unreadable(err))
	}
}

// ask ends the waiting for the request; n is locked.
func (n *Newcomer) ask() {
	n.stage = asked
	n.s.state.Or(unstarted) // nothing is read before the Conn is started
}

// Writable implements Handler; nothing is ever waited for.
func (n *Newcomer) Writable(*Conn) {}

// rawSocket reads a socket of a Poller.
type rawSocket pollStream

// Read implements io.Reader. It returns errAgain when nothing is there.
func (r *rawSocket) Read(p []byte) (int, error) {
	got, e := sysRead(r.fd, p)
	switch {
	case e == unix.EAGAIN || e == unix.EINTR:
		return 0, errAgain
	case e != 0:
		return 0, os.NewSyscallError("read", e)
	case got == 0:
		return 0, io.EOF
	}
	return got, nil
}

// Expire ends the waiting for the request with 408, if it has not come.
func (n *Newcomer) Expire() { n.giveUp(os.ErrDeadlineExceeded) }

// Close ends the handshake at once, whatever is said at the moment.
func (n *Newcomer) Close() error {
	n.giveUp(net.ErrClosed)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuse != nil {
		return n.refuse.Close()
	}
	return nil
}

func (n *Newcomer) giveUp(err error) {
	n.mu.Lock()
	waiting := n.stage == awaited
	if n.stage == unborn {
		n.stage = over // Start finds out
	}
	if waiting {
		n.ask()
		n.head.release()
	}
	n.mu.Unlock()
	if waiting {
		n.greeter.Gone(n, unreadable(err))
	}
}

// Answer decides on the request and makes the socket a Conn. authorize takes the
// place of Upgrader.Authorize. It never waits for the peer. The Request is not nil when
// it could be read. With private nobody looks at its Header but authorize, and it has
// none afterwards. Errors are *HandshakeError; Refuse follows then.
func (n *Newcomer) Answer(private bool, authorize func(*Request) error) (*Conn, *Request, error) {
	defer n.head.release() // it is nobody else's any more
	f := &fields{}
	if private {
		f = privateFields.Get().(*fields)
		defer f.forget()
	} else {
		f.header = http.Header{}
	}
	r, refusal := n.request(f)
	if r != nil && private {
		defer func() { r.Header = nil }()
	}
	var agreed terms
	if refusal == nil {
		agreed, refusal = n.u.judge(r, authorize)
	}
	if refusal != nil {
		return nil, r, refusal
	}
	if err := n.accept(r, agreed); err != nil {
		return nil, r, err
	}
	o := n.u.connOptions(n.head.rest(), agreed)
	n.s.c.init(&o)
	n.mu.Lock()
	n.stage = over
	n.mu.Unlock()
	return n.s.c, r, nil
}

// request reads the request that has come.
func (n *Newcomer) request(f *fields) (*Request, *HandshakeError) {
	line, err := f.parse(string(n.head.bytes()[:n.head.scanned]))
	if err != nil {
		return nil, unreadable(err)
	}
	r := &Request{Header: f.header, RemoteAddr: n.s.remoteAddr(), Context: context.Background()}
	if bad := r.parse(line); bad != nil {
		return r.orNil(), bad
	}
	return r, nil
}

// accept writes the 101, for which a new socket has room.
func (n *Newcomer) accept(r *Request, agreed terms) error {
	answer := NewBuffer(512)
	defer answer.Release()
	answer.B = switchProtocols(answer.B, r.key(), agreed, n.u.Header)
	sent, err := n.s.write(answer.B, false)
	if err == nil && sent < len(answer.B) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return &HandshakeError{Detail: "the answer could not be written", Err: err}
	}
	return nil
}

// Refuse tells the peer why there is no connection, as far as there is somebody to
// talk to, and closes the socket. It waits a moment for the peer to read it.
func (n *Newcomer) Refuse(why error) {
	var e *HandshakeError
	if errors.As(why, &e) && e.Status != 0 {
		if nc := n.plain(); nc != nil {
			handshakeDeadlines{refusal: n.refusal}.answer(nc, e)
			_ = nc.Close()
			return
		}
	}
	n.mu.Lock()
	n.stage = over
	n.head.release()
	n.mu.Unlock()
	_ = n.s.close(false)
}

// plain takes the socket out of the Poller, or returns nil.
func (n *Newcomer) plain() net.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stage == over || !n.s.enter() {
		return nil
	}
	defer n.s.leave()
	fd, err := unix.FcntlInt(uintptr(n.s.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(fd), "handshake")
	nc, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		return nil
	}
	_ = unix.EpollCtl(n.s.l.ep, unix.EPOLL_CTL_DEL, int(n.s.fd), nil) // nc has the socket open
	n.stage, n.refuse = over, nc
	n.head.release()
	_ = n.s.close(false)
	return nc
}

// RemoteAddr returns the peer's address.
func (n *Newcomer) RemoteAddr() net.Addr { return n.s.remoteAddr() }
