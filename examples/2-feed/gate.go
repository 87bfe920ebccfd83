package main

import (
	"net/http"
	"sync"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// window allows so many things in so much time.
type window struct {
	most int
	in   time.Duration
	past []time.Time
}

// allows counts one more thing if that is allowed; else it says when it will be.
func (w *window) allows(now time.Time) (wait time.Duration, ok bool) {
	for len(w.past) > 0 && now.Sub(w.past[0]) >= w.in {
		w.past = w.past[1:]
	}
	if len(w.past) >= w.most {
		return w.in - now.Sub(w.past[0]), false
	}
	w.past = append(w.past, now)
	return 0, true
}

// gate decides who may open a connection to the exchange.
type gate struct {
	mu      sync.Mutex
	visits  window
	shut    int         // how many are still to be refused
	refused map[int]int // by status
}

func newGate() *gate {
	return &gate{visits: window{most: 4, in: 2 * time.Second}, refused: map[int]int{}}
}

// authorize is the exchange's actors.ServerOptions.Authorize.
func (g *gate) authorize(*transport.Request) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut > 0 {
		g.shut--
		return g.refuse(http.StatusServiceUnavailable, 0, "the venue is being restarted")
	}
	if wait, ok := g.visits.allows(time.Now()); !ok {
		return g.refuse(http.StatusTooManyRequests, wait, "too many connections in a short time")
	}
	return nil
}

// refuse counts a refusal; g is locked. The client is told to wait for whole seconds.
func (g *gate) refuse(status int, wait time.Duration, why string) error {
	g.refused[status]++
	return &transport.HandshakeError{Status: status, RetryAfter: wait, Detail: why}
}

// refuseNext refuses the next connection.
func (g *gate) refuseNext() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut++
}

// refusals returns how many connections were refused with a status.
func (g *gate) refusals(status int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused[status]
}
