package transport

import "time"

// PollerOptions says how a Poller works. The zero value is the default.
type PollerOptions struct {
	// Loops is how many loops share the connections. Each is one goroutine.
	// Default, also for negative values: half of GOMAXPROCS, at least 1.
	Loops int
	// Patience is how long one Handler call may keep its loop. After that, and twice
	// that at the latest, the loop moves to a fresh goroutine, and the call goes on
	// alone. The first such call in about a second may keep it ten times as long:
	// looking costs, and most handlers never block. Default 1 ms; negative: for ever.
	Patience time.Duration
}

// defaultPatience is far above what a handler needs that does not block, and
// below what another connection would feel.
const defaultPatience = time.Millisecond
