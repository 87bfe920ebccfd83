package actors

import (
	"cmp"
	"slices"
)

// This is what an outbox does for the messages that are more than plain.

// ack ends a letter that the peer has. The ack may be faster than the writer, who
// has yet to say that the letter is written. o may be anything but locked.
func (o *outbox) ack(id uint64) bool {
	o.mu.Lock()
	var done []Outcome
	ok := false
	if s := o.letters; s != nil {
		switch l := s.acks[id]; {
		case l == nil || l.acked:
		case l.gone:
			done, ok = o.settle(nil, l, Outcome{ID: id, Result: Acked}), true
		case l.chunk.taken:
			l.acked, ok = true, true
		}
	}
	o.unlock()
	o.tell(done)
	return ok
}

// unwanted reports whether a letter is not even to be queued, and why; o is locked.
func (o *outbox) unwanted(l *letter) (reason Reason, yes bool) {
	switch {
	case l == nil:
		return 0, false
	case l.bound && l.identity != o.letters.identity: // it changed while Post waited
		return Superseded, true
	case l.ttl < 0, l.class == Volatile && o.held:
		return Expired, true
	}
	return 0, false
}

// wroteLetter notes that a letter is written; o is locked.
func (o *outbox) wroteLetter(done []Outcome, l *letter) []Outcome {
	if !l.ack {
		return o.settle(done, l, Outcome{ID: l.id, Result: Written})
	}
	l.wrote()
	if l.acked || o.held { // the ack came already, or never will: its connection is lost
		return o.settle(done, l, Outcome{ID: l.id, Result: Unknown})
	}
	s := o.letters
	s.leave(l)
	l.gone = true
	s.gone++
	if t := o.limits.AckTimeout; t > 0 {
		l.due = nanos() + int64(t)
		s.deadlines.add(l)
	}
	return done
}

// regain looks after the letters of a chunk that the writer gave back: what
// happened meanwhile has not reached them. o is locked.
func (o *outbox) regain(done []Outcome, c *chunk) []Outcome {
	s := o.letters
	for i := c.first; i < len(c.entries); i++ {
		l := c.entries[i].letter
		switch {
		case l == nil:
		case l.acked:
			done = o.bury(done, c, i, Closed) // that is Acked
		case l.class == Volatile && o.held:
			done = o.bury(done, c, i, Expired)
		case l.class == KeepLatest && s.latest[l.key] != l, l.bound && l.identity != s.identity:
			done = o.bury(done, c, i, Superseded)
		case l.due > 0:
			s.deadlines.add(l)
		}
	}
	return done
}

// lose ends what does not survive its connection; o is locked.
func (o *outbox) lose() (done []Outcome) {
	if s := o.letters; s != nil && s.volatile > 0 {
		done = o.purge(nil, Expired, func(l *letter) bool { return l.class == Volatile })
	}
	return o.unknown(done)
}

// unknown ends the letters that wait for their ack, in their order; o is locked.
func (o *outbox) unknown(done []Outcome) []Outcome {
	if o.letters == nil || o.letters.gone == 0 {
		return done
	}
	gone := make([]*letter, 0, o.letters.gone)
	for _, l := range o.letters.acks {
		if l.gone {
			gone = append(gone, l)
		}
	}
	slices.SortFunc(gone, func(a, b *letter) int { return cmp.Compare(a.id, b.id) })
	for _, l := range gone {
		done = o.settle(done, l, Outcome{ID: l.id, Result: Unknown})
	}
	return done
}

// purge drops the waiting letters that match; o is locked.
func (o *outbox) purge(done []Outcome, reason Reason, match func(*letter) bool) []Outcome {
	for c := o.data.waiting(); c != nil; c = c.next {
		if !c.special {
			continue
		}
		for i := range c.entries[c.first:] {
			if l := c.entries[c.first+i].letter; l != nil && match(l) {
				done = o.bury(done, c, c.first+i, reason)
			}
		}
	}
	for c := o.data.waiting(); c != nil; {
		c = o.data.tidy(c)
	}
	return done
}
