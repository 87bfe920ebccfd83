package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	// maxSealed is how much a Write encrypts before the socket must have taken it.
	maxSealed = 64 << 10
	// sealedRoom is for the header, the nonce and the tag of a few records.
	sealedRoom = 128
	// maxRecord is the most that one record holds (RFC 8446 §5.1).
	maxRecord = 16 << 10
	// maxWaiting is how much may wait for the descriptor when a Read ends. Only answers
	// to KeyUpdates can make it more than a Write does.
	maxWaiting = 2 * maxSealed
)

var errUnheard = errors.New("transport: the peer asks for answers of TLS and does not read them")

// TLSServer is tls.Server, but for one thing: after the handshake a Poller can watch
// the connection if nc is a *net.TCPConn. A *tls.Conn from elsewhere is read by a
// goroutine.
func TLSServer(nc net.Conn, config *tls.Config) *tls.Conn { return tls.Server(cover(nc), config) }

// cover returns what tls.Conn is to use in the place of nc.
func cover(nc net.Conn) net.Conn {
	if tc, ok := nc.(*net.TCPConn); ok {
		return &tlsSocket{TCPConn: tc}
	}
	return nc
}

// uncover undoes cover.
func uncover(nc net.Conn) net.Conn {
	if s, ok := nc.(*tlsSocket); ok {
		return s.TCPConn
	}
	return nc
}

// tlsSocket is what a tls.Conn reads and writes. It blocks, as its TCPConn does, until
// a poller takes it over.
type tlsSocket struct {
	*net.TCPConn
	s *sealedStream // nil: it blocks
}

// Read implements net.Conn.
func (t *tlsSocket) Read(p []byte) (int, error) {
	if t.s == nil {
		return t.TCPConn.Read(p)
	}
	return t.s.take(p)
}

// Write implements net.Conn.
func (t *tlsSocket) Write(p []byte) (int, error) {
	if t.s == nil {
		return t.TCPConn.Write(p)
	}
	t.s.put(p)
	return len(p), nil
}

// SetWriteDeadline implements net.Conn. A tls.Conn sets one around its close_notify.
func (t *tlsSocket) SetWriteDeadline(d time.Time) error {
	if t.s == nil {
		return t.TCPConn.SetWriteDeadline(d)
	}
	return nil
}

// sealedConn is a Conn and its stream in one allocation.
type sealedConn struct {
	Conn
	stream sealedStream
}

// sealedStream is a pollStream with TLS on it. crypto/tls knows no sockets that do not
// block, but a Read of it that fails for the time being can be called again: so it gets
// what one read of the descriptor has brought, and then errAgain. What it writes is
// always taken; a Write goes on when the descriptor has taken that.
//
// It stands between the poller and the Handler, because what TLS has to say of its own
// accord, as the answer to a KeyUpdate, may be cut short too.
type sealedStream struct {
	pollStream
	tls *tls.Conn
	h   Handler

	// Of the Read that is inside.
	in    *Buffer // what the descriptor has brought
	off   int     // how much of it TLS has
	fail  error   // what TLS gets behind it
	early bool    // TLS may hold what it has read on behind the handshake
	owed  error   // what ended the stream behind the data of the last Read

	out    sync.Mutex
	cipher *Buffer // what the descriptor has not taken; nil: nothing
	sent   int     // how much of it was
	sealed int     // how much of a Write is in it
	cut    bool    // a Write waits for Writable
}

// adoptTLS is adopt for a connection of TLSServer or Dialer whose handshake is done.
func adoptTLS(c *tls.Conn, o *ConnOptions) *Conn {
	socket, ok := c.NetConn().(*tlsSocket)
	if !ok || socket.s != nil {
		return nil
	}
	sc := new(sealedConn)
	s := &sc.stream
	s.tls, s.early, sc.s = c, true, s
	if !s.move(socket.TCPConn, &sc.Conn, o) {
		return nil
	}
	socket.s = s
	return &sc.Conn
}

// start implements stream. What TLS has read on behind the handshake it does not tell.
func (s *sealedStream) start(h Handler, _ bool) {
	s.h = h
	s.pollStream.start(s, true)
}

// Readable implements Handler.
func (s *sealedStream) Readable(c *Conn) { s.h.Readable(c) }

// Writable implements Handler.
func (s *sealedStream) Writable(c *Conn) {
	if s.awaited() {
		s.h.Writable(c)
	}
}

// awaited sends what waits, and reports whether a Write can go on: to fail, maybe.
func (s *sealedStream) awaited() bool {
	if !s.enter() {
		return false
	}
	defer s.leave()
	done, err := s.flush(false, false)
	if !done && err == nil {
		return false
	}
	s.out.Lock()
	defer s.out.Unlock()
	cut := s.cut
	s.cut = false
	return cut
}

func (s *sealedStream) endRead(failed, again bool) {
	s.pollStream.endRead(failed, again || s.early || s.owed != nil)
}

func (s *sealedStream) fill(buf *Buffer, hint int) (*Buffer, bool, error) {
	if s.owed != nil {
		return buf, false, s.owed // TLS may say it only once
	}
	var full bool
	s.early = false
	s.in, full, s.fail = s.pollStream.fill(nil, hint)
	if s.fail != nil {
		s.in = nil
	}
	was := 0
	if buf != nil {
		was = len(buf.B)
	}
	buf, err := s.open(buf)
	if s.in != nil {
		s.in.Release()
	}
	s.in, s.off = nil, 0
	if !s.answer() {
		err = errUnheard
	}
	if buf == nil || len(buf.B) == was {
		return buf, false, err
	}
	if !errors.Is(err, errAgain) {
		s.owed = err
	}
	return buf, full, nil
}

