package transport

import (
	"math"
	"sync/atomic"
	"time"
)

// turn says who owns a loop and what it does, in one word so that both change
// together: the owner's number in the upper half; in the lower half a count of
// what it has done, odd while it handles events.
type turn uint64

const firstTurn turn = 0

// plus counts on within the lower half.
func (t turn) plus(n uint32) turn { return t&^math.MaxUint32 | turn(uint32(t)+n) }

// handling reports whether the owner handles events.
func (t turn) handling() bool { return t&1 == 1 }

// A tick of the watchdog wakes a thread, and a thousand a second would cost a busy loop
// a fifth of its processor. Handlers that block do so again and again, so it is
// watchful only behind one of them: then it looks every patience for that many ticks,
// and otherwise once in calm patiences.
const (
	calm     = 10
	watchful = 1000
)

// watchdog sees when the owner of a loop makes no progress for as long as its
// patience. Its timer runs only while the loop has events to handle.
type watchdog struct {
	now      atomic.Uint64 // a turn
	seen     atomic.Uint64 // the turn at the last tick
	armed    atomic.Bool   // the timer runs
	alert    atomic.Int32  // for how many ticks it is watchful still
	patience time.Duration
	timer    *time.Timer
	stuck    func(turn)
}

// init sets what is called, from a goroutine of its own, when the owner is
// stuck. Negative patience: never.
func (w *watchdog) init(patience time.Duration, stuck func(turn)) {
	w.patience, w.stuck = patience, stuck
	w.timer = time.AfterFunc(time.Hour, w.tick)
	w.timer.Stop()
	if patience < 0 {
		w.armed.Store(true) // nobody starts a timer that is said to run
	}
}

func (w *watchdog) stop() {
	w.armed.Store(true)
	w.timer.Stop()
}

// wake says that the owner begins to handle events. Nobody takes the loop from
// an owner that is parked, so this cannot fail.
func (w *watchdog) wake(now turn) turn {
	now = now.plus(1)
	w.now.Store(uint64(now))
	if !w.armed.Load() && w.armed.CompareAndSwap(false, true) {
		w.seen.Store(uint64(now))
		w.timer.Reset(w.pause())
	}
	return now
}

// pause is how long it is until the next tick.
func (w *watchdog) pause() time.Duration {
	if w.alert.Load() > 0 {
		return w.patience
	}
	return calm * w.patience
}

// step says that one event is done. It reports whether the loop is still the
// caller's.
func (w *watchdog) step(now turn) (turn, bool) { return w.move(now, now.plus(2)) }

// park says that all events are done. It reports whether the loop is still the
// caller's.
func (w *watchdog) park(now turn) (turn, bool) { return w.move(now, now.plus(1)) }

func (w *watchdog) move(now, next turn) (turn, bool) {
	return next, w.now.CompareAndSwap(uint64(now), uint64(next))
}

// take makes the caller the owner of a loop whose owner is stuck, and parked.
func (w *watchdog) take(stuck turn) (turn, bool) {
	return w.move(stuck, (stuck|math.MaxUint32)+1)
}

// tick runs while there are events.
func (w *watchdog) tick() {
	now := w.now.Load()
	if !turn(now).handling() {
		w.armed.Store(false)
		// The loop may have woken just before and found the timer running.
		now = w.now.Load()
		if !turn(now).handling() || !w.armed.CompareAndSwap(false, true) {
			return
		}
	}
	if now == w.seen.Load() {
		w.alert.Store(watchful)
		w.stuck(turn(now))
		now = w.now.Load()
	} else if left := w.alert.Load(); left > 0 {
		w.alert.Store(left - 1)
	}
	w.seen.Store(now)
	w.timer.Reset(w.pause())
}
