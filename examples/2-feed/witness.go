package main

import (
	"fmt"
	"sync"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// witness is a middleware of the exchange that writes down what its clients ask for.
// A module could not: it sees the messages of its own types, but not in which order
// they came with those of another module.
type witness struct {
	symbols int // that a client asks for before it orders

	mu      sync.Mutex
	latest  uint64 // connection
	asked   map[uint64]map[string]int
	ordered map[uint64]bool
	wrong   []string
}

func newWitness(symbols int) *witness {
	return &witness{symbols: symbols, asked: map[uint64]map[string]int{}, ordered: map[uint64]bool{}}
}

// middleware is inline: it is quick, and its lock lets it be used by many threads.
func (w *witness) middleware() actors.Middleware {
	return actors.Middleware{Name: "witness", Inline: true, FailOpen: true, New: func() actors.Interceptor { return w }}
}

// OnReceive implements actors.Interceptor.
func (w *witness) OnReceive(c *actors.Conn, m transport.Message) actors.Verdict {
	h, err := modules.JSON{}.Peek(m, modules.TypePart)
	if err != nil {
		return actors.Pass()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked[c.ID()]
	switch string(h.Type) {
	case typeSubscribe:
		var s subscribe
		if read(m, typeSubscribe, &s) {
			w.subscribes(c.ID(), s.Symbol)
		}
	case typeOrder:
		if !w.ordered[c.ID()] && len(asked) < w.symbols {
			w.wrong = append(w.wrong, fmt.Sprintf("connection %d ordered before it had asked for %d symbols", c.ID(), w.symbols-len(asked)))
		}
		w.ordered[c.ID()] = true
	}
	return actors.Pass()
}

// OnSend implements actors.Interceptor.
func (w *witness) OnSend(*actors.Conn, transport.Message) actors.Verdict { return actors.Pass() }

// subscribes notes a subscription; w is locked.
func (w *witness) subscribes(conn uint64, symbol string) {
	if w.asked[conn] == nil {
		w.asked[conn] = map[string]int{}
	}
	w.asked[conn][symbol]++
	if n := w.asked[conn][symbol]; n > 1 {
		w.wrong = append(w.wrong, fmt.Sprintf("connection %d asked %d times for %s", conn, n, symbol))
	}
	w.latest = max(w.latest, conn)
}
