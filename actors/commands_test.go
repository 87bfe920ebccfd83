package actors

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// reach brings a client into each state and leaves it there.
var reach = map[State]func(w *world){
	Idle: func(w *world) {
		c, err := NewClient(w.system, "ws://hawser.test/", ClientOptions{NetDial: w.listener.Dial})
		if err != nil {
			w.t.Fatal(err)
		}
		w.client = c
	},
	Connecting: stages["dialing"],
	Opening:    stages["opening"],
	Ready:      stages["ready"],
	Closing:    stages["closing"],
	Backoff: func(w *world) {
		w.listener.Refuse(true)
		w.dial(ClientOptions{Backoff: supervisor.Backoff{InitialDelay: time.Hour, MaxDelay: time.Hour, Jitter: -1}})
		synctest.Wait()
	},
	Held: func(w *world) {
		stages["ready"](w)
		if err := w.client.Hold(context.Background()); err != nil {
			w.t.Fatal(err)
		}
		synctest.Wait()
	},
	Stopped: func(w *world) {
		stages["ready"](w)
		if err := w.client.Close(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	},
}

func TestEveryCommandIsAnsweredInEveryState(t *testing.T) {
	for state, reach := range reach {
		for command := range Command(commands) {
			t.Run(fmt.Sprintf("%v in %v", command, state), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.serve(ServerOptions{})
					reach(w)
					if w.client.State() != state {
						t.Fatalf("state %v, want %v\n%s", w.client.State(), state, w.story())
					}
					start := time.Now()
					err := w.client.do(context.Background(), &Do{Command: command})
					took := time.Since(start)
					synctest.Wait()

					want := decide(state, goalUp, command)
					if (err != nil) != (want.err != nil) {
						t.Errorf("answered %v, the table says %v", err, want.err)
					}
					if took > 6*time.Second {
						t.Errorf("answered after %v", took)
					}
					after := w.client.State()
					switch want.goal {
					case goalHeld:
						if after != Held {
							t.Errorf("state %v after it, want held", after)
						}
					case goalDown:
						if after != Stopped {
							t.Errorf("state %v after it, want stopped", after)
						}
					case goalUp:
						if after == Held || after == Stopped || after == Idle || after == Closing && state != Closing {
							t.Errorf("state %v after it, want one on the way up", after)
						}
					}
					w.end2()
				})
			})
		}
	}
}

// end2 closes without judging the events: a client made by NewClient has none.
func (w *world) end2() {
	w.t.Helper()
	if err := w.client.Close(context.Background()); err != nil {
		w.t.Errorf("close client: %v", err)
	}
	if err := w.server.Close(context.Background()); err != nil {
		w.t.Errorf("close server: %v", err)
	}
	_ = w.listener.Close()
	time.Sleep(10 * time.Second) // protoactor's throttle of dead letters ends
	synctest.Wait()
}

func TestCommandsWorkInTheMiddleOfAnHourOfBackoff(t *testing.T) {
	for command, fulfilled := range map[Command]State{Connect: Ready, Reconnect: Ready, Disconnect: Ready, Hold: Held, Shutdown: Stopped} {
		t.Run(command.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.serve(ServerOptions{})
				reach[Backoff](w)
				time.Sleep(30 * time.Minute)
				w.listener.Refuse(false)
				start := time.Now()
				if err := w.client.do(context.Background(), &Do{Command: command}); err != nil {
					t.Errorf("answered %v", err)
				}
				synctest.Wait()
				if w.client.State() != fulfilled || time.Since(start) > time.Second {
					t.Errorf("state %v after %v, want %v at once", w.client.State(), time.Since(start), fulfilled)
				}
				w.end()
			})
		})
	}
}

func TestAnUnansweredCloseHandshakeIsCutAtItsDeadline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{})
		w.ready()
		w.link().Stall(transporttest.ToServer)
		start := time.Now()
		if err := c.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
		if took := time.Since(start); took < 5*time.Second || took > 5100*time.Millisecond {
			t.Errorf("took %v, want the close time-out of 5 s", took)
		}
		w.end()
	})
}

func TestDisconnectResetsTheSessionAndReconnectKeepsIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		resets := 0
		c := w.dial(ClientOptions{OnSessionReset: func(error) { resets++ }})
		w.ready()
		if err := c.Reconnect(context.Background()); err != nil || resets != 0 {
			t.Errorf("reconnect: %v, %d resets", err, resets)
		}
		w.ready()
		if err := c.Disconnect(context.Background()); err != nil || resets != 1 {
			t.Errorf("disconnect: %v, %d resets", err, resets)
		}
		w.ready()
		if n := w.listener.Dials(); n != 3 {
			t.Errorf("%d dials", n)
		}
		w.end()
	})
}

func TestHoldIsSupersededByConnect(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{})
		w.ready()
		w.link().Stall(transporttest.ToClient)
		held := make(chan error, 1)
		go func() { held <- c.Hold(context.Background()) }()
		synctest.Wait()
		if err := c.Connect(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-held; !errors.Is(err, ErrSuperseded) {
			t.Errorf("hold answered %v", err)
		}
		w.ready()
		w.end()
	})
}

func TestCloseFromInsideAHandlerReturns(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		var c *Client
		closed := make(chan error, 1)
		c = w.dial(ClientOptions{Modules: []Module{{Name: "closer", New: func() Handler {
			return handlerOnce(func() { closed <- c.Close(context.Background()) })
		}}}})
		w.ready()
		w.send("close yourself")
		err := <-closed
		var left *UnstoppedError
		if err != nil && !errors.As(err, &left) {
			t.Errorf("close from inside: %v", err)
		}
		t.Logf("close from inside: %v", err)
		synctest.Wait()
		w.end()
	})
}

func TestConcurrentClosersAllReturn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(ClientOptions{})
		done := make(chan error, 20)
		for range 20 {
			go func() { done <- c.Close(context.Background()) }()
		}
		for range 20 {
			if err := <-done; err != nil {
				t.Errorf("close: %v", err)
			}
		}
		w.end()
	})
}
