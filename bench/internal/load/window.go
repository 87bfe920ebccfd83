package load

import (
	"errors"
	"fmt"
	"time"
)

const (
	// pollInterval bounds one wait for events, and so how late a window ends when
	// nothing comes.
	pollInterval = 10 * time.Millisecond

	// patient is how long a server may do nothing at all before a load gives up.
	patient = 10 * time.Second
)

var errUnasked = errors.New("a message came that nobody asked for")

// Window says how to measure once.
type Window struct {
	Warm   time.Duration // load without measuring, first
	Length time.Duration // then load that is measured; longer if nothing is complete by then
	Side   bool          // the side connections take part

	// Mark is called at both ends of the measured time, for reading clocks.
	Mark func()
}

func (o Window) mark() {
	if o.Mark != nil {
		o.Mark()
	}
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

// phases leads a run through its window: load that warms up, load that counts, and a
// drain in which nothing new is sent.
type phases struct {
	window   Window
	patience time.Duration
	reset    func() // forgets what was recorded while warming up
	counting bool
	draining bool
	complete bool  // something has been, while counting
	end      int64 // of the phase
	stalled  int64 // when the run gives up
}

func (p *phases) start(o Window, patience time.Duration, reset func()) {
	t := now()
	*p = phases{window: o, patience: patience, reset: reset, end: t + int64(o.Warm), stalled: t + int64(patience)}
}

// advance goes to the next phase when the time has come. It is to be called after every
// wait, with the number of events that it brought.
func (p *phases) advance(events int) error {
	t := now()
	if events > 0 {
		p.stalled = t + int64(p.patience)
	}
	switch {
	case t > p.stalled:
		return fmt.Errorf("the server did nothing for %v", p.patience)
	case t < p.end || p.draining:
	case p.counting && !p.complete: // a window lasts until there is something to tell
	case !p.counting:
		p.reset()
		p.counting = true
		p.window.mark()
		p.end = now() + int64(p.window.Length)
	default:
		p.window.mark()
		p.counting, p.draining = false, true
	}
	return nil
}
