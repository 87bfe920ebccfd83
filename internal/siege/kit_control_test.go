//go:build linux

package siege

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// latencies are times of one kind of thing, such as echoes. It is safe for
// concurrent use.
type latencies struct {
	began machine

	mu     sync.Mutex
	all    []time.Duration
	failed []error
}

func newLatencies() *latencies { return &latencies{began: now()} }

// add notes one that took d, or failed.
func (l *latencies) add(d time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = append(l.failed, err)
		return
	}
	l.all = append(l.all, d)
}

// settled reports whether there are enough, or one has failed.
func (l *latencies) settled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all) >= enough || len(l.failed) > 0
}

// quantile returns the time within which q of all were done.
func (l *latencies) quantile(q float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return 0
	}
	slices.Sort(l.all)
	return l.all[min(len(l.all)-1, int(q*float64(len(l.all))))]
}

func (l *latencies) String() string {
	p50, p99, longest := l.quantile(0.5), l.quantile(0.99), l.quantile(1)
	return fmt.Sprintf("%d done, %d failed, p50 %v, p99 %v, max %v", len(l.all), len(l.failed),
		p50.Round(time.Microsecond), p99.Round(time.Microsecond), longest.Round(time.Microsecond))
}

// check prints the figures, and fails the test if one failed, fewer than least were
// done, or p99 is not below limit as far as the machine allows.
func (l *latencies) check(t testing.TB, what string, least int, limit time.Duration) {
	t.Helper()
	t.Logf("%s: %v; others used %.0f %% of the machine", what, l, 100*l.began.others())
	if len(l.failed) > 0 {
		t.Errorf("%s: %d failed, the first: %v", what, len(l.failed), l.failed[0])
	}
	if len(l.all) < least {
		t.Errorf("%s: only %d done, that tells nothing; want %d", what, len(l.all), least)
	}
	if p99, limit := l.quantile(0.99), l.began.allow(limit); p99 >= limit {
		t.Errorf("%s: p99 is %v, must be below %v", what, p99, limit)
	}
}

// beat is the pause between two things that a healthy client does: it looks at the
// server all the time, without being a load itself.
const beat = 2 * time.Millisecond

// enough is how many times something must have been done to tell anything.
const enough = 20

// repeat does f, one after the other with a pause between, until the function that
// it returns is called and there are enough; that gives their latencies.
func repeat(every time.Duration, f func() error) (stop func() *latencies) {
	l, over, done := newLatencies(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			began := time.Now()
			err := f()
			l.add(time.Since(began), err)
			if err != nil {
				return
			}
			select {
			case <-over:
				return
			case <-time.After(every):
			}
		}
	}()
	return sync.OnceValue(func() *latencies {
		for end := time.Now().Add(patience); !l.settled() && time.Now().Before(end); {
			pause(beat)
		}
		close(over)
		<-done
		return l
	})
}

// control is a healthy client beside an attack: it echoes in a loop, and nothing of
// the attack may reach it.
type control struct {
	f    *fort
	p    *peer
	stop func() *latencies
}

// control starts one. It must be checked, or else it ends with the test.
func (f *fort) control(addr, path string, lines ...string) *control {
	f.t.Helper()
	p, n := f.join(addr, path, lines...), 0
	c := &control{f: f, p: p}
	c.stop = repeat(beat, func() error {
		n++
		return p.echoed(fmt.Sprint("control ", n))
	})
	f.t.Cleanup(func() {
		p.reset()
		c.stop()
	})
	return c
}

// check ends the client with a proper close, and prints its figures. It fails the
// test if an echo failed or was wrong, if the connection was lost, or if the p99 is
// not below limit.
func (c *control) check(limit time.Duration) {
	c.f.t.Helper()
	l := c.stop()
	l.check(c.f.t, "control connection", 10, limit)
	if err := c.p.leave(); err != nil && len(l.failed) == 0 {
		c.f.t.Errorf("control connection: it cannot leave: %v", err)
	}
}

// newcomers do whole handshakes at addr, one after the other, until the function
// that it returns is called; that gives the times from the dial to the 101.
func (f *fort) newcomers(addr, path string) (stop func() *latencies) {
	return repeat(beat, func() error {
		p, err := meet(addr, path)
		if err == nil {
			p.reset()
		}
		return err
	})
}
