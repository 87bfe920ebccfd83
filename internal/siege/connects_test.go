//go:build linux

package siege

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
)

// comers is a server's bound on connections, and what becomes of those beyond it.
type comers struct {
	name      string
	admission actors.Admission
	in        int // how many get in, of those who come at once
	status    int // of the others
	n         int // how many come
}

func testConnects(t *testing.T) {
	// The control connection counts for the bounds of all, and so do the two first
	// visitors for rates; they come from other addresses.
	for _, c := range []comers{
		{"of one address", actors.Admission{PerKey: 100}, 100, 429, scale(5000)},
		{"in all", actors.Admission{MaxConnections: 101}, 100, 503, scale(2000)},
		{"a second of one address", actors.Admission{Rate: never, Burst: 100}, 100, 429, scale(2000)},
		{"a second in all", actors.Admission{TotalRate: never, TotalBurst: 103}, 100, 503, scale(2000)},
	} {
		t.Run(c.name, c.test)
	}
}

func (c comers) test(t *testing.T) {
	f := start(t, actors.ServerOptions{Admission: c.admission})
	base := f.figures()
	f.home = "127.0.0.2"
	steady, m, began := f.control(f.lean, "/"), f.measure(), time.Now()
	in, later, other := c.come(f.lean)
	took := time.Since(began)
	t.Logf("%d connects, %.0f a second: %d in, %d refused with %d", c.n, float64(c.n)/took.Seconds(), len(in), len(later), c.status)
	if want := min(c.in, c.n); len(in) != want || len(other) > 0 || len(in)+len(later) != c.n {
		t.Errorf("%d got in, want %d; others ended with %v", len(in), want, other)
	}
	checkSpread(t, later)
	f.await("the server counts them", func() bool { return f.Connections() == len(in)+1 })
	for _, p := range in { // they are good connections
		if err := p.echoed("in"); err != nil {
			t.Error(err)
			break
		}
	}
	steady.check(50 * time.Millisecond)
	for _, p := range in {
		p.reset()
	}
	m.report("connects "+c.name, shakeMemory)
	f.quietFor(base, glance)
	if c.admission.PerKey > 0 || c.admission.MaxConnections > 0 { // their places are free again
		p := f.join(f.web, "/")
		if err := errors.Join(p.echoed("again"), p.leave()); err != nil {
			t.Error(err)
		}
	}
}

// come lets n peers come, 5,000 a second if the machine can. later is what the
// refused were told, other what else there was.
func (c comers) come(addr string) (in []*peer, later []int, other []error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	places := make(chan struct{}, 100) // connects under way
	began := time.Now()
	for i := range c.n {
		if ahead := time.Duration(i)*time.Second/5000 - time.Since(began); ahead > time.Millisecond {
			pause(ahead)
		}
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			nc, err := dial(addr)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				other = append(other, err)
				return
			}
			p, r := shake(nc, "/")
			mu.Lock()
			defer mu.Unlock()
			switch seconds, err := strconv.Atoi(r.header.Get("Retry-After")); {
			case r.status == http.StatusSwitchingProtocols:
				in = append(in, p)
				return
			case r.status == c.status && err == nil:
				later = append(later, seconds)
			default:
				other = append(other, errors.Join(fmt.Errorf("status %d", r.status), r.err, err))
			}
			p.reset()
		})
	}
	all.Wait()
	return in, later, other
}

// checkSpread checks that those who were refused do not all come back together.
func checkSpread(t *testing.T, later []int) {
	t.Helper()
	if len(later) == 0 {
		return
	}
	counts := map[int]int{}
	for _, s := range later {
		counts[s]++
	}
	least, most, peak := slices.Min(later), slices.Max(later), 0
	for _, n := range counts {
		peak = max(peak, n)
	}
	t.Logf("Retry-After from %d s to %d s, %d different; most, %d, come back after the same", least, most, len(counts), peak)
	if least < 1 || most > 31 || len(later) > 500 && peak > len(later)/4 {
		t.Errorf("Retry-After is not spread: %v", counts)
	}
}
