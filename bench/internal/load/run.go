package load

import (
	"fmt"
	"time"

	"github.com/hawser-go/hawser/bench/internal/hist"
)

// pollInterval bounds one wait for events, in milliseconds, and so how late a window
// ends when nothing comes.
const pollInterval = 10

// Window says how to measure once.
type Window struct {
	Warm   time.Duration // load without measuring, first
	Length time.Duration // then load that is measured
	Side   bool          // the side connections take part

	// Mark is called at both ends of the measured time, for reading clocks.
	Mark func()
}

// Measurement is what came back within a window.
type Measurement struct {
	Messages uint64
	P50      time.Duration
	P99      time.Duration // of the worst connection, where they were dialled Apart
	Max      time.Duration

	SideMessages uint64        // on the side connections
	SideMin      time.Duration // the smallest latency there, to about 1 %
}

// window is a run in progress.
type window struct {
	g           *Generator
	counting    bool
	draining    bool
	outstanding int
	m           Measurement
}

// Run keeps every connection's messages in flight for the window and then waits until
// all are answered, so that the server is idle when the next one is measured.
func (g *Generator) Run(o Window) (Measurement, error) {
	w := &window{g: g}
	t := now()
	for _, c := range g.conns {
		if c.side && !o.Side {
			continue
		}
		w.outstanding += len(c.sent)
		if err := c.send(len(c.sent), t); err != nil {
			return w.m, err
		}
	}
	end, stalled := t+int64(o.Warm), t+int64(patience)
	got := w.got // one closure, not one per wait
	for w.outstanding > 0 {
		events, err := g.poll(pollInterval, got)
		if err != nil {
			return w.m, err
		}
		t = now()
		if events > 0 {
			stalled = t + int64(patience)
		}
		switch {
		case t > stalled:
			return w.m, fmt.Errorf("no answer in %v, %d messages outstanding", patience, w.outstanding)
		case t < end || w.draining:
		case !w.counting:
			g.resetLatencies()
			w.counting = true
			o.mark()
			end = now() + int64(o.Length)
		default:
			o.mark()
			w.counting, w.draining = false, true
		}
	}
	w.summarize()
	return w.m, nil
}

func (o Window) mark() {
	if o.Mark != nil {
		o.Mark()
	}
}

// got records the answers and sends as many new messages.
func (w *window) got(c *conn, messages int) error {
	t := now()
	for range messages {
		sentAt := c.answered()
		if w.counting {
			c.latency.Add(t - sentAt)
		}
	}
	switch {
	case w.counting && c.side:
		w.m.SideMessages += uint64(messages)
	case w.counting:
		w.m.Messages += uint64(messages)
	case w.draining:
		w.outstanding -= messages
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

func (w *window) summarize() {
	all := w.g.shared
	w.m.P99 = time.Duration(all.Quantile(0.99))
	var side hist.Histogram
	for _, c := range w.g.conns {
		switch {
		case c.side:
			side.Merge(c.latency)
		case c.latency != &w.g.shared:
			all.Merge(c.latency)
			w.m.P99 = max(w.m.P99, time.Duration(c.latency.Quantile(0.99)))
		}
	}
	w.m.P50, w.m.Max = time.Duration(all.Quantile(0.5)), time.Duration(all.Max())
	w.m.SideMin = time.Duration(side.Quantile(0))
}
