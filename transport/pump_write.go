package transport

import "net"

// maxPumped is the most bytes that one net.Conn.Write gets.
const maxPumped = 64 << 10

// write takes the result of what the writing goroutine has done and gives it
// the next piece. So a byte is counted when net.Conn.Write has returned.
func (s *pumpStream) write(p []byte, _ bool) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, ErrClosed
	}
	if s.out != nil && !s.written {
		return 0, nil // Writable is to follow
	}
	n := 0
	if s.written {
		n = min(s.wrote, len(p))
		s.written = false
		s.out.Release()
		s.out = nil
	}
	if s.outErr != nil {
		return n, &WriteError{Err: s.outErr}
	}
	if n == len(p) {
		return n, nil
	}
	p = p[n:min(len(p), n+maxPumped)]
	s.out = NewBuffer(len(p))
	s.out.B = append(s.out.B, p...)
	s.wakeWriter(false)
	return n, nil
}

// wakeWriter makes sure that the writing goroutine lives. With told, it begins
// with a Writable. mu is held.
func (s *pumpStream) wakeWriter(told bool) {
	if s.writing {
		return
	}
	s.writing = true
	s.alive++
	go s.writeLoop(told)
}

// writeLoop is the writing goroutine. It lives until there is nothing to write
// after a Writable call, so that these calls never overlap.
func (s *pumpStream) writeLoop(told bool) {
	if told {
		s.c.h.Writable(s.c)
	}
	for {
		out, fin := s.nextWrite()
		switch {
		case out != nil:
			n, err := s.nc.Write(out.B)
			if s.wroteOut(n, err) {
				s.c.h.Writable(s.c)
			}
		case fin:
			if w, ok := s.nc.(interface{ CloseWrite() error }); ok {
				_ = w.CloseWrite() // a dead connection shows in Read
			}
		default:
			return
		}
	}
}

// nextWrite returns what the writing goroutine does next; with neither it has
// ended.
func (s *pumpStream) nextWrite() (out *Buffer, fin bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.out != nil && !s.written && !s.closed:
		return s.out, false
	case s.fin && !s.closed:
		s.fin = false
		return nil, true
	}
	if s.closed && s.out != nil {
		s.out.Release()
		s.out = nil
	}
	s.writing = false
	s.endedLocked()
	return nil, false
}

// wroteOut keeps the result for the next Write and reports whether anyone is to
// be told.
func (s *pumpStream) wroteOut(n int, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrote, s.outErr, s.written = n, err, true
	return !s.closed && s.c.h != nil
}

// exhausted implements stream: net does not say.
func (s *pumpStream) exhausted() bool { return false }

func (s *pumpStream) closeWrite() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if tc, ok := s.nc.(*net.TCPConn); ok && s.out == nil {
		if err := tc.CloseWrite(); err != nil {
			return &WriteError{Err: err}
		}
		return nil
	}
	if _, ok := s.nc.(interface{ CloseWrite() error }); ok {
		s.fin = true
		s.wakeWriter(false)
	}
	return nil
}
