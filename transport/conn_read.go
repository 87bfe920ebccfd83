package transport

import "errors"

// Sizes of a read, in bytes. A read that fills its buffer asks for a bigger one
// next time, up to maxRead; a small one ends that.
const (
	minRead = 16 << 10
	maxRead = 320 << 10
	minPart = 2 << 10 // smallest buffer for an incomplete frame
)

// read is Read for the one who is inside.
func (c *Conn) read() (*Batch, error) {
	buf := c.part
	c.part = nil
	if c.d.over() {
		return nil, c.discard(buf)
	}
	var full bool
	if c.leftover {
		c.leftover = false
	} else {
		var err error
		before := 0
		if buf != nil {
			before = len(buf.B)
		}
		buf, full, err = c.s.fill(buf, int(c.hint))
		if err != nil {
			c.part = buf
			if errors.Is(err, errAgain) {
				return nil, nil //nolint:nilerr // nothing came is no failure
			}
			c.release()
			return nil, &ReadError{Err: err}
		}
		c.adapt(cap(buf.B), before, len(buf.B)-before, full)
	}
	b := newBatch()
	used, need := c.d.decode(buf.B, b)
	c.leftover = used < len(buf.B) && c.d.full(b)
	c.keep(buf, b, used, need)
	if b.Empty() {
		b.Release()
		return nil, nil
	}
	return b, nil
}

// adapt chooses the size of the next read: more where more comes at once.
func (c *Conn) adapt(size, before, n int, full bool) {
	switch {
	case full:
		c.hint = int32(min(4*size, maxRead))
	case before == 0 && n <= minRead:
		c.hint = 0
	}
}

// keep gives buf to the batch that points into it, and to c.part what of it
// belongs to a frame that is not whole.
func (c *Conn) keep(buf *Buffer, b *Batch, used, need int) {
	rest := buf.B[used:]
	if len(rest) == 0 {
		b.own(buf)
		return
	}
	size := len(rest) // nothing is read behind it before it is decoded
	if !c.leftover {
		size = c.partSize(len(rest), need)
	}
	if used == 0 && len(rest) < cap(buf.B) && cap(buf.B) <= size {
		c.part = buf
		return
	}
	part := NewBuffer(size)
	part.B = append(part.B, rest...)
	c.part = part
	b.own(buf)
}

// partSize says how big the buffer for rest bytes of an incomplete frame of
// need bytes is. It follows what has arrived, never what the frame's header
// promises; it has always room for more.
func (c *Conn) partSize(rest, need int) int {
	size := 4 * rest
	if need > 0 {
		size = min(size, need)
	}
	size = max(size, int(c.hint), rest+1, minPart)
	for _, class := range bufferClasses {
		if size <= class {
			return class
		}
	}
	return size
}

// discard reads what comes after the end of the WebSocket connection, and
// throws it away.
func (c *Conn) discard(part *Buffer) error {
	if part != nil {
		part.Release()
	}
	c.leftover = false
	buf, _, err := c.s.fill(nil, 0)
	switch {
	case err == nil:
		buf.Release()
	case !errors.Is(err, errAgain):
		return &ReadError{Err: err}
	}
	return nil
}

// release gives the memory of the reading side back. The caller is the only one
// inside.
func (c *Conn) release() {
	if c.part != nil {
		c.part.Release()
		c.part = nil
	}
	c.d.release()
}
