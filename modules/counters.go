package modules

import (
	"log/slog"
	"sync/atomic"
)

// Counters count what became of the messages of a module. They are kept over its
// restarts: declare one, name it with WithCounters, and read it with Counts at any
// time. The zero value is ready; several modules may share one.
type Counters struct {
	handled, failed, undecoded, unknown, panicked atomic.Uint64
}

// Counts are Counters at one moment. Each message that was handed to the module is
// counted once.
type Counts struct {
	// Handled: the handler returned nil.
	Handled uint64
	// Failed: the handler returned an error.
	Failed uint64
	// Undecoded: the codec could not read it, or panicked.
	Undecoded uint64
	// Unknown: no route had its type. It happens only with a rule of one's own.
	Unknown uint64
	// Panicked: the handler panicked, and the module was restarted.
	Panicked uint64
}

// Counts returns what has been counted so far.
func (c *Counters) Counts() Counts {
	return Counts{
		Handled: c.handled.Load(), Failed: c.failed.Load(), Undecoded: c.undecoded.Load(),
		Unknown: c.unknown.Load(), Panicked: c.panicked.Load(),
	}
}

// faults is where errors of messages go. It belongs to the stable plane.
type faults struct {
	module string
	hear   func(*Ctx, error) // may be nil
	logged atomic.Uint64
}

// tell passes an error on to the user's function; if there is none it is logged,
// the first one and then ever more rarely, each twice as late as the one before: a
// peer that sends rubbish cannot fill a disk.
func (f *faults) tell(c *Ctx, err error) {
	if f.hear != nil {
		f.hear(c, err)
		return
	}
	if n := f.logged.Add(1); n&(n-1) == 0 {
		c.actor.Logger().Warn("modules: message not handled", slog.String("module", f.module), slog.Any("error", err), slog.Uint64("so_far", n))
	}
}
