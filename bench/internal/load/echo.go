package load

import (
	"fmt"
	"time"

	"github.com/hawser-go/hawser/bench/internal/hist"
)

// closedLoop is a run of Generator in progress.
type closedLoop struct {
	phases
	outstanding int
	m           Measurement
}

// Run keeps every connection's messages in flight for the window and then waits until
// all are answered, so that the server is idle when the next one is measured.
func (g *Generator) Run(o Window) (Measurement, error) {
	var e closedLoop
	e.start(o, g.patience, g.resetLatencies)
	t := now()
	for _, c := range g.conns {
		if c.side && !o.Side {
			continue
		}
		n := len(c.flight.sent)
		e.outstanding += n
		if err := c.send(n, t); err != nil {
			return e.m, err
		}
	}
	got := e.got // one closure, not one per wait
	for e.outstanding > 0 {
		events, err := g.poll(pollInterval, got)
		if err != nil {
			return e.m, err
		}
		if err := e.advance(events); err != nil {
			return e.m, fmt.Errorf("%w, %d messages outstanding", err, e.outstanding)
		}
	}
	g.summarize(&e.m)
	return e.m, nil
}

// got records the answers and sends as many new messages.
func (e *closedLoop) got(c *conn, messages int) error {
	if messages > c.flight.open {
		return errUnasked
	}
	t := now()
	for range messages {
		sentAt := c.flight.pop()
		if e.counting {
			c.latency.Add(t - sentAt)
		}
	}
	switch {
	case e.counting && c.side:
		e.m.SideMessages += uint64(messages)
	case e.counting:
		e.complete = true
		e.m.Messages += uint64(messages)
	case e.draining:
		e.outstanding -= messages
		return nil
	}
	return c.send(messages, t)
}

func (g *Generator) resetLatencies() {
	for _, c := range g.conns {
		if c.latency != &g.shared {
			c.latency.Reset()
		}
	}
	g.shared.Reset()
}

// summarize fills in the latencies.
func (g *Generator) summarize(m *Measurement) {
	all := g.shared
	m.P99 = time.Duration(all.Quantile(0.99))
	var side hist.Histogram
	for _, c := range g.conns {
		switch {
		case c.side:
			side.Merge(c.latency)
		case c.latency != &g.shared:
			all.Merge(c.latency)
			m.P99 = max(m.P99, time.Duration(c.latency.Quantile(0.99)))
		}
	}
	m.P50, m.Max = time.Duration(all.Quantile(0.5)), time.Duration(all.Max())
	m.SideMin = time.Duration(side.Quantile(0))
}
