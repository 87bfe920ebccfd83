package actors

// lane is a queue of chunks. Only its first one can be taken, and none is without
// a message.
type lane struct {
	head, tail *chunk
	count      int // messages
	bytes      int // of their frames
}

func (l *lane) empty() bool { return l.head == nil }

// grow counts messages and bytes that came, or left.
func (l *lane) grow(messages, bytes int) {
	l.count += messages
	l.bytes += bytes
}

func (l *lane) append(c *chunk) {
	c.lane, c.prev = l, l.tail
	if l.head == nil {
		l.head = c
	} else {
		l.tail.next = c
	}
	l.tail = c
}

// remove takes a chunk out and frees it.
func (l *lane) remove(c *chunk) {
	if c.prev == nil {
		l.head = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		l.tail = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.free()
}

// waiting is the first chunk that the writer does not have, or nil.
func (l *lane) waiting() *chunk {
	if l.head != nil && l.head.taken {
		return l.head.next
	}
	return l.head
}

// tidy gives back what a chunk of which messages have died does not need any
// more, and returns the chunk behind it.
func (l *lane) tidy(c *chunk) *chunk {
	before := c.prev
	for c.first < len(c.entries) && c.entries[c.first].dead {
		c.off += int(c.entries[c.first].size)
		c.wasted -= int(c.entries[c.first].size)
		c.first++
		c.dead--
	}
	c.sent = c.off
	if c.live() == 0 {
		l.remove(c)
		if before == nil {
			return l.head
		}
		l.join(before)
		return before.next
	}
	if c.wasteful() {
		c.compact()
	}
	l.join(c)
	if before != nil && l.join(before) {
		return before.next
	}
	return c.next
}

// join makes one chunk of c and the one behind it if both are small: chunks that
// have lost most of their messages must not hold a buffer each.
func (l *lane) join(c *chunk) bool {
	n := c.next
	if n == nil || c.taken || c.past || n.past || c.size()+n.size() > chunkSize/2 {
		return false
	}
	room := c.size() + n.size()
	if n.next == nil {
		room = max(room, min(cap(n.buf.B), chunkSize))
	}
	c.rewrite(room, c, n)
	l.remove(n)
	return true
}
