package actors

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

func TestRefusedHandshakesAreCountedByStatus(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		fake := transporttest.NewFakeHTTP(w.listener,
			transporttest.Status(503), transporttest.Status(503), transporttest.Status(502), transporttest.Status(404))
		c := w.dial(steady())
		if err := c.WaitStopped(context.Background()); err == nil {
			t.Error("a 404 must end the client")
		}
		s := c.Stats()
		if want := map[int]uint64{503: 2, 502: 1, 404: 1}; !reflect.DeepEqual(s.HTTPStatuses, want) || s.Attempts != 4 || s.Failed != 4 {
			t.Errorf("%v of %d attempts, %d failed; want %v", s.HTTPStatuses, s.Attempts, s.Failed, want)
		}
		statuses := []int{}
		for _, r := range c.History() {
			if r.HTTPStatus != 0 {
				statuses = append(statuses, r.HTTPStatus)
			}
		}
		if want := []int{503, 503, 502, 404}; !reflect.DeepEqual(statuses, want) {
			t.Errorf("history has the statuses %v, want %v", statuses, want)
		}
		fake.Close()
		w.end()
	})
}

func TestCloseCodesOfThePeerAreCounted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{{Name: "bye", New: func() Handler {
			return HandlerFunc(func(ctx *Context, m transport.Message) {
				code := transport.CloseCode(0)
				_, _ = fmt.Sscan(string(m.Payload), &code)
				ctx.Conn().Close(code, "as you say")
			})
		}}}})
		c := w.dial(steady())
		for _, code := range []string{"1001", "4001", "1001", "1012"} {
			w.ready()
			w.send(code)
			synctest.Wait()
		}
		w.ready()
		if err := c.Reconnect(context.Background()); err != nil { // by a command, not a loss
			t.Fatal(err)
		}
		w.ready()
		s := w.finish(c)
		want := map[transport.CloseCode]uint64{1000: 2, 1001: 2, 4001: 1, 1012: 1}
		if !reflect.DeepEqual(s.CloseCodes, want) || s.Disconnections != 6 || s.Losses != 4 || s.Reconnections != 4 || s.Successful != 6 {
			t.Errorf("codes %v, want %v\n%s", s.CloseCodes, want, s.Summary())
		}
		w.end()
	})
}

func TestAnAttemptThatIsGivenUpIsAborted(t *testing.T) {
	for name, end := range map[string]func(c *Client) error{
		"held":    func(c *Client) error { return c.Hold(context.Background()) },
		"closed":  func(c *Client) error { return c.Close(context.Background()) },
		"stopped": func(c *Client) error { return c.s.system.Root.StopFuture(c.pid).Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.listener.Silence(true)
				c := w.dial(steady())
				time.Sleep(time.Second)
				if s := c.Stats(); s.Attempts != 1 || s.Failed+s.Aborted+s.Successful != 0 || s.Health() != HealthUnknown {
					t.Errorf("under way: %s", s.Summary())
				}
				if err := end(c); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if s := c.Stats(); s.Attempts != 1 || s.Aborted != 1 || s.Failed != 0 || s.Disconnections != 0 {
					t.Errorf("given up: %s", s.Summary())
				}
				w.end()
			})
		})
	}
}

func TestASetUpThatFailsIsAFailedAttempt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		o := steady()
		tries := 0
		o.Setup = []SetupStep{func(ctx context.Context, s *Setup) error {
			if tries++; tries < 3 {
				return errors.New("not yet")
			}
			if _, err := s.Send(transport.Text, []byte("hello")); err != nil {
				return err
			}
			_, err := s.Receive(ctx)
			return err
		}}
		c := w.dial(o)
		w.ready()
		s := w.finish(c)
		if s.Attempts != 3 || s.Failed != 2 || s.Successful != 1 || s.Disconnections != 3 || s.Reconnections != 0 || s.ConnectLatency.Count != 3 {
			t.Error(s.Summary())
		}
		if s.MessagesSent != 1 || s.MessagesReceived != 1 || s.BytesReceived != 5 {
			t.Errorf("set-up messages: sent %d, received %d", s.MessagesSent, s.MessagesReceived)
		}
		w.client = nil // its book-keeping in the world knows of no set-up message
		w.end()
	})
}

func TestRoundTripsAreMeasured(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		o := steady()
		o.Heartbeat = Heartbeat{Interval: time.Second, Timeout: time.Second}
		c := w.dial(o)
		w.ready()
		time.Sleep(3500 * time.Millisecond)
		w.link().Stall(transporttest.ToClient)
		time.Sleep(800 * time.Millisecond) // the ping of 4 s has been out for 300 ms
		w.link().Unstall(transporttest.ToClient)
		synctest.Wait()
		rtt := c.Stats().PingRTT
		if rtt.Count != 4 || rtt.P50 >= time.Microsecond || rtt.Last < 300*time.Millisecond || rtt.Last > 310*time.Millisecond || rtt.Max != rtt.Last || rtt.P99 < 290*time.Millisecond {
			t.Errorf("%+v, want three of 0 and one of 300 ms", rtt)
		}
		w.link().Reset()
		synctest.Wait()
		history := c.History()
		if last := history[len(history)-1]; last.RTT != rtt.Last {
			t.Errorf("history has %v", last)
		}
		if got := c.Stats().PingRTT; got != rtt {
			t.Errorf("after the loss: %+v", got)
		}
		w.end()
	})
}

func TestRestartsAndLostInboundMessagesAreCounted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		o := steady()
		o.Modules = []Module{{
			Name:  "picky",
			Match: func(m transport.Message) bool { return string(m.Payload) != "unwanted" },
			New: func() Handler {
				return HandlerFunc(func(_ *Context, m transport.Message) {
					if string(m.Payload) == "bad" {
						panic("bad")
					}
				})
			},
		}}
		c := w.dial(o)
		w.ready()
		w.send("good", "bad", "unwanted")
		time.Sleep(time.Minute)
		if s := c.Stats(); s.MessagesReceived != 3 || s.Faulted != 1 || s.Unrouted != 1 || s.Restarts != 1 {
			t.Errorf("received %d, faulted %d, unrouted %d, restarts %d; want 3, 1, 1, 1", s.MessagesReceived, s.Faulted, s.Unrouted, s.Restarts)
		}
		w.end()
	})
}

func TestTalliesAreBounded(t *testing.T) {
	var all tally[int]
	for i := range 1000 {
		all.add(100 + i)
		all.add(100)
	}
	sum := uint64(0)
	for _, n := range all {
		sum += n
	}
	if len(all) != tallied+1 || all[100] != 1001 || all[0] != 1000-tallied || sum != 2000 {
		t.Errorf("%d numbers, %d of the first, %d others, sum %d", len(all), all[100], all[0], sum)
	}
}
