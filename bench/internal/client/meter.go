package client

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-go/hawser/bench/internal/hist"
)

// window is the time that is measured, and the meters of all connections.
type window struct {
	meters []*Meter
	// from is when it was opened, ns of the clock; 0 until then.
	from   atomic.Int64
	closed atomic.Bool
	clock  func() int64
}

func newWindow(o Options) *window {
	epoch := time.Now().Add(-1) // so that the clock never shows 0
	w := &window{clock: func() int64 { return int64(time.Since(epoch)) }}
	for range o.Conns {
		w.meters = append(w.meters, &Meter{window: w, size: o.Size, inFlight: uint64(o.InFlight), marked: 1})
	}
	return w
}

// open begins the window. It returns how many messages have been counted before.
func (w *window) open() (count uint64, now int64) {
	now = w.clock()
	w.from.Store(now)
	return w.count(), now
}

// shut ends it. No message is answered any more.
func (w *window) shut(since int64) (count uint64, took time.Duration) {
	count, took = w.count(), time.Duration(w.clock()-since)
	w.closed.Store(true)
	return count, took
}

func (w *window) count() (n uint64) {
	for _, m := range w.meters {
		n += m.count.Load()
	}
	return n
}

// trips is the round trips of all connections.
func (w *window) trips() *hist.Histogram {
	all := new(hist.Histogram)
	for _, m := range w.meters {
		m.mu.Lock()
		all.Merge(&m.trips)
		m.mu.Unlock()
	}
	return all
}

// Meter counts the echoes of one connection. It takes the time of one message in as many
// as there are in flight: the next one is that which is sent when the last has come back.
// So a clock is read once for each round, and a client that needs a tenth of a
// microsecond for a message can be measured at all.
type Meter struct {
	window   *window
	size     int
	inFlight uint64

	count  atomic.Uint64
	marked uint64 // the number of the message whose round trip is being taken
	sent   int64  // when it was sent; 0: not known

	mu    sync.Mutex
	trips hist.Histogram
	_     [64]byte // the next one's counter is another core's
}

// Received counts an echo of size bytes, and reports whether the next message is to be
// sent, which must be done at once. Echoes come back in order; one goroutine at a time
// may call it.
func (m *Meter) Received(size int) bool {
	if size != m.size {
		Fail(fmt.Errorf("an echo has %d bytes, %d were sent", size, m.size))
	}
	if n := m.count.Add(1); n == m.marked {
		m.lap(n)
	}
	return !m.window.closed.Load()
}

// lap ends one round trip and begins the next: n messages have come back, so that the
// next one to be sent is number n and those in flight.
func (m *Meter) lap(n uint64) {
	now := m.window.clock()
	if from := m.window.from.Load(); from > 0 && m.sent >= from && !m.window.closed.Load() {
		m.mu.Lock()
		m.trips.Add(now - m.sent)
		m.mu.Unlock()
	}
	m.sent, m.marked = now, n+m.inFlight
}
