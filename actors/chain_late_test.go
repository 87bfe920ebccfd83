package actors

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A late guard means no, whoever fails open is passed over.
func TestALateHookOfAMiddleware(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		for _, hook := range []string{"OnConnectionAttempt", "OnConnect"} {
			for _, open := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, open %t", hook, open), func(t *testing.T) {
					inWorld(t, func(t *testing.T, w *world) {
						d := &diary{}
						w.serve(ServerOptions{})
						release := make(chan struct{})
						var called atomic.Bool
						m := d.middleware("late", inline, func(h string) error {
							if h == hook && !called.Swap(true) {
								<-release
							}
							return nil
						})
						m.FailOpen = open
						o := half
						o.HookTimeout, o.Middleware = 3*time.Second, []Middleware{m}
						o.OpenTimeout = time.Hour
						w.dial(o)
						begin := time.Now()
						if open {
							w.ready()
							want := 3 * time.Second
							if hook == "OnConnectionAttempt" {
								want *= 2 // it is still busy when it is to be asked about the connection
							}
							if took := time.Since(begin); took != want {
								t.Errorf("ready after %v, want the HookTimeout", took)
							}
							close(release)
						} else {
							time.Sleep(3*time.Second + time.Millisecond)
							if s := w.client.State(); s != Backoff {
								t.Errorf("state %v, want the attempt to have failed", s)
							}
							close(release)
							w.ready()
						}
						w.bounce("on")
						if got := w.echoed(); !slices.Equal(got, []string{"on"}) {
							t.Errorf("%q came back", got)
						}
						w.end()
					})
				})
			}
		}
	})
}

// A guard whose OnConnect was late has been shown the connection when it comes back;
// it must be told the end, or whatever it keeps for it is kept for ever.
func TestALateGuardIsToldTheEndOfWhatItWasShown(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		inWorld(t, func(t *testing.T, w *world) {
			d := &diary{}
			w.serve(ServerOptions{})
			release := make(chan struct{})
			var shown atomic.Bool
			o := half
			o.HookTimeout = 3 * time.Second
			o.Middleware = []Middleware{d.middleware("late", inline, func(h string) error {
				if h == "OnConnect" && !shown.Swap(true) {
					<-release
					d.note("late has been shown it")
				}
				return nil
			})}
			w.dial(o)
			time.Sleep(4 * time.Second)
			close(release)
			w.ready()
			w.end()
			const cause = "actors: OnConnect of late: no answer in time"
			d.mu.Lock()
			d.lines = slices.DeleteFunc(d.lines, func(l string) bool { return strings.Contains(l, "Attempt") || strings.Contains(l, "OnStop") })
			d.mu.Unlock()
			d.reads(t, "late OnConnect 1", "late has been shown it", "late OnDisconnect 1 "+cause, "late OnConnect 2", "late OnDisconnect 2 <nil>")
		})
	})
}

func TestAPanicInAHookOfAMiddleware(t *testing.T) {
	both(t, func(t *testing.T, inline bool) {
		for _, hook := range []string{"OnConnectionAttempt", "OnConnectionFailure", "OnConnect", "OnDisconnect", "OnStop"} {
			for _, open := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, open %t", hook, open), func(t *testing.T) {
					inWorld(t, func(t *testing.T, w *world) {
						d := &diary{}
						w.serve(ServerOptions{})
						var panicked atomic.Bool
						m := d.middleware("m", inline, func(h string) error {
							if h == hook && !panicked.Swap(true) {
								panic(errKilled)
							}
							return nil
						})
						m.FailOpen = open
						o := half
						o.Middleware = []Middleware{m, d.middleware("other", true, nil)}
						w.listener.Refuse(hook == "OnConnectionFailure")
						begin := time.Now()
						w.dial(o)
						synctest.Wait()
						w.listener.Refuse(false)
						w.ready()
						w.link().Reset()
						synctest.Wait()
						w.ready()
						if took := time.Since(begin); took >= 3*time.Second {
							t.Errorf("it took %v: whoever panicked was waited for", took)
						}
						w.bounce("on")
						dials := 2
						if refusing := hook == "OnConnectionFailure" || !open && hook == "OnConnect"; refusing {
							dials++
						}
						if n := w.listener.Dials(); n != dials {
							t.Errorf("%d dials, want %d\n%s", n, dials, w.story())
						}
						if got := w.echoed(); !slices.Equal(got, []string{"on"}) {
							t.Errorf("%q came back", got)
						}
						w.end()
						if !panicked.Load() && (hook != "OnStop" || !inline) {
							t.Error("it has not panicked; the test proves nothing")
						}
						if up, down := len(d.of("other OnConnect ")), len(d.of("other OnDisconnect ")); up != down {
							t.Errorf("the other had %d connections and the end of %d", up, down)
						}
					})
				})
			}
		}
	})
}
