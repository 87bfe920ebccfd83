package transport

import "time"

// PollerOptions says how a Poller works. The zero value is the default.
type PollerOptions struct {
	// Loops is how many loops share the connections. Each is one goroutine.
	// Default, also for negative values: half of GOMAXPROCS, at least 1.
	Loops int
	// Patience is how long one Handler call may keep its loop. After that the
	// loop moves to a fresh goroutine, and the call goes on alone. Default 1 ms;
	// negative: for ever.
	Patience time.Duration
}

// defaultPatience is far above what a handler needs that does not block, and
// below what another connection would feel.
const defaultPatience = time.Millisecond
