package main

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/hawser-go/hawser/actors"
)

const (
	// eventsAhead is how many events wait for a reader of stdout. What comes then is
	// counted and not told.
	eventsAhead = 4096
	// flushTime is how long the last events are waited for.
	flushTime = 500 * time.Millisecond
)

// bulletin tells events in JSON. A goroutine of its own prints them, so that nobody
// else waits for a reader of stdout.
type bulletin struct {
	std  stdio
	told chan struct{} // closed when the last event is printed

	mu      sync.Mutex
	more    sync.Cond // the queue has grown or ended
	queue   []any
	lost    uint64 // since an event was queued
	lostAll uint64
	over    bool
	counts  map[int]uint64 // as told last
}

func newBulletin(std stdio) *bulletin {
	b := &bulletin{std: std, told: make(chan struct{})}
	b.more.L = &b.mu
	go b.print()
	return b
}

func (b *bulletin) listening(url string) error {
	b.add(listeningEvent{"listening", url})
	return nil
}

func (b *bulletin) witness(path string) (actors.Module, bool) { return newWitness(path, b.add), true }

func (b *bulletin) refused(counts map[int]uint64) {
	b.mu.Lock()
	same := maps.Equal(counts, b.counts)
	b.counts = counts
	b.mu.Unlock()
	if !same {
		b.add(refusedEvent{"refused", counts})
	}
}

func (b *bulletin) draining(left int) { b.add(drainingEvent{"draining", left}) }

// stopped waits for everything to be printed, but not long: nobody may be reading.
func (b *bulletin) stopped(s actors.ServerStats) {
	b.refused(s.Refused)
	b.mu.Lock()
	b.confess()
	b.queue = append(b.queue, newStoppedEvent(s, b.lostAll))
	b.over = true
	b.more.Broadcast()
	b.mu.Unlock()
	t := time.NewTimer(flushTime)
	defer t.Stop()
	select {
	case <-b.told:
	case <-t.C:
		_, _ = fmt.Fprintln(b.std.err, "nobody reads stdout: not all events were told")
	}
}

// add queues an event, if there is room for it. It never waits.
func (b *bulletin) add(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.over:
	case len(b.queue) >= eventsAhead:
		b.lost++
	default:
		b.confess()
		b.queue = append(b.queue, event)
		b.more.Signal()
	}
}

// confess queues how many events were lost at this place; b is locked.
func (b *bulletin) confess() {
	if b.lost > 0 {
		b.queue = append(b.queue, droppedEvent{"dropped", b.lost})
		b.lostAll += b.lost
		b.lost = 0
	}
}

// print prints events in batches until the last one.
func (b *bulletin) print() {
	defer close(b.told)
	for {
		b.mu.Lock()
		for len(b.queue) == 0 && !b.over {
			b.more.Wait()
		}
		batch := b.queue
		b.queue = nil
		b.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		writeJSON(b.std.out, batch...)
	}
}
