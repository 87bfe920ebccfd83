package actors

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// patience is how long a runnable actor waits behind handlers that do not return
// before another worker is started for it.
const patience = time.Millisecond

// runnable is an actor with something to do.
type runnable interface{ run() }

type runFunc func()

func (f runFunc) run() { f() }

// dispatcher runs actors on a few workers whose stacks live long; starting a
// goroutine per wake-up would spend most of its time on growing stacks. When all
// workers are stuck in handlers that block, a watchdog adds one, so that no
// actor waits for another's handler. The watchdog runs only while something
// waits: an idle dispatcher does nothing.
type dispatcher struct {
	mu    sync.Mutex
	wake  sync.Cond
	queue []runnable
	head  int
	width int // workers kept
	live  int // workers there are
	idle  int // workers that wait for work
	picks uint64

	watching bool
	seen     uint64
	watchdog *time.Timer

	closed bool
	left   chan struct{} // closed when the last worker has left
}

var _ actor.Dispatcher = (*dispatcher)(nil)

func newDispatcher() *dispatcher {
	d := &dispatcher{width: max(2, runtime.GOMAXPROCS(0)), left: make(chan struct{})}
	d.wake.L = &d.mu
	return d
}

// Schedule implements actor.Dispatcher, for mailboxes that are not ours.
func (d *dispatcher) Schedule(fn func()) { d.push(runFunc(fn)) }

// Throughput implements actor.Dispatcher.
func (d *dispatcher) Throughput() int { return turnLimit }

func (d *dispatcher) push(r runnable) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed && d.live == 0:
		go r.run() // a straggler after the end: it must not be lost
	case d.idle > 0:
		d.idle-- // here, so that the next push does not count on the same worker
		d.enqueue(r)
		d.wake.Signal()
	case d.live < d.width:
		d.enqueue(r)
		d.live++
		go d.work()
	default:
		d.enqueue(r)
	}
	d.watch()
}

func (d *dispatcher) work() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		for d.head == len(d.queue) {
			d.queue, d.head = d.queue[:0], 0
			if d.closed || d.live > d.width {
				d.leave()
				return
			}
			d.idle++
			d.wake.Wait()
		}
		r := d.queue[d.head]
		d.queue[d.head] = nil
		d.head++
		d.picks++
		d.watch()
		d.mu.Unlock()
		d.perform(r)
		d.mu.Lock()
	}
}

// perform runs an actor. A handler that ends its goroutine (runtime.Goexit, as
// t.FailNow does) takes the worker with it; another takes over.
func (d *dispatcher) perform(r runnable) {
	returned := false
	defer func() {
		if returned {
			return
		}
		d.mu.Lock() // work unlocks it on its way out
		d.live--
		if d.head < len(d.queue) {
			d.live++
			go d.work()
		} else if d.live == 0 && d.closed {
			d.finish()
		}
	}()
	r.run()
	returned = true
}

// enqueue appends to the queue; d is locked. What has been taken from its front
// is used again before it grows.
func (d *dispatcher) enqueue(r runnable) {
	if len(d.queue) == cap(d.queue) && d.head > len(d.queue)/2 {
		n := copy(d.queue, d.queue[d.head:])
		clear(d.queue[n:])
		d.queue, d.head = d.queue[:n], 0
	}
	d.queue = append(d.queue, r)
}

// leave ends a worker; d is locked.
func (d *dispatcher) leave() {
	d.live--
	if d.live == 0 && d.closed {
		d.finish()
	}
}

// finish says that no worker is left; d is locked.
func (d *dispatcher) finish() {
	select {
	case <-d.left:
	default:
		close(d.left)
	}
}

// watch arms the watchdog if somebody waits for a worker; d is locked.
func (d *dispatcher) watch() {
	if d.watching || d.head == len(d.queue) || d.idle > 0 {
		return
	}
	d.watching, d.seen = true, d.picks
	if d.watchdog == nil {
		d.watchdog = time.AfterFunc(patience, d.check)
		return
	}
	d.watchdog.Reset(patience)
}

// check adds a worker if nothing has been picked up for the length of patience.
func (d *dispatcher) check() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watching = false
	if d.head < len(d.queue) && d.idle == 0 && d.picks == d.seen {
		d.live++
		go d.work() // and watches what still waits, once it has picked
		return
	}
	d.watch()
}

// close ends the workers when they have nothing to do, and waits for them until
// ctx is done.
func (d *dispatcher) close(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	if d.live == 0 {
		d.finish()
	}
	d.idle = 0
	d.wake.Broadcast()
	d.mu.Unlock()
	select {
	case <-d.left:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
