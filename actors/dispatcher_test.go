package actors

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// newTestDispatcher has two workers, whatever machine this is.
func newTestDispatcher(t *testing.T) *dispatcher {
	t.Helper()
	d := newDispatcher()
	d.width = 2
	t.Cleanup(func() { closeWithin(t, d, 10*time.Second) })
	return d
}

func closeWithin(t *testing.T, d *dispatcher, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := d.close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

func (d *dispatcher) workers() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live
}

func TestDispatcherRunsEverythingOnce(t *testing.T) {
	d := newTestDispatcher(t)
	const producers, each = 8, 5000
	var ran [producers * each]atomic.Int32
	var all, done sync.WaitGroup
	done.Add(producers * each)
	for p := range producers {
		all.Go(func() {
			for i := range each {
				d.Schedule(func() {
					ran[p*each+i].Add(1)
					done.Done()
				})
			}
		})
	}
	all.Wait()
	done.Wait()
	closeWithin(t, d, 10*time.Second)
	for i := range ran {
		if n := ran[i].Load(); n != 1 {
			t.Fatalf("number %d ran %d times", i, n)
		}
	}
}

func TestDispatcherRunsInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestDispatcher(t)
		d.width = 1
		var got []int
		for i := range 100 {
			d.Schedule(func() { got = append(got, i) })
		}
		synctest.Wait()
		for i, n := range got {
			if i != n {
				t.Fatalf("number %d ran at place %d", n, i)
			}
		}
		if len(got) != 100 {
			t.Errorf("%d ran", len(got))
		}
	})
}

func TestDispatcherKeepsToItsWidthWhileNobodyBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its time stands still while anybody runs
		d := newTestDispatcher(t)
		var now, most atomic.Int32
		for range 1000 {
			d.Schedule(func() {
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				now.Add(-1)
			})
		}
		synctest.Wait()
		if most.Load() > 2 || d.workers() != 2 {
			t.Errorf("%d ran at a time, %d workers; want 2", most.Load(), d.workers())
		}
	})
}

// block occupies n workers until the function that it returns is called.
func block(d *dispatcher, n int) (letGo func()) {
	c := make(chan struct{})
	for range n {
		d.Schedule(func() { <-c })
	}
	return func() { close(c) }
}

func TestBlockedHandlersDoNotDelayAnActorBeyondPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestDispatcher(t)
		letGo := block(d, 10)
		defer letGo()
		time.Sleep(time.Second) // all ten have their worker by now
		synctest.Wait()
		start, ran := time.Now(), make(chan time.Time, 1)
		d.Schedule(func() { ran <- time.Now() })
		if waited := (<-ran).Sub(start); waited > patience {
			t.Errorf("waited %s; want at most %s", waited, patience)
		}
	})
}

// Each blocked handler ahead of an actor may cost it the patience of two looks:
// one to see that a worker was started for it, one to see that it is stuck too.
func TestActorBehindBlockedHandlersRunsInItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestDispatcher(t)
		const blocked = 10
		letGo := block(d, blocked)
		defer letGo()
		start, ran := time.Now(), make(chan time.Time, 1)
		d.Schedule(func() { ran <- time.Now() })
		if waited := (<-ran).Sub(start); waited > 2*blocked*patience {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestWorkersThatWereAddedLeaveAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestDispatcher(t)
		letGo := block(d, 10)
		time.Sleep(time.Second)
		if n := d.workers(); n != 10 {
			t.Errorf("%d workers for 10 blocked handlers", n)
		}
		letGo()
		synctest.Wait()
		if n := d.workers(); n != 2 {
			t.Errorf("%d workers are left; want 2", n)
		}
		ran := false
		d.Schedule(func() { ran = true })
		synctest.Wait()
		if !ran {
			t.Error("those that are left do not work")
		}
	})
}

func TestIdleDispatcherHasNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestDispatcher(t)
		for range 100 {
			d.Schedule(func() {})
		}
		letGo := block(d, 4)
		time.Sleep(time.Second)
		letGo()
		synctest.Wait()
		time.Sleep(2 * patience) // the last look
		for _, when := range []string{"at once", "after an hour"} {
			synctest.Wait()
			d.mu.Lock()
			if d.watching || d.watchdog.Stop() {
				t.Errorf("the watchdog is armed %s", when)
			}
			d.mu.Unlock()
			time.Sleep(time.Hour)
		}
	})
}

func TestNewDispatcherStartsNothing(t *testing.T) {
	d := newDispatcher()
	if d.live != 0 || d.watchdog != nil {
		t.Errorf("%d workers, watchdog %v", d.live, d.watchdog)
	}
	closeWithin(t, d, time.Second)
}

// A dispatcher that is never quite idle must not remember what it has done.
func TestQueueOfABusyDispatcherDoesNotGrow(t *testing.T) {
	d := newDispatcher()
	d.width = 1
	const rounds = 100_000
	var finished sync.WaitGroup
	for range 3 { // three actors that always have something to do
		finished.Add(1)
		left := rounds
		var again func()
		again = func() {
			if left--; left == 0 {
				finished.Done()
				return
			}
			d.Schedule(again)
		}
		d.Schedule(again)
	}
	finished.Wait()
	closeWithin(t, d, 10*time.Second)
	if n := cap(d.queue); n > 1024 {
		t.Errorf("room for %d in the queue, though 3 waited at most", n)
	}
}

func TestCloseWaitsForTheWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestDispatcher(t)
		letGo := block(d, 1)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := d.close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		letGo()
		closeWithin(t, d, time.Minute)
		if n := d.workers(); n != 0 {
			t.Errorf("%d workers are left", n)
		}
	})
}

func TestCloseRunsWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestDispatcher(t)
		var ran atomic.Int32
		letGo := block(d, 2)
		for range 100 {
			d.Schedule(func() { ran.Add(1) })
		}
		time.AfterFunc(time.Second, letGo)
		closeWithin(t, d, time.Minute)
		if ran.Load() != 100 {
			t.Errorf("%d of 100 ran", ran.Load())
		}
	})
}

func TestStragglersAfterCloseStillRun(t *testing.T) {
	d := newDispatcher()
	closeWithin(t, d, time.Second)
	for range 3 {
		ran := make(chan struct{})
		d.Schedule(func() { close(ran) })
		waitFor(t, ran)
	}
	closeWithin(t, d, time.Second)
}

func TestStragglersWhileItClosesRunOnce(t *testing.T) {
	for range 200 {
		d := newDispatcher()
		d.width = 2
		var ran atomic.Int32
		var pushers, done sync.WaitGroup
		done.Add(40)
		for range 4 {
			pushers.Go(func() {
				for range 10 {
					d.Schedule(func() { ran.Add(1); done.Done() })
				}
			})
		}
		closeWithin(t, d, 10*time.Second)
		pushers.Wait()
		done.Wait()
		if ran.Load() != 40 {
			t.Fatalf("%d of 40 ran", ran.Load())
		}
		closeWithin(t, d, 10*time.Second)
	}
}

func TestDispatcherAllocatesNothingPerPush(t *testing.T) {
	d := newTestDispatcher(t)
	ran := make(chan struct{})
	r := runFunc(func() { ran <- struct{}{} })
	d.push(r)
	<-ran
	if n := testing.AllocsPerRun(1000, func() { d.push(r); <-ran }); n >= 2 {
		t.Errorf("%v allocations", n) // one may be the interface around a func
	}
}
