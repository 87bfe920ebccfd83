package actorstest

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// DefaultTimeout is how long Expect waits when it is given no time.
const DefaultTimeout = 5 * time.Second

// Probe is an actor that records what it receives: the messages that are sent to
// it, and a *actor.Terminated for each actor that it watches. Its methods may be
// called from any goroutine, but Expect by one at a time.
type Probe struct {
	t      testing.TB
	system *actor.ActorSystem
	pid    *actor.PID

	mu       sync.Mutex
	received []received
	next     int        // received[next:] have not been expected yet
	sender   *actor.PID // of the message that was expected last
	some     chan struct{}
	gone     chan struct{}
}

type received struct {
	message any
	sender  *actor.PID
}

// The messages by which a Probe speaks to its actor.
type (
	barrier struct{ passed chan struct{} }
	watch   struct {
		who  *actor.PID
		done chan struct{}
	}
)

// Spawn starts a Probe. It is stopped when the test ends.
func Spawn(t testing.TB, system *actor.ActorSystem) *Probe {
	t.Helper()
	p := &Probe{t: t, system: system, some: make(chan struct{}, 1), gone: make(chan struct{})}
	p.pid = system.Root.SpawnPrefix(actor.PropsFromFunc(p.receive), "probe")
	t.Cleanup(func() {
		system.Root.Stop(p.pid)
		<-p.gone
	})
	return p
}

// PID returns the actor to which messages can be sent.
func (p *Probe) PID() *actor.PID { return p.pid }

// Watch makes the Probe receive a *actor.Terminated when who has ended. It
// returns when the actor has noted it.
func (p *Probe) Watch(who *actor.PID) {
	w := &watch{who: who, done: make(chan struct{})}
	p.system.Root.Send(p.pid, w)
	p.await(w.done)
}

// Messages returns everything received so far, in order, expected or not.
func (p *Probe) Messages() []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]any, len(p.received))
	for i, r := range p.received {
		all[i] = r.message
	}
	return all
}

// Sender returns who sent the message that Expect returned last, or nil if it
// came without a sender.
func (p *Probe) Sender() *actor.PID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sender
}

// Expect returns the next message, for which it waits at most that long; without
// a timeout DefaultTimeout. In a bubble the time is virtual. It fails the test at
// once if none comes, or if the message is not a T.
func Expect[T any](p *Probe, timeout ...time.Duration) T {
	p.t.Helper()
	wait := DefaultTimeout
	if len(timeout) > 0 {
		wait = timeout[0]
	}
	want := reflect.TypeFor[T]()
	message, ok := p.take(wait)
	if !ok {
		p.t.Fatalf("actorstest: no message within %s; want %s", wait, want)
	}
	m, ok := message.(T)
	if !ok {
		p.t.Fatalf("actorstest: got %T %v; want %s", message, message, want)
	}
	return m
}

// ExpectNone fails the test if there is a message that has not been expected.
//
// In a bubble it waits until nothing moves any more (synctest.Wait), so it proves
// that no message comes unless time passes. With real time it sends a message of
// its own behind those that are on their way: it proves that nothing had been sent
// to the Probe when it was called, and knows nothing of what somebody is still
// about to send.
func ExpectNone(p *Probe) {
	p.t.Helper()
	if !settled() {
		b := &barrier{passed: make(chan struct{})}
		p.system.Root.Send(p.pid, b)
		p.await(b.passed)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	rest := p.received[p.next:]
	if len(rest) == 0 {
		return
	}
	var names strings.Builder
	for _, r := range rest {
		fmt.Fprintf(&names, "\n\t%T %v", r.message, r.message)
	}
	p.t.Fatalf("actorstest: %d messages that were not expected:%s", len(rest), names.String())
}

// settled waits until the bubble has settled. It reports false outside of one.
func settled() (bubble bool) {
	defer func() {
		if r := recover(); r != nil {
			if !strings.Contains(fmt.Sprint(r), "not in a bubble") {
				panic(r)
			}
			bubble = false
		}
	}()
	synctest.Wait()
	return true
}

// await waits for something that the actor will do, unless it has ended.
func (p *Probe) await(done <-chan struct{}) {
	select {
	case <-done:
	case <-p.gone:
	}
}

func (p *Probe) receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started, *actor.Stopping, *actor.Restarting:
	case *actor.Stopped:
		close(p.gone)
	case *barrier:
		close(m.passed)
	case *watch:
		ctx.Watch(m.who)
		close(m.done)
	default:
		p.record(received{message: m, sender: ctx.Sender()})
	}
}

func (p *Probe) record(r received) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.received = append(p.received, r)
	select {
	case p.some <- struct{}{}:
	default:
	}
}

// take returns the next message, or false when none came in time.
func (p *Probe) take(wait time.Duration) (any, bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		if m, ok := p.shift(); ok {
			return m, true
		}
		select {
		case <-p.some:
		case <-timer.C:
			return p.shift() // it may have come at the same moment
		}
	}
}

func (p *Probe) shift() (any, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == len(p.received) {
		return nil, false
	}
	r := p.received[p.next]
	p.next++
	p.sender = r.sender
	return r.message, true
}
