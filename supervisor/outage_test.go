package supervisor

import (
	"container/heap"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// dial is one attempt of one client of a simulated crowd.
type dial struct {
	at     time.Duration
	client int
}

type dials []dial

func (d dials) Len() int           { return len(d) }
func (d dials) Less(i, j int) bool { return d[i].at < d[j].at }
func (d dials) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *dials) Push(x any)        { *d = append(*d, x.(dial)) }
func (d *dials) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// outage simulates clients that lose their server at 0 and dial until answer lets
// them in. It returns the times of all dials and when the last client was in.
func outage(t *testing.T, p Policy, clients int, seed uint64, answer func(at time.Duration) error) (all []time.Duration, last time.Duration) {
	random := rand.New(rand.NewPCG(seed, 0))
	history := make([]History, clients)
	var queue dials
	fail := func(client int, at time.Duration, cause error) {
		d, h := Decide(p, history[client], cause, epoch.Add(at), random.Float64())
		if d.Action != Retry || d.Delay < 0 {
			t.Fatalf("client %d at %s: %+v", client, at, d)
		}
		history[client] = h
		if after, ok := cause.(*statusError); ok {
			if d.Delay < after.after || d.Delay > after.after*11/10 {
				t.Fatalf("Retry-After %s was not honoured: %s", after.after, d.Delay)
			}
		} else if d.Delay > 10*time.Second {
			t.Fatalf("delay %s is above the cap", d.Delay)
		}
		heap.Push(&queue, dial{at: at + d.Delay, client: client})
	}
	for c := range clients {
		history[c] = History{}.Ready(epoch.Add(-time.Hour))
		fail(c, 0, io.EOF)
	}
	for len(queue) > 0 {
		d := heap.Pop(&queue).(dial)
		all = append(all, d.at)
		if cause := answer(d.at); cause != nil {
			fail(d.client, d.at, cause)
			continue
		}
		last = d.at
	}
	return all, last
}

// busiest is the largest number of dials in any window of 100 ms, wherever it starts.
func busiest(all []time.Duration, from time.Duration) (most int) {
	first := 0
	for i, at := range all {
		for at-all[first] >= 100*time.Millisecond {
			first++
		}
		if all[first] >= from {
			most = max(most, i-first+1)
		}
	}
	return most
}

// Only the first ten seconds are denser: the first attempt has half a second for all
// of them, because a lost connection to a living server should be back soon.
func TestTenThousandClientsAfterAnOutageNeverDialInStep(t *testing.T) {
	const clients, down = 10_000, 60 * time.Second
	for seed := range uint64(5) {
		all, last := outage(t, Policy{}, clients, seed, func(at time.Duration) error {
			if at < down {
				return io.EOF
			}
			return nil
		})
		if most := busiest(all, down); most > clients*3/100 {
			t.Errorf("seed %d: %d of %d clients dial within 100 ms after the outage", seed, most, clients)
		}
		if most := busiest(all, 10*time.Second); most > clients*3/100 {
			t.Errorf("seed %d: %d of %d clients dial within 100 ms during the outage", seed, most, clients)
		}
		if most := busiest(all, 0); most > clients*45/100 {
			t.Errorf("seed %d: %d of %d clients dial within 100 ms", seed, most, clients)
		}
		if last > down+10*time.Second {
			t.Errorf("seed %d: the last client is back %s after the outage", seed, last-down)
		}
	}
}

func TestTenThousandClientsHonourRetryAfterSpreadOut(t *testing.T) {
	const clients, wait = 10_000, 20 * time.Second
	all, _ := outage(t, Policy{}, clients, 7, func(at time.Duration) error {
		if at < wait {
			return &statusError{status: 503, after: wait}
		}
		return nil
	})
	if len(all) != 2*clients {
		t.Errorf("%d dials of %d clients", len(all), clients)
	}
	if most := busiest(all, wait); most > clients*6/100 { // 2 s of spread and 0.5 s of the first attempt
		t.Errorf("%d of %d clients come back within 100 ms", most, clients)
	}
}
