package actors

import (
	"sync"
	"sync/atomic"
)

// brake stops the reading of connections whose messages wait for a module or a
// middleware that does not keep up, so that TCP pushes back on their peers.
type brake struct {
	limit int64        // bytes; 0: none
	waits atomic.Int64 // bytes that wait

	mu     sync.Mutex
	paused []*Conn // they wait until half of it is gone
}

// queueLimit is the limit that an option asks for.
func queueLimit(bytes int) int64 {
	if bytes == 0 {
		return 1 << 20
	}
	return int64(max(bytes, 0))
}

// load adds what begins to wait, and reports whether it is too much.
func (b *brake) load(n int64) (over bool) {
	return b.limit > 0 && b.waits.Add(n) > b.limit
}

// unload takes off what waits no more.
func (b *brake) unload(n int64) {
	if n > 0 && b.limit > 0 && b.waits.Add(-n) <= b.limit/2 {
		b.unpark()
	}
}

// park stops reading from c until half of the limit is free.
func (b *brake) park(c *Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.paused {
		if p == c {
			return
		}
	}
	b.paused = append(b.paused, c)
	c.pause()
}

func (b *brake) unpark() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, c := range b.paused {
		c.resume()
		b.paused[i] = nil
	}
	b.paused = b.paused[:0]
}
