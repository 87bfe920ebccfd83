package transport

import (
	"crypto/tls"
	"net"
	"sync"
)

// pumpStream reads a net.Conn with a goroutine that blocks in Read, and writes
// it with one that lives as long as a Write. It is for connections that no
// poller can watch: wrapped ones, a foreign tls.Conn, other systems than Linux.
//
// The reading goroutine holds what it read in one slot until Conn.Read has
// taken it; meanwhile it does not read on, so TCP pushes back. It waits on the
// condition variable and never on time.
type pumpStream struct {
	c    *Conn
	nc   net.Conn
	mu   sync.Mutex
	cond sync.Cond // the reading goroutine waits for: taken, resumed, closed

	slot     *Buffer // what was read, from off on; nil: taken
	off      int
	slotFull bool  // the read that filled slot took as much as it could
	err      error // why reading ended
	told     bool  // Readable was called, its Read has not come
	paused   bool
	reading  bool // a Read is inside
	again    bool // the last Read has left something for the next one
	closed   bool

	out     *Buffer // what is being written
	wrote   int     // how much of it was
	outErr  error
	written bool // a result waits for the next Write
	writing bool // the writing goroutine lives
	fin     bool // CloseWrite is wanted behind out

	alive int           // goroutines, and 1 while the socket is open
	gone  chan struct{} // made by the first Done
}

func newPumped(nc net.Conn) *Conn {
	s := &pumpStream{c: new(Conn), nc: nc, alive: 1}
	s.cond.L = &s.mu
	s.c.s = s
	return s.c
}

func (s *pumpStream) start(h Handler, told bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.c.h = h
	if s.closed {
		return
	}
	s.alive++
	go s.readLoop(told)
	if s.written && !s.writing {
		s.wakeWriter(true) // it was written before there was a handler
	}
}

func (s *pumpStream) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = true
}

func (s *pumpStream) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = false
	s.cond.Signal()
}

func (s *pumpStream) close(reset bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.cond.Signal()
	if !s.reading {
		s.release()
	}
	if s.written {
		s.written = false
		s.out.Release()
		s.out = nil
	}
	nc := baseConn(s.nc)
	if reset {
		if l, ok := nc.(interface{ SetLinger(sec int) error }); ok {
			_ = l.SetLinger(0) // then FIN it is
		}
	}
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn: // these never wait
		err := nc.Close()
		s.endedLocked()
		return err
	}
	go func() {
		_ = nc.Close()
		s.ended()
	}()
	return nil
}

// baseConn returns the connection below TLS. tls.Conn.Close would wait up to
// five seconds to send a close_notify; who wants one calls CloseWrite.
func baseConn(nc net.Conn) net.Conn {
	for {
		t, ok := nc.(*tls.Conn)
		if !ok {
			return nc
		}
		nc = uncover(t.NetConn())
	}
}

// release gives back what Reads use. mu is held and no Read is inside.
func (s *pumpStream) release() {
	if s.slot != nil {
		s.slot.Release()
		s.slot = nil
	}
	s.c.release()
}

// ended is called when a goroutine ends, and when the socket is closed.
func (s *pumpStream) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endedLocked()
}

func (s *pumpStream) endedLocked() {
	s.alive--
	if s.alive == 0 && s.gone != nil {
		close(s.gone)
	}
}

func (s *pumpStream) done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone == nil {
		if s.alive == 0 {
			return closedChan
		}
		s.gone = make(chan struct{})
	}
	return s.gone
}

func (s *pumpStream) remoteAddr() net.Addr { return s.nc.RemoteAddr() }
func (s *pumpStream) localAddr() net.Addr  { return s.nc.LocalAddr() }
