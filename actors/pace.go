package actors

import (
	"sync/atomic"
	"time"
)

const (
	// turnBudget is how long a module or a middleware may keep the thread of a
	// reader, ns.
	turnBudget = int64(time.Millisecond)
	// hanging is what nobody takes who is only kept waiting for a processor, ns.
	hanging = 16 * turnBudget
	// probation is how many batches in a row it must handle within the budget before
	// it runs in the turn.
	probation = 64
)

// pace is how many batches somebody must still handle quickly before he runs in
// the turn.
type pace struct{ left, warned atomic.Int32 }

// quick reports whether he may.
func (p *pace) quick() bool { return p.left.Load() <= 0 }

// slow takes him out of the turn.
func (p *pace) slow() { p.left.Store(probation) }

// took notes how long a batch kept its thread, and reports whether that was too
// long. Once in a while that is the system's doing, which had something else for the
// processor; so the first time is a warning, unless it was very long.
func (p *pace) took(ns int64) (long bool) {
	left, warned := p.left.Load(), p.warned.Load()
	switch {
	case ns > hanging, ns > turnBudget && left > 0, ns > turnBudget && warned > 0:
		p.slow()
		return true
	case ns > turnBudget:
		p.warned.Store(probation)
		return true
	case left > 0:
		p.left.Store(left - 1)
	case warned > 0:
		p.warned.Store(warned - 1)
	}
	return false
}

// patrol looks at the clock behind 1, 2, 4, 8 … messages of a batch.
type patrol struct {
	since      int64
	step, next int
}

func newPatrol(since int64, done int) patrol { return patrol{since: since, step: 1, next: done + 1} }

// overdue reports, behind the done-th message, whether the batch has kept its
// thread for too long.
func (p *patrol) overdue(done int) bool {
	if done != p.next {
		return false
	}
	p.step *= 2
	p.next += p.step
	return nanos()-p.since > turnBudget
}
