package main

import (
	"sync"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// sequence is a middleware that watches the sequence numbers of all symbols: it
// reports what is missing, and keeps back what has been seen. The modules behind it
// get every price once and in order, and need not think about it.
//
// It runs as an actor of its own, one message at a time. Its knowledge is here and
// not in the Interceptor: a panic would make a new one, and all would look new to it.
type sequence struct {
	// current is told when a connection has brought all symbols that are wanted up to
	// date, and which gaps it has shown; and again, if more are wanted.
	current func(epoch uint64, symbols int, gaps []gap)

	mu      sync.Mutex
	symbols int // that are wanted
	last    map[string]mark
	gaps    []gap
	epoch   uint64 // the connection
	fresh   int    // how many symbols it has brought up to date
	told    uint64 // the latest connection of which current was told
	shown   int    // how many of the gaps it was told
}

// mark is how far a symbol has come, and on which connection.
type mark struct{ seq, epoch uint64 }

// gap is a run of prices that never came.
type gap struct {
	symbol   string
	from, to uint64 // the first and the last that is missing
	epoch    uint64 // of the connection that showed it
	loss     bool   // the connection was lost in between; else nothing explains it
}

func (g gap) missing() int { return int(g.to - g.from + 1) }

func newSequence(current func(epoch uint64, symbols int, gaps []gap)) *sequence {
	return &sequence{current: current, last: map[string]mark{}}
}

func (s *sequence) middleware() actors.Middleware {
	return actors.Middleware{Name: "sequence", New: func() actors.Interceptor { return s }}
}

// OnReceive implements actors.Interceptor.
func (s *sequence) OnReceive(c *actors.Conn, m transport.Message) actors.Verdict {
	var p price
	if !read(m, typePrice, &p) {
		return actors.Pass()
	}
	if s.repeated(p, c.Epoch()) {
		return actors.Drop("this price has been seen")
	}
	return actors.Pass()
}

// OnSend implements actors.Interceptor.
func (s *sequence) OnSend(*actors.Conn, transport.Message) actors.Verdict { return actors.Pass() }

// repeated reports whether a price has been seen before, and notes what is missing
// before one that has not.
func (s *sequence) repeated(p price, epoch uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.last[p.Symbol]
	old := known && p.Seq <= last.seq
	if known && p.Seq > last.seq+1 {
		s.gaps = append(s.gaps, gap{symbol: p.Symbol, from: last.seq + 1, to: p.Seq - 1, epoch: epoch, loss: epoch > last.epoch})
	}
	s.last[p.Symbol] = mark{max(p.Seq, last.seq), epoch}
	if last.epoch != epoch {
		s.freshen(epoch)
	}
	return old
}

// freshen counts one more symbol that is up to date; s is locked.
func (s *sequence) freshen(epoch uint64) {
	if s.epoch != epoch {
		s.epoch, s.fresh = epoch, 0
	}
	if s.fresh++; s.fresh >= s.symbols {
		s.current(epoch, s.fresh, s.gaps[s.shown:])
		s.told, s.shown = epoch, len(s.gaps)
	}
}

// expect says how many symbols are wanted.
func (s *sequence) expect(symbols int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.symbols = symbols
}

// upToDate returns the latest connection that brought all that was wanted.
func (s *sequence) upToDate() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// all returns the gaps so far.
func (s *sequence) all() []gap {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gaps[:len(s.gaps):len(s.gaps)]
}
