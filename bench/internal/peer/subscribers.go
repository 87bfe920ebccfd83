package peer

import "sync"

// Subscribers are the connections of /sub, for libraries that have no fan-out of their
// own. They are safe for concurrent use; the zero value is empty.
type Subscribers[C comparable] struct {
	mu  sync.RWMutex
	all map[C]struct{}
}

// Add adds a connection. Whoever adds it removes it.
func (s *Subscribers[C]) Add(c C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[C]struct{}{}
	}
	s.all[c] = struct{}{}
}

// Remove removes a connection.
func (s *Subscribers[C]) Remove(c C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, c)
}

// Each calls send for all of them, in no order. Several may do so at the same time;
// newcomers wait until it is done.
func (s *Subscribers[C]) Each(send func(C)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for c := range s.all {
		send(c)
	}
}