// open decrypts all there is, behind what buf holds. It returns why TLS has no more.
func (s *sealedStream) open(buf *Buffer) (*Buffer, error) {
	for {
		rest := s.rest()
		b := buf
		switch {
		case buf == nil:
			b = NewBuffer(max(minPart, rest))
		case len(buf.B) == cap(buf.B):
			b = NewBuffer(len(buf.B) + max(maxRecord, rest))
			b.B = append(b.B, buf.B...)
			buf.Release()
			buf = b
		}
		n, err := s.tls.Read(b.B[len(b.B):cap(b.B)])
		b.B = b.B[:len(b.B)+n]
		switch {
		case n > 0:
			buf = b
		case buf == nil:
			b.Release()
		}
		if err != nil {
			return buf, err
		}
	}
}

func (s *sealedStream) rest() int {
	if s.in == nil {
		return 0
	}
	return len(s.in.B) - s.off
}

// take is how TLS reads.
func (s *sealedStream) take(p []byte) (int, error) {
	if s.rest() == 0 {
		if s.fail == nil {
			return 0, errAgain
		}
		return 0, s.fail
	}
	n := copy(p, s.in.B[s.off:])
	s.off += n
	return n, nil
}

// answer sends what TLS has said of its own accord while it was read. Behind a Write
// that waits for Writable it goes out with that. It returns false when too much waits.
func (s *sealedStream) answer() bool {
	s.out.Lock()
	cut, waiting := s.cut, s.waiting()
	s.out.Unlock()
	if waiting > 0 && !cut {
		_, _ = s.flush(false, false) // a dead connection shows in Read
	}
	return waiting <= maxWaiting
}

// waiting is what the descriptor has not taken; out is locked.
func (s *sealedStream) waiting() int {
	if s.cipher == nil {
		return 0
	}
	return len(s.cipher.B) - s.sent
}

// put is how TLS writes: what the descriptor does not take at once waits.
func (s *sealedStream) put(p []byte) {
	s.out.Lock()
	defer s.out.Unlock()
	b := s.cipher
	switch {
	case b == nil:
		b = NewBuffer(len(p))
	case len(b.B)+len(p) > cap(b.B):
		b = NewBuffer(2 * (s.waiting() + len(p)))
		b.B = append(b.B, s.cipher.B[s.sent:]...)
		s.drop()
	}
	b.B = append(b.B, p...)
	s.cipher = b
}

// flush gives the descriptor what it takes, and reports whether nothing is left. If
// something is, a writer's Write gets its Writable.
func (s *sealedStream) flush(last, writer bool) (done bool, err error) {
	s.out.Lock()
	defer s.out.Unlock()
	b := s.cipher
	if b == nil {
		return true, nil
	}
	n, err := s.pollStream.write(b.B[s.sent:], last)
	if err != nil {
		return false, err
	}
	if s.sent += n; s.sent < len(b.B) {
		s.cut = s.cut || writer
		return false, nil
	}
	s.drop()
	return true, nil
}

// drop forgets what was to be written; out is locked, or nobody is left.
func (s *sealedStream) drop() {
	if s.cipher != nil {
		s.cipher.Release()
		s.cipher, s.sent = nil, 0
	}
}

func (s *sealedStream) write(p []byte, last bool) (int, error) {
	if !s.enter() {
		return 0, ErrClosed
	}
	defer s.leave()
	total := 0
	for {
		if done, err := s.flush(last, true); !done || err != nil {
			return total, err
		}
		n := s.claim(len(p))
		total += n
		if p = p[n:]; len(p) == 0 {
			return total, nil
		}
		if err := s.seal(p[:min(len(p), maxSealed)]); err != nil {
			return total, err
		}
	}
}

// claim returns how much of a Write has gone out, at most n.
func (s *sealedStream) claim(n int) int {
	s.out.Lock()
	defer s.out.Unlock()
	n = min(n, s.sealed)
	s.sealed = 0
	return n
}

// seal encrypts p for the next flush.
func (s *sealedStream) seal(p []byte) error {
	s.out.Lock()
	s.sealed = len(p)
	if s.cipher == nil {
		s.cipher = NewBuffer(len(p) + sealedRoom)
	}
	s.out.Unlock()
	if _, err := s.tls.Write(p); err != nil {
		return &WriteError{Err: err}
	}
	return nil
}

func (s *sealedStream) closeWrite() error {
	if !s.enter() {
		return ErrClosed
	}
	defer s.leave()
	if err := s.tls.CloseWrite(); err != nil {
		return &WriteError{Err: err}
	}
	_, err := s.flush(false, false)
	return err
}

// close says goodbye first, as far as the descriptor takes it: the end of a stream
// without a close_notify looks like an attack (RFC 8446 §6.1).
func (s *sealedStream) close(reset bool) error {
	if !reset && s.enter() {
		_ = s.tls.CloseWrite()
		_, _ = s.flush(true, false)
		s.leave()
	}
	return s.pollStream.close(reset)
}
