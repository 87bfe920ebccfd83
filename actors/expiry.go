package actors

import "time"

// expire drops the messages that are too old at now and gives up the acks that
// are overdue. It returns when the next one will be; zero if none is known.
// Until then due tells when something has become more urgent.
func (o *outbox) expire(now time.Time) (next time.Time) {
	o.mu.Lock()
	done := o.overdue(now)
	if o.armed = o.earliest(); o.armed != 0 {
		next = moment(o.armed)
	}
	o.unlock()
	o.tell(done)
	return next
}

// unlock unlocks o, behind any change: it has expire called in time, wakes who waits
// for room if there is some, and tells who waits for less to wait.
func (o *outbox) unlock() {
	urgent := false
	if o.due != nil {
		if at := o.earliest(); at != 0 && (o.armed == 0 || at < o.armed) {
			o.armed, urgent = at, true
		}
	}
	if s := o.letters; s != nil && len(s.posters) > 0 {
		o.call(s.posters[0])
	}
	told, end := o.gauge(), o.end
	o.mu.Unlock()
	if urgent {
		o.due()
	}
	for i := range told {
		told[i].tell(end)
	}
}

// alarm is when expire is to be called, ns; 0: not.
func (o *outbox) alarm() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.armed
}

// timed makes due be called from now on when something has become more urgent.
func (o *outbox) timed(due func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.due == nil {
		o.due = due
	}
}

// overdue ends what has come to its end by now; o is locked.
func (o *outbox) overdue(now time.Time) (done []Outcome) {
	if s := o.letters; s != nil {
		for len(s.deadlines) > 0 && s.deadlines[0].due <= instant(now) {
			l := s.deadlines[0]
			if l.gone {
				done = o.settle(done, l, Outcome{ID: l.id, Result: Unknown})
				continue
			}
			done = o.discard(done, l, Expired)
		}
	}
	if o.limits.Age <= 0 {
		return done
	}
	oldest := instant(now.Add(-o.limits.Age))
	for c := o.data.waiting(); c != nil && c.entries[c.first].at <= oldest; c = o.data.waiting() {
		for i := c.first; i < len(c.entries) && c.entries[i].at <= oldest; i++ {
			if !c.entries[i].dead {
				done = o.bury(done, c, i, Expired)
			}
		}
		o.data.tidy(c)
	}
	return done
}

// earliest is when the next message expires, or the next ack is overdue, ns; 0 if
// there is none. What the writer has does not expire while it has it. o is locked.
func (o *outbox) earliest() (at int64) {
	if o.limits.Age > 0 {
		if c := o.data.waiting(); c != nil {
			at = c.entries[c.first].at + int64(o.limits.Age)
		}
	}
	if s := o.letters; s != nil && len(s.deadlines) > 0 {
		at = sooner(s.deadlines[0].due, at)
	}
	return at
}
