package load

import (
	"fmt"
	"time"
)

// Paced sends at a rate of its own, by the clock and not by what comes back: one message
// at a time, on one connection after the other. Latencies count from the moment when a
// message was due, so a stall of the server, or of this generator, hides nothing.
type Paced struct {
	*Generator
	rate int
	next int // index of the connection that is next
}

var _ Load = (*Paced)(nil)

// NewPaced makes a load of rate messages a second over all connections of g, which stays
// the caller's to close. Each connection may have as many messages unanswered as it was
// dialled with InFlight; one more is an error: the server cannot keep up.
func NewPaced(g *Generator, rate int) *Paced { return &Paced{Generator: g, rate: rate} }

// pace is a run of Paced in progress.
type pace struct {
	phases
	p           *Paced
	due         int64 // when the next message is to go out
	outstanding int
	m           Measurement
}

// Run sends for the window and then waits until all is answered.
func (p *Paced) Run(o Window) (Measurement, error) {
	r := pace{p: p, due: now()}
	r.start(o, p.patience, p.resetLatencies)
	got := r.got
	for !r.draining || r.outstanding > 0 {
		wait, err := r.send()
		if err != nil {
			return r.m, err
		}
		events, err := p.poll(wait, got)
		if err != nil {
			return r.m, err
		}
		if err := r.advance(events); err != nil {
			return r.m, fmt.Errorf("%w, %d messages outstanding", err, r.outstanding)
		}
	}
	p.summarize(&r.m)
	return r.m, nil
}

// send sends what is due and returns how long nothing will be.
func (r *pace) send() (time.Duration, error) {
	if r.draining {
		return pollInterval, nil
	}
	p, t := r.p, now()
	for r.due <= t {
		c := p.conns[p.next]
		if c.flight.full() {
			return 0, fmt.Errorf("%d messages a second are too many: connection %d has %d unanswered", p.rate, p.next, c.flight.open)
		}
		if p.next++; p.next == len(p.conns) {
			p.next = 0
		}
		r.outstanding++
		if err := c.send(1, r.due); err != nil {
			return 0, err
		}
		r.due += int64(time.Second) / int64(p.rate)
	}
	return min(pollInterval, time.Duration(r.due-t)), nil
}

func (r *pace) got(c *conn, messages int) error {
	if messages > c.flight.open {
		return errUnasked
	}
	t := now()
	for range messages {
		dueAt := c.flight.pop()
		if r.counting {
			c.latency.Add(t - dueAt)
		}
	}
	if r.counting {
		r.complete = true
		r.m.Messages += uint64(messages)
	}
	r.outstanding -= messages
	return nil
}
