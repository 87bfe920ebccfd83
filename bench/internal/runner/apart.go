package runner

import (
	"os"

	"github.com/hawser-go/hawser/bench/internal/process"
)

// apart keeps the two ends of a single connection with one message in flight on
// processors of their own.
//
// Such a connection is mostly silent: one end sleeps while the other works. The system
// wakes the sleeper on the processor of the other, or on one that sleeps itself, which
// takes three times as long, and it stays with what it did the last time. Where nobody
// tells it which, a median says what was drawn, and nothing of who was measured.
type apart struct {
	all []int // nil: there is one processor only, or it does not matter
}

func newApart(s Scenario) apart {
	if s.Conns > 1 || s.InFlight > 1 {
		return apart{}
	}
	all, err := process.CPUs()
	if err != nil || len(all) < 2 {
		return apart{}
	}
	return apart{all}
}

// generator and subject pin a process to the processor of its end. What fails is left
// as it is.
func (a apart) generator(pid int) { a.pin(pid, 0) }
func (a apart) subject(pid int)   { a.pin(pid, len(a.all)-1) }

func (a apart) pin(pid, end int) {
	if a.all != nil {
		_ = process.Pin(pid, a.all[end])
	}
}

// together ends it for ourselves.
func (a apart) together() {
	if a.all != nil {
		_ = process.Pin(os.Getpid(), a.all...)
	}
}
