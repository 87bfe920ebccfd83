package actors

// This is how messages in an outbox come to their end, other than by being written.

// hold keeps data back, or lets it go. It is kept back from the loss of a
// connection until the next one is ready.
func (o *outbox) hold(on bool) {
	o.mu.Lock()
	o.held = on
	var done []Outcome
	if on {
		done = o.lose()
	}
	o.unlock()
	o.tell(done)
}

// openSetup holds the data back and takes set-up messages of that epoch, until
// clearSetup.
func (o *outbox) openSetup(epoch uint64) {
	o.mu.Lock()
	o.held, o.epoch = true, epoch
	if o.setup == nil {
		o.setup = &lane{}
	}
	done := o.lose()
	o.unlock()
	o.tell(done)
}

// clearSetup drops what is left of an incarnation's set-up messages: the next
// one makes its own. No more come until openSetup. What the writer has it gives
// back itself.
func (o *outbox) clearSetup() {
	o.mu.Lock()
	o.epoch = 0
	done := o.empty(nil, o.first().waiting(), Superseded)
	o.unlock()
	o.tell(done)
}

// dropBound drops the messages that must not leave under another identity than
// that under which they were posted.
func (o *outbox) dropBound() {
	o.mu.Lock()
	var done []Outcome
	if s := o.letters; s != nil {
		s.identity++
		if s.bound > 0 {
			done = o.purge(nil, Superseded, func(l *letter) bool { return l.bound })
		}
	}
	o.unlock()
	o.tell(done)
}

// refuse makes the outbox accept no more; what it has may still leave.
func (o *outbox) refuse(why error) {
	o.mu.Lock()
	if o.end == nil {
		o.end = why
	}
	o.unlock()
}

// close makes the outbox accept no more and drops what it has. Nobody may be
// writing from it.
func (o *outbox) close(why error) {
	o.mu.Lock()
	if o.end == nil {
		o.end = why
	}
	done := o.empty(nil, o.first().head, Closed)
	done = o.empty(done, o.data.head, Closed)
	done = o.unknown(done)
	o.unlock()
	o.tell(done)
}

// empty drops all messages of a lane from c on; o is locked.
func (o *outbox) empty(done []Outcome, c *chunk, reason Reason) []Outcome {
	for c != nil {
		next := c.next
		for i := c.first; i < len(c.entries); i++ {
			if !c.entries[i].dead {
				done = o.bury(done, c, i, reason)
			}
		}
		c.lane.remove(c)
		c = next
	}
	return done
}

// discard drops a letter that waits, and that the writer does not have; o is locked.
func (o *outbox) discard(done []Outcome, l *letter, reason Reason) []Outcome {
	c := l.chunk
	done = o.bury(done, c, c.find(l.id), reason)
	c.lane.tidy(c)
	return done
}

// bury drops the i-th message of a chunk, which is to be tidied; o is locked.
func (o *outbox) bury(done []Outcome, c *chunk, i int, reason Reason) []Outcome {
	id, l := c.kill(i)
	return o.settle(done, l, Outcome{ID: id, Result: Dropped, Reason: reason})
}

// pass accepts a message and drops it at once; o is locked.
func (o *outbox) pass(l *letter, reason Reason) []Outcome {
	return o.settle(nil, l, Outcome{ID: o.number(l), Result: Dropped, Reason: reason})
}

// settle gives a message its outcome, which is appended to done if anybody wants
// to know; o is locked.
func (o *outbox) settle(done []Outcome, l *letter, end Outcome) []Outcome {
	if l != nil {
		if l.acked { // the peer has it, whatever we know
			end = Outcome{ID: end.ID, Result: Acked}
		}
		o.letters.forget(l)
		l.finish(end)
	}
	o.ledger.settle(end.Result, end.Reason, 1)
	o.less(1)
	if o.settled != nil {
		done = append(done, end)
	}
	return done
}

// less counts n messages that have their outcome; o is locked.
func (o *outbox) less(n int) {
	if o.count -= n; o.count == 0 && o.letters != nil && o.letters.empties != nil {
		close(o.letters.empties)
		o.letters.empties = nil
	}
}

// emptied returns a channel that is closed when every message has its outcome.
func (o *outbox) emptied() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count == 0 {
		none := make(chan struct{})
		close(none)
		return none
	}
	s := o.extra()
	if s.empties == nil {
		s.empties = make(chan struct{})
	}
	return s.empties
}

func (o *outbox) tell(done []Outcome) {
	if len(done) > 0 && o.settled != nil {
		o.settled(done)
	}
}
