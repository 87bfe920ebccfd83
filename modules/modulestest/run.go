package modulestest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// suite is one module with what the tests need of it.
type suite struct {
	module  func() actors.Module
	options Options
}

// Run tests a module. New is called for each test, and must return a module that has
// not been used before. Each property is a subtest, below a client and below a
// server; a failure says which one the module does not show.
func Run(t *testing.T, module func() actors.Module, o Options) {
	t.Helper()
	s := suite{module: module, options: o.withDefaults()}
	for _, side := range []Side{ClientOnly, ServerOnly} {
		if o.Side != Both && o.Side != side {
			continue
		}
		t.Run(side.String(), func(t *testing.T) {
			for _, test := range []struct {
				name string
				run  func(*testing.T, suite, Side)
			}{
				{"gets its messages in order and leaves nothing", ordered},
				{"is told of its life in order", told},
				{"comes back after a panic", restarted},
				{"neither changes nor keeps a payload", unkept},
				{"ends under load", ended},
			} {
				t.Run(test.name, func(t *testing.T) { test.run(t, s, side) })
			}
			for _, policy := range policies {
				t.Run("keeps within its queue by "+policy.String(), func(t *testing.T) { overloaded(t, s, side, policy) })
			}
		})
	}
}

var policies = []actors.OverflowPolicy{actors.Block, actors.DropOldest, actors.DropNewest, actors.CloseSlow}

// settle lets time pass until whatever a module does by itself has been done.
func settle() {
	<-time.After(10 * time.Second)
	synctest.Wait()
}

// load is how many messages a test sends.
const load = 100

func ordered(t *testing.T, s suite, side Side) {
	inWorld(t, s, side, nil, func(w *world) {
		want := w.sends(0, load)
		settle()
		w.expect(want)
		slices.Sort(want)
		if len(slices.Compact(want)) != load {
			t.Error("modulestest: Options.Message made the same message twice")
		}
	})
}

// expect fails the test if the module was not given these messages.
func (w *world) expect(want []string) {
	w.t.Helper()
	got := w.subject.messages()
	if slices.Equal(got, want) {
		return
	}
	hint := ""
	if len(got) == 0 {
		hint = "; does its Match, Rule or Path not want what Options.Message makes?"
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	w.t.Errorf("modulestest: the module was given %d messages, want %d, and they differ from number %d on%s\ngot  %.100q\nwant %.100q",
		len(got), len(want), i, hint, got[i:min(i+3, len(got))], want[i:min(i+3, len(want))])
}

func told(t *testing.T, s suite, side Side) {
	inWorld(t, s, side, nil, func(w *world) {
		w.sends(0, 2)
		settle()
		w.drop()
		w.sends(2, 3)
		settle()
		w.close()
		want := "OnStart, OnConnect 1, OnReady 1, message, message, OnDisconnect 1, OnReconnecting, OnConnect 2, OnReady 2, OnReconnected 2, message, OnDisconnect 2, OnStop"
		if side == ServerOnly { // its connections do not come back, others come
			want = "OnStart, OnConnect 1, OnReady 1, message, message, OnDisconnect 1, OnConnect 2, OnReady 2, message, OnDisconnect 2, OnStop"
		}
		if got := strings.Join(w.subject.stages(), ", "); got != want {
			t.Errorf("modulestest: the module's life was\n%s\nwant\n%s", got, want)
		}
	})
}

func restarted(t *testing.T, s suite, side Side) {
	const faults = 3
	inWorld(t, s, side, nil, func(w *world) {
		for _, i := range []int{0, load / 2, load - 1} { // first, amid a batch, last
			w.subject.panics[string(w.options.Message(i).Payload)] = true
		}
		want := w.sends(0, load)
		settle() // the restarts wait a little
		want = append(want, w.sends(load, load+10)...)
		settle()
		w.expect(want)
		if got := w.subject.made; got != faults+1 {
			t.Errorf("modulestest: New was called %d times, want one start and %d restarts", got, faults)
		}
		if got := w.client.Stats().Faulted; side == ClientOnly && got != faults {
			t.Errorf("modulestest: %d messages were counted as faulted, want %d", got, faults)
		}
		if others := w.others(); !slices.Equal(others, want) {
			t.Errorf("modulestest: the module beside it got %d messages of %d, or in another order", len(others), len(want))
		}
		if n := w.listener.Dials(); n != 1 {
			t.Errorf("modulestest: the connection did not survive: %d dials", n)
		}
	})
}

func unkept(t *testing.T, s suite, side Side) {
	inWorld(t, s, side, nil, func(w *world) {
		w.sends(0, load)
		settle()
		w.sends(load, load+10)
		settle()
		runtime.GC()
		runtime.GC()
		w.subject.mu.Lock()
		defer w.subject.mu.Unlock()
		kept := 0
		for _, p := range w.subject.kept[:min(load, len(w.subject.kept))] {
			if p.Value() != nil {
				kept++
			}
		}
		if kept > 0 {
			t.Errorf("modulestest: %d payloads of %d are still referred to after OnMessage; copy what is to be kept", kept, load)
		}
	})
}

func ended(t *testing.T, s suite, side Side) {
	inWorld(t, s, side, nil, func(w *world) {
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					_ = w.send(w.options.Message(i)) // at last there is nobody to send to
				}
			}
		}()
		<-time.After(100 * time.Millisecond)
		w.close()
		close(stop)
		<-done
	})
}

