package rooms

import "sync/atomic"

// counts are the counters of all rooms.
type counts struct {
	messages, reached, skipped, closed, failed, busy, panics atomic.Uint64
}

// add counts a message and what has become of it.
func (c *counts) add(b *broadcast) {
	c.messages.Add(1)
	c.reached.Add(uint64(b.result.Reached))
	if b.result.Skipped|b.result.Closed > 0 || b.failed > 0 {
		c.skipped.Add(uint64(b.result.Skipped))
		c.closed.Add(uint64(b.result.Closed))
		c.failed.Add(b.failed)
	}
}

func (c *counts) stats() Stats {
	return Stats{
		Messages: c.messages.Load(), Reached: c.reached.Load(), Skipped: c.skipped.Load(), Closed: c.closed.Load(),
		Failed: c.failed.Load(), Busy: c.busy.Load(), Panics: c.panics.Load(),
	}
}
