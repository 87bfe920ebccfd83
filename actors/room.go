package actors

// fits reports whether the data has room for one more message; o is locked.
func (o *outbox) fits(size int, l *letter) bool {
	count, bytes := o.count-o.first().count, o.data.bytes+size
	if old := o.replaced(l); old != nil {
		count--
		bytes -= int(old.chunk.entries[old.chunk.find(old.id)].size)
	}
	return o.limits.allow(count, bytes)
}

// allow reports whether one more message on top of count, with bytes in all, is
// within the bounds.
func (l *OutboxLimits) allow(count, bytes int) bool {
	return (l.Messages <= 0 || count < l.Messages) && (l.Bytes <= 0 || bytes <= l.Bytes)
}

// replaced is the waiting letter of which l takes the place, or nil; o is locked.
func (o *outbox) replaced(l *letter) *letter {
	if l == nil || l.class != KeepLatest {
		return nil
	}
	if old := o.letters.latest[l.key]; old != nil && !old.chunk.taken {
		return old
	}
	return nil
}

// behind reports whether others wait for room longer than l does; o is locked.
func (o *outbox) behind(l *letter) bool {
	s := o.letters
	return s != nil && len(s.posters) > 0 && s.posters[0].letter != l
}

// makeRoom drops the oldest waiting data until a message fits. If it would not fit
// even then nothing is dropped, and ok is false. o is locked.
func (o *outbox) makeRoom(size int, l *letter) (done []Outcome, ok bool) {
	count, bytes := 0, size // what cannot be dropped
	if c := o.data.head; c != nil && c.taken {
		count, bytes = c.live(), bytes+c.size()
	}
	if o.letters != nil {
		count += o.letters.gone
	}
	if !o.limits.allow(count, bytes) {
		return nil, false
	}
	for !o.fits(size, l) {
		c := o.data.waiting()
		done = o.bury(done, c, c.first, Overflow)
		o.data.tidy(c)
	}
	return done, true
}
