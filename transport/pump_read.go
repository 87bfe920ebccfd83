package transport

// idleRead is the buffer of a goroutine that waits for bytes.
const idleRead = 512

// readLoop is the reading goroutine. With told, it begins with the bytes that
// the handshake left.
func (s *pumpStream) readLoop(told bool) {
	defer s.ended()
	if told && (!s.tell() || !s.tellRest()) {
		return
	}
	// An idle connection holds this small buffer. It is copied, never handed on,
	// so one is enough.
	idle := &Buffer{B: make([]byte, 0, idleRead), class: -1}
	size := idleRead
	for {
		buf := idle
		if size == idleRead {
			buf.B, buf.refs = buf.B[:0], 1
		} else {
			buf = NewBuffer(size)
		}
		n, err := s.nc.Read(buf.B[:cap(buf.B)])
		buf.B = buf.B[:n]
		size = nextPumped(n, cap(buf.B))
		if n == 0 {
			buf.Release()
			buf = nil
		}
		if !s.deliver(buf, err) {
			return
		}
	}
}

// nextPumped chooses the size of the next read: a bigger one after a read that
// filled its buffer, else one that would have been enough for this read, for
// the goroutine may hold it for long.
func nextPumped(n, size int) int {
	switch {
	case n == size:
		return min(max(4*size, minRead), maxRead)
	case n <= idleRead:
		return idleRead
	}
	return n
}

// deliver puts buf into the slot and returns when Reads have taken it. It
// returns false when reading is over.
func (s *pumpStream) deliver(buf *Buffer, err error) bool {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		if buf != nil {
			buf.Release()
		}
		return false
	}
	s.slot, s.off, s.err = buf, 0, err
	s.slotFull = buf != nil && len(buf.B) == cap(buf.B)
	s.mu.Unlock()
	if !s.tellRest() {
		return false
	}
	if err == nil {
		return true
	}
	s.tell()
	return false
}

// tellRest tells until Reads have taken everything.
func (s *pumpStream) tellRest() bool {
	for s.waiting() {
		if !s.tell() {
			return false
		}
	}
	return true
}

// waiting reports whether there is something to read without a socket.
func (s *pumpStream) waiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slot != nil || s.again
}

// tell calls Readable, when reading is not paused, and waits for its Read. It
// returns false when the Conn has been closed.
func (s *pumpStream) tell() bool {
	s.mu.Lock()
	for s.paused && !s.closed {
		s.cond.Wait()
	}
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.told = true
	s.mu.Unlock()
	s.c.h.Readable(s.c)
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.told && !s.closed {
		s.cond.Wait()
	}
	return !s.closed
}

func (s *pumpStream) beginRead() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, ErrClosed
	}
	ok := !s.reading
	s.reading = true
	return ok, nil
}

func (s *pumpStream) fill(buf *Buffer, _ int) (*Buffer, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.slot == nil && s.err != nil:
		return buf, false, s.err
	case s.slot == nil:
		return buf, false, errAgain
	case buf == nil && s.off == 0 && s.slot.class >= 0:
		buf, s.slot = s.slot, nil
		return buf, s.slotFull, nil
	}
	rest := s.slot.B[s.off:]
	if buf == nil {
		buf = NewBuffer(len(rest))
	}
	n := min(len(rest), cap(buf.B)-len(buf.B))
	buf.B = append(buf.B, rest[:n]...)
	s.off += n
	if n == len(rest) {
		s.slot.Release()
		s.slot = nil
	}
	return buf, s.slotFull, nil
}

func (s *pumpStream) endRead(_, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading, s.told, s.again = false, false, again
	if s.closed {
		s.release()
	}
	s.cond.Signal()
}
