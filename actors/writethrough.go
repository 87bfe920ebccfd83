package actors

// writeThrough writes a bundle straight from its memory to the socket, on this thread,
// if nothing waits and nobody is writing. It reports false, and has done nothing, if it
// is not so. What the socket does not take becomes the head of the outbox.
//
// A fan-out does this for each subscriber, so it takes the least that is possible: the
// lock of the outbox once and that of the writer's mailbox twice.
func (c *Conn) writeThrough(f *form) bool {
	w := &c.writer
	if !w.take() {
		return false
	}
	defer w.run() // what came meanwhile
	if !w.quiet() || !c.out.clear(len(f.frames), len(f.data)) {
		return false
	}
	w.pour(f)
	return true
}

// quiet reports whether the writer has nothing on its way and may write.
func (w *writer) quiet() bool {
	return !w.blocked && !w.away && !w.finished && w.current == nil && w.farewell == nil && w.control == nil
}

// clear reports whether nothing waits, and n messages with that many bytes might: they
// may have to.
func (o *outbox) clear(n, bytes int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.end == nil && !o.held && !o.congested && o.first().empty() && o.data.empty() && !o.behind(nil) &&
		o.limits.allow(o.count+n-1, bytes)
}

// pour writes a bundle that nothing is ahead of.
func (w *writer) pour(f *form) {
	c := w.conn
	if f.deflate != nil {
		w.forget(f)
	}
	n, err := c.wire.Write(f.data)
	c.side.counters.bytesSent.Add(uint64(n))
	if n == len(f.data) {
		c.side.ledger.passed(len(f.frames))
		return
	}
	w.current, w.inChunk = c.out.leftover(f, n), true
	w.after(false, err)
}

// forget has what we compress later refer to nothing from before the bundle.
func (w *writer) forget(f *form) {
	scratch := newChunk(len(f.deflate))
	scratch.buf.B = w.conn.wire.Compress(scratch.buf.B, f.deflate) // as any frame that was compressed elsewhere
	scratch.free()
}

// passed counts n messages that were accepted and written in one go.
func (l *ledger) passed(n int) {
	l.accepted.Add(uint64(n))
	l.written.Add(uint64(n))
}

// leftover makes what is left of a bundle, of which n bytes are written, the chunk that
// the writer has. What was accepted meanwhile stands behind it.
func (o *outbox) leftover(f *form, n int) *chunk {
	through, start := 0, 0
	for through < len(f.frames) && start+len(f.frames[through]) <= n {
		start += len(f.frames[through])
		through++
	}
	o.ledger.passed(through)
	c := newChunk(len(f.data) - start)
	c.buf.B = append(c.buf.B, f.data[start:]...)
	c.sent, c.taken, c.past, c.sealed = n-start, true, true, true
	var at int64
	if o.limits.Age > 0 {
		at = nanos()
	}
	o.mu.Lock()
	defer o.unlock()
	o.data.prepend(c)
	for _, frame := range f.frames[through:] {
		c.add(entry{id: o.number(nil), at: at, size: int32(len(frame))})
	}
	return c
}

// prepend puts a chunk ahead of all others.
func (l *lane) prepend(c *chunk) {
	c.lane, c.next = l, l.head
	if l.head == nil {
		l.tail = c
	} else {
		l.head.prev = c
	}
	l.head = c
}
