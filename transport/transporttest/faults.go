package transporttest

import "time"

// faults is what goes wrong in one direction.
type faults struct {
	cutting bool
	cutAt   int // value of sent at which the link is reset
	flips   []flip
	stalled bool
	drip    int // bytes per tick; 0: all at once
	every   time.Duration
	timer   *time.Timer // runs while there is something to drip
}

// flip changes the byte with the number at.
type flip struct {
	at  int
	xor byte
}

// Cut resets the link when after more bytes have been written in direction d,
// counted from now. Of these, what has arrived can still be read; what is
// written behind them seems to succeed and is lost. With after ≤ 0 it resets at
// once.
func (l *Link) Cut(d Direction, after int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &l.ways[d]
	if after <= 0 {
		l.resetLocked()
		return
	}
	w.cutting, w.cutAt = true, w.sent+after
}

// Stall lets bytes in direction d be written but not arrive, until Unstall. The
// end of the connection does not arrive either. Both directions stalled are a
// half-open connection.
func (l *Link) Stall(d Direction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &l.ways[d]
	w.stalled = true
	w.stopTimer()
}

// Unstall ends Stall. What was written meanwhile arrives.
func (l *Link) Unstall(d Direction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ways[d].stalled = false
	l.deliver(&l.ways[d])
}

// Trickle lets bytes in direction d arrive n at a time, at every tick of the
// given interval. With n ≤ 0 they arrive at once again.
func (l *Link) Trickle(d Direction, n int, every time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &l.ways[d]
	w.stopTimer()
	w.drip, w.every = max(n, 0), every
	l.deliver(w)
}

// Corrupt changes one byte in direction d by xor: the one before which offset
// others are written, counted from now.
func (l *Link) Corrupt(d Direction, offset int, xor byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &l.ways[d]
	w.flips = append(w.flips, flip{at: w.sent + offset, xor: xor})
}

// accept appends p, which fits, to w, and does to it what the faults say.
func (l *Link) accept(w *way, p []byte) {
	start, from := w.sent, len(w.buf)
	w.sent += len(p)
	cut := w.cutting && w.sent >= w.cutAt
	if cut {
		p = p[:max(w.cutAt-start, 0)]
	}
	w.buf = append(w.buf, p...)
	for _, f := range w.flips {
		if f.at >= start && f.at < start+len(p) {
			w.buf[from+f.at-start] ^= f.xor
		}
	}
	l.deliver(w)
	if cut {
		l.resetLocked()
	}
}

// deliver makes readable what may be.
func (l *Link) deliver(w *way) {
	switch {
	case w.stalled || l.reset:
		return
	case w.drip == 0:
		w.ready = len(w.buf)
	case w.timer == nil && w.ready < len(w.buf):
		w.timer = time.AfterFunc(w.every, func() { l.tick(w) })
	}
	l.change.Broadcast()
}

func (l *Link) tick(w *way) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.timer == nil {
		return // stopped while it was firing
	}
	w.timer = nil
	w.ready = min(w.ready+w.drip, len(w.buf))
	l.deliver(w)
}

func (w *way) stopTimer() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}
