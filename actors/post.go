package actors

import (
	"context"
)

// Post accepts a message, with what is to become of it, and returns a Receipt that
// tells how it ends. When the outbox is full it does what OutboxLimits.Overflow
// says; with Block it waits for room, behind those who wait longer, until ctx is
// done, and then returns the error of ctx. It waits for nothing else. A handler that
// waits here holds its module up, and if its module has to go on for the outbox to
// empty, for ever: give it a ctx that ends.
func (c *Client) Post(ctx context.Context, m Outgoing) (*Receipt, error) { return c.s.post(ctx, &m) }

// Post is Client.Post for the messages of one connection. On a client it is the same,
// with the same numbers.
func (c *Conn) Post(ctx context.Context, m Outgoing) (*Receipt, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	if c.side.server {
		c.out.timed(c.hasten)
	}
	r, err := c.out.post(ctx, &m)
	if err != nil {
		return nil, c.overflowed(err)
	}
	c.wake()
	return r, nil
}

// Ack is Client.Ack for a message of Conn.Post.
func (c *Conn) Ack(id uint64) bool { return c.out.ack(id) }

// hasten has the connection looked after when its outbox needs it.
func (c *Conn) hasten() {
	at := c.out.alarm()
	for due := c.due.Load(); at > 0 && (due == 0 || due > at); due = c.due.Load() {
		if c.due.CompareAndSwap(due, at) {
			return
		}
	}
}

// Ack tells that the peer has acknowledged the message with that number, in
// whatever way the application's protocol does it. It reports whether that was the
// message's end: false if the message was not posted with Ack, has not been handed to a
// connection yet, or has its outcome already.
func (c *Client) Ack(id uint64) bool { return c.s.out.ack(id) }

// post takes a message into the outbox as accept does.
func (s *session) post(ctx context.Context, m *Outgoing) (*Receipt, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	r, err := s.out.post(ctx, m)
	if err != nil {
		return nil, s.overflowed(err)
	}
	if c := s.line.Load(); c != nil {
		c.wake()
	}
	return r, nil
}

// overflowed ends the connection of a client that does not get rid of its
// messages, if that is its policy. It returns err.
func (s *session) overflowed(err error) error {
	if c := s.line.Load(); c != nil {
		return c.overflowed(err)
	}
	return err
}

// poster is somebody who waits for room, in Post under the policy Block.
type poster struct {
	size   int // of the frame
	letter *letter
	turn   chan struct{} // has a token when it is worth trying again
}

// post accepts a letter. Under the policy Block it waits for its room until ctx is
// done.
func (o *outbox) post(ctx context.Context, m *Outgoing) (*Receipt, error) {
	l := newLetter(m)
	o.mu.Lock()
	l.identity = o.extra().identity
	done, err := o.accept(m.Kind, m.Payload, 0, nanos(), l)
	if o.end != nil || err != ErrOutboxFull || o.limits.Overflow != Block { //nolint:errorlint // accept's own, never wrapped
		o.unlock()
		o.tell(done)
		if err != nil {
			return nil, err
		}
		return &l.Receipt, nil
	}
	w := &poster{size: o.frameSize(m.Payload), letter: l, turn: make(chan struct{}, 1)}
	o.letters.posters = append(o.letters.posters, w)
	o.unlock()
	return o.await(ctx, m, w)
}

// await tries to accept the message of w whenever there may be room, once those
// who came before have theirs.
func (o *outbox) await(ctx context.Context, m *Outgoing, w *poster) (*Receipt, error) {
	for {
		select {
		case <-w.turn:
		case <-ctx.Done():
			o.mu.Lock()
			o.letters.unqueue(w)
			o.unlock()
			return nil, ctx.Err()
		}
		o.mu.Lock()
		done, err := o.accept(m.Kind, m.Payload, 0, nanos(), w.letter)
		if o.end == nil && err == ErrOutboxFull { //nolint:errorlint // as above
			o.unlock()
			continue
		}
		o.letters.unqueue(w)
		o.unlock()
		o.tell(done)
		if err != nil {
			return nil, err
		}
		return &w.letter.Receipt, nil
	}
}

// call lets the first of those who wait try again if that is worth it; o is locked.
func (o *outbox) call(w *poster) {
	if _, unwanted := o.unwanted(w.letter); o.end == nil && !unwanted && !o.fits(w.size, w.letter) {
		return
	}
	select {
	case w.turn <- struct{}{}:
	default:
	}
}

// unqueue takes one out of the line.
func (s *letters) unqueue(w *poster) {
	for i, other := range s.posters {
		if other == w {
			copy(s.posters[i:], s.posters[i+1:])
			s.posters[len(s.posters)-1] = nil
			s.posters = s.posters[:len(s.posters)-1]
			break
		}
	}
	if len(s.posters) == 0 {
		s.posters = nil
	}
}