// overloaded makes the module wait within a message, and floods it.
func overloaded(t *testing.T, s suite, side Side, policy actors.OverflowPolicy) {
	cost := 0
	for i := range load {
		cost = max(cost, len(s.options.Message(i).Payload)+messageCost)
	}
	bound := load / 10 * cost
	change := func(m *actors.Module) {
		m.Async, m.Overflow, m.QueueBytes = true, policy, bound
		m.Instances = 1
	}
	inWorld(t, s, side, change, func(w *world) {
		w.subject.shut()
		w.sends(0, 1)
		select {
		case <-w.subject.arrivals:
		case <-time.After(time.Minute):
			t.Fatal("modulestest: the module was not given the first message; does its Match, Rule or Path not want what Options.Message makes?")
		}
		want := []string{string(s.options.Message(0).Payload)}
		for i := 1; i < load; i++ {
			m := s.options.Message(i)
			want = append(want, string(m.Payload))
			if err := w.send(m); err != nil && policy != actors.CloseSlow {
				t.Fatalf("modulestest: message %d could not be sent: %v", i, err)
			}
			synctest.Wait() // each is a read of its own
		}
		beside := w.others()
		if policy != actors.Block && policy != actors.CloseSlow && !slices.Equal(beside, want) {
			t.Errorf("modulestest: the module beside it got %d messages of %d while this one was slow", len(beside), load)
		}
		if policy == actors.Block && len(beside) == load {
			t.Errorf("modulestest: all %d messages were read while the module was slow", load)
		}
		w.subject.open()
		settle() // what was closed comes back
		if fault := kept(policy, w.subject.messages(), want, bound+cost); fault != "" {
			t.Errorf("modulestest: %s", fault)
		}
		if policy == actors.CloseSlow && !w.told(transport.TryAgainLater) {
			t.Error("modulestest: the peer was not told 1013")
		}
	})
}

// messageCost is what actors counts for a message beside its payload.
const messageCost = 64

// kept says what is wrong with what a module was given after a flood, or "".
func kept(policy actors.OverflowPolicy, got, want []string, bound int) string {
	if len(got) == 0 || got[0] != want[0] {
		return fmt.Sprintf("the message that was being handled was not given first, but %.100q", got)
	}
	queued := 0
	for _, p := range got[1:] {
		queued += len(p) + messageCost
	}
	n := len(got) - 1
	switch {
	case policy == actors.Block && !slices.Equal(got, want):
		return fmt.Sprintf("%d messages were given of %d, or in another order; Block must lose none", len(got), len(want))
	case policy == actors.DropOldest && !slices.Equal(got[1:], want[len(want)-n:]):
		return "it was not given the newest messages in order"
	case policy == actors.DropNewest && !slices.Equal(got[1:], want[1:1+n]):
		return "it was not given the oldest messages in order"
	case policy != actors.Block && policy != actors.CloseSlow && queued > bound:
		return fmt.Sprintf("%d bytes waited for it, more than the %d that are allowed", queued, bound)
	case policy != actors.CloseSlow && n < 2:
		return fmt.Sprintf("only %d messages waited for it; there was room for more", n)
	}
	return ""
}
