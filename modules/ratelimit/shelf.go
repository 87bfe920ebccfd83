package ratelimit

import (
	"container/list"
	"sync"
	"time"
)

// shelf has the buckets of keys: those in use, and those whose connections have
// gone, in the order in which they went. It is used when a connection comes or goes,
// never for a message.
type shelf struct {
	options *Options

	mu   sync.Mutex
	all  map[string]*bucket
	idle list.List // of *bucket, the one left longest ago first
}

// swept is how many buckets each visit may put away: more than it can bring.
const swept = 2

func newShelf(o *Options) *shelf { return &shelf{options: o, all: map[string]*bucket{}} }

// acquire returns the bucket of a key for one more connection.
func (s *shelf) acquire(key string) *bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.all[key]
	if b == nil {
		b = newBucket(s.options)
		b.key = key
		s.all[key] = b
	}
	if b.place != nil {
		s.idle.Remove(b.place)
		b.place = nil
	}
	b.users++
	s.sweep(time.Now())
	return b
}

// release takes a connection away from its bucket.
func (s *shelf) release(b *bucket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.users--; b.users == 0 {
		b.place = s.idle.PushBack(b)
	}
	s.sweep(time.Now())
}

// sweep puts away a few buckets that are full again, and whatever is above the
// bound. The one that was left first is full first, give or take how empty it was.
func (s *shelf) sweep(now time.Time) {
	for i := 0; s.idle.Len() > 0; i++ {
		oldest := s.idle.Front().Value.(*bucket)
		if s.idle.Len() <= s.options.Idle && (i >= swept || !oldest.full(now)) {
			return
		}
		s.idle.Remove(oldest.place)
		delete(s.all, oldest.key)
	}
}
