package logging

import (
	"sync/atomic"
	"time"
)

// sampler decides which messages of one direction are logged. It is safe for
// concurrent use, and takes no lock.
type sampler struct {
	first, every int64
	second       atomic.Int64 // the one that counts, since the Unix epoch
	count        atomic.Int64 // of messages in it
	skipped      atomic.Int64 // since the last line
}

func newSampler(s Sample) *sampler {
	if s.First == 0 {
		s.First = 100
	}
	if s.Every == 0 {
		s.Every = 100
	}
	return &sampler{first: int64(s.First), every: int64(s.Every)}
}

// take reports whether a message that comes now is logged, and how many were not
// since the last one that was.
func (s *sampler) take(now time.Time) (skipped int64, ok bool) {
	if s.first < 0 {
		return 0, true
	}
	if second, old := now.Unix(), s.second.Load(); second != old && s.second.CompareAndSwap(old, second) {
		s.count.Store(0)
	}
	n := s.count.Add(1)
	if n > s.first && (s.every < 0 || (n-s.first)%s.every != 0) {
		s.skipped.Add(1)
		return 0, false
	}
	return s.skipped.Swap(0), true
}
