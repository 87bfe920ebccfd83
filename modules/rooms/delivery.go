package rooms

import (
	"errors"
	"slices"
	"sync"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// delivery is some messages on their way to members. It waits for nobody, and goes on
// to the next member whatever becomes of one. Several goroutines may bring it to
// different members at a time.
type delivery struct {
	rooms    *Rooms
	messages []*broadcast
	prepared []*transport.Prepared
	bundle   *actors.Bundle

	mu   sync.Mutex // guards the results of the messages, and gone
	gone []*seat    // whose connections have ended
}

// load readies the messages for their way; unload ends it.
func (d *delivery) load(r *Rooms, messages ...*broadcast) {
	d.rooms = r
	d.messages = append(d.messages, messages...)
	for _, b := range d.messages {
		d.prepared = append(d.prepared, b.message)
	}
	d.bundle = actors.NewBundle(d.prepared...)
}

// unload counts what has become of the messages; whole is how many members have
// accepted all of them, beside those that were noted one by one.
func (d *delivery) unload(whole int) {
	d.bundle.Release()
	d.bundle = nil
	for _, b := range d.messages {
		b.result.Reached += whole
		d.rooms.counts.add(b)
	}
}

// to brings all messages to one member. It reports whether its connection has accepted
// all that are for it. Members for whom that was the whole bundle are counted in whole,
// what has become of the others is noted.
func (d *delivery) to(s *seat, whole *int) bool {
	if s.flags.Load()&(closing|spared) != 0 {
		return d.rest(s, 0, nil)
	}
	n, err := s.conn.SendBundle(d.bundle)
	if err != nil {
		return d.rest(s, n, err)
	}
	*whole++
	return true
}

// rest brings the messages to a member one by one that it has not accepted together: n
// it has, and err says why not the next one, if that was tried.
func (d *delivery) rest(s *seat, n int, err error) (all bool) {
	d.mu.Lock()
	for _, b := range d.messages[:n] {
		b.result.Reached++
	}
	d.mu.Unlock()
	all = true
	for i, b := range d.messages[n:] {
		if slices.Contains(b.except, s.conn) {
			continue
		}
		if i > 0 || err == nil {
			err = s.queue(b.message)
		}
		all = all && err == nil
		if d.note(b, s, err); lost(err) {
			break // it has left, and nothing more was for it
		}
	}
	s.conn.Flush()
	return all
}

// queue gives the member's connection a message that is written with the next Flush.
func (s *seat) queue(m *transport.Prepared) error {
	if s.is(closing) || s.conn.Congested() {
		return ErrSlow
	}
	_, err := s.conn.Queue(m)
	return err
}

// note notes what has become of a message at a member.
func (d *delivery) note(b *broadcast, s *seat, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		b.result.Reached++
		return
	case errors.Is(err, ErrSlow), errors.Is(err, actors.ErrCongested), errors.Is(err, actors.ErrOutboxFull):
		d.slow(b, s)
		err = ErrSlow
	case lost(err):
		d.gone = append(d.gone, s)
		b.failed++
	default:
		b.failed++
	}
	if b.detail {
		b.result.Failed = append(b.result.Failed, Failure{ID: s.id, Err: err})
	}
}

// slow treats a member that does not keep up by the policy.
func (d *delivery) slow(b *broadcast, s *seat) {
	if d.rooms.options.Slow != CloseSlow || s.flags.Or(closing)&closing != 0 {
		b.result.Skipped++
		return
	}
	s.conn.Close(transport.TryAgainLater, "too slow")
	b.result.Closed++
}
