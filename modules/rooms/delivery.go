package rooms

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// delivery is one message on its way to the members. It waits for nobody, and goes
// on to the next member whatever becomes of one.
type delivery struct {
	rooms   *Rooms
	message *transport.Prepared
	except  []*actors.Conn
	detail  bool // somebody wants to know whom it did not reach
	result  Result
	failed  uint64
	gone    []*seat // whose connections have ended
}

// to sends the message to one member. It reports whether the connection has accepted
// it.
func (d *delivery) to(s *seat) bool {
	if len(d.except) > 0 && slices.Contains(d.except, s.conn) {
		return false
	}
	err := ErrSlow
	if !s.is(closing) && !s.conn.Congested() {
		_, err = s.conn.SendPrepared(d.message)
	}
	switch {
	case err == nil:
		d.result.Reached++
		return true
	case errors.Is(err, ErrSlow), errors.Is(err, actors.ErrOutboxFull):
		d.slow(s)
		err = ErrSlow
	case lost(err):
		d.gone = append(d.gone, s)
		d.failed++
	default:
		d.failed++
	}
	if d.detail {
		d.result.Failed = append(d.result.Failed, Failure{ID: s.id, Err: err})
	}
	return false
}

// slow treats a member that does not keep up by the policy.
func (d *delivery) slow(s *seat) {
	if d.rooms.options.Slow != CloseSlow || s.flags.Or(closing)&closing != 0 {
		d.result.Skipped++
		return
	}
	s.conn.Close(transport.TryAgainLater, "too slow")
	d.result.Closed++
}

// count adds the result to the counters.
func (d *delivery) count() {
	c := &d.rooms.counts
	c.messages.Add(1)
	c.reached.Add(uint64(d.result.Reached))
	c.skipped.Add(uint64(d.result.Skipped))
	c.closed.Add(uint64(d.result.Closed))
	c.failed.Add(d.failed)
}

// counts are the counters of all rooms.
type counts struct {
	messages, reached, skipped, closed, failed, busy, panics atomic.Uint64
}

func (c *counts) stats() Stats {
	return Stats{
		Messages: c.messages.Load(), Reached: c.reached.Load(), Skipped: c.skipped.Load(), Closed: c.closed.Load(),
		Failed: c.failed.Load(), Busy: c.busy.Load(), Panics: c.panics.Load(),
	}
}
