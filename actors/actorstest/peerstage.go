package actorstest

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// PeerTimeout is how long a Peer and its connections wait for what is expected of
// the program under test, unless they are told otherwise. In a bubble it is
// virtual.
const PeerTimeout = 10 * time.Second

// stage is what a Peer shares with its connections: the test, one lock for all
// state, and what must be gone when the test ends.
type stage struct {
	t     testing.TB
	began time.Time
	wg    sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil: nobody waits
	over    bool          // the test has ended: nothing more is told to it
	timeout time.Duration
	conns   []*PeerConn
	ends    []func() // close what is not a connection yet, or not any more
	notes   []string // what stands below every failure
}

func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{t: t, began: time.Now(), timeout: PeerTimeout}
	t.Cleanup(s.end)
	return s
}

// update changes the state and wakes who waits for it.
func (s *stage) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// await waits until ready says so, and reports whether it did within d, or, with a
// negative d, ever. ready is called with the lock.
func (s *stage) await(d time.Duration, ready func() bool) bool {
	var late <-chan time.Time
	if d >= 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		late = timer.C
	}
	for {
		changed, ok := s.check(ready)
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-late:
			_, ok := s.check(ready) // it may have come at the same moment
			return ok
		}
	}
}

func (s *stage) check(ready func() bool) (changed <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ready() {
		return nil, true
	}
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed, false
}

// do runs f in a goroutine that the test waits for. It reports false when the
// test has ended.
func (s *stage) do(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.wg.Go(f)
	}
	return !s.over
}

// atEnd has f called when the test ends, or at once if it has.
func (s *stage) atEnd(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		f()
		return
	}
	s.ends = append(s.ends, f)
}

// end closes everything and waits until it is gone.
func (s *stage) end() {
	s.t.Helper()
	s.update(func() { s.over = true })
	for _, f := range s.ends {
		f()
	}
	for _, c := range s.conns {
		_ = c.conn.Reset()
	}
	gone := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(gone)
	}()
	patience := time.NewTimer(PeerTimeout)
	defer patience.Stop()
	select {
	case <-gone:
	case <-patience.C:
		s.t.Errorf("actorstest: a script of the peer still runs %s after the test", PeerTimeout)
	}
	for _, c := range s.conns {
		<-c.conn.Done()
	}
	if s.t.Failed() {
		for _, note := range s.notes {
			s.t.Logf("actorstest: %s", note)
		}
	}
}

// failure fails the test and lets it go on. Once the test has ended there is
// nobody to tell.
func (s *stage) failure(format string, args ...any) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failureLocked(format, args...)
}

func (s *stage) failureLocked(format string, args ...any) {
	s.t.Helper()
	if !s.over {
		s.t.Errorf("actorstest: "+format, args...)
	}
}

// fatal fails the test and ends the goroutine that calls it, with Fatalf only if
// it is the goroutine of a test: no other may call that.
func (s *stage) fatal(format string, args ...any) {
	s.t.Helper()
	if inTest() {
		s.t.Fatalf("actorstest: "+format, args...)
	}
	s.failure(format, args...)
	runtime.Goexit()
}

// inTest reports whether the calling goroutine runs a test or a benchmark: its
// stack ends in package testing.
func inTest() bool {
	callers := make([]uintptr, 64)
	for {
		n := runtime.Callers(2, callers)
		if n < len(callers) {
			callers = callers[:n]
			break
		}
		callers = make([]uintptr, 2*len(callers))
	}
	frames := runtime.CallersFrames(callers)
	for {
		frame, more := frames.Next()
		if frame.Function == "testing.tRunner" || strings.HasPrefix(frame.Function, "testing.(*B).run") {
			return true
		}
		if !more {
			return false
		}
	}
}

// generous lets the program under test send what it likes: to limit it is not a
// Peer's business.
var generous = transport.Limits{MaxMessage: -1, MaxFrame: -1, MaxFragments: -1}
