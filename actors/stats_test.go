package actors

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// steady are options under which every time of a client's life is known: no
// jitter, no pings, and an attempt takes 30 ms before it dials.
func steady() ClientOptions {
	return ClientOptions{
		Name:      "feed",
		Heartbeat: Heartbeat{Interval: -1},
		Backoff:   supervisor.Backoff{InitialDelay: time.Second, Jitter: -1},
		Request:   slow(30 * time.Millisecond),
		Outbox:    OutboxLimits{Age: -1},
	}
}

// slow is a Request that takes its time.
func slow(d time.Duration) func(context.Context, Attempt) (Target, error) {
	return func(ctx context.Context, _ Attempt) (Target, error) {
		select {
		case <-time.After(d):
			return Target{}, nil
		case <-ctx.Done():
			return Target{}, ctx.Err()
		}
	}
}

// sound checks what holds in every snapshot, and that no counter went back since
// the one before.
func sound(t *testing.T, before, now Stats) {
	t.Helper()
	if under := now.Attempts - now.Successful - now.Failed - now.Aborted; under > 1 {
		t.Errorf("%d attempts are under way: %+v", under, now)
	}
	sum := uint64(0)
	for _, n := range now.CloseCodes {
		sum += n
	}
	if sum != now.Disconnections {
		t.Errorf("%d close codes for %d disconnections", sum, now.Disconnections)
	}
	if !now.Books.Balanced() {
		t.Errorf("books: %v", now.Books)
	}
	if now.Ready && !now.Connected || now.Uptime > now.Age || now.CurrentUptime > now.Uptime {
		t.Errorf("ready %t, connected %t, uptime %v, current %v, age %v", now.Ready, now.Connected, now.Uptime, now.CurrentUptime, now.Age)
	}
	old, young := reflect.ValueOf(before), reflect.ValueOf(now)
	for i := range old.NumField() {
		if f := old.Type().Field(i); f.Type.Kind() == reflect.Uint64 && young.Field(i).Uint() < old.Field(i).Uint() {
			t.Errorf("%s went from %d to %d", f.Name, old.Field(i).Uint(), young.Field(i).Uint())
		}
	}
	if now.Uptime < before.Uptime || now.Age < before.Age || now.Books.Accepted < before.Books.Accepted ||
		now.Books.Written < before.Books.Written || now.ConnectLatency.Count < before.ConnectLatency.Count {
		t.Errorf("went back\nfrom %+v\nto   %+v", before, now)
	}
}

func TestAFreshClientHasSensibleStatistics(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c, err := NewClient(w.system, "ws://hawser.test/", ClientOptions{Name: "fresh"})
		if err != nil {
			t.Fatal(err)
		}
		s := c.Stats()
		want := Stats{Name: "fresh", At: time.Now()}
		if !reflect.DeepEqual(s, want) {
			t.Errorf("got  %+v\nwant %+v", s, want)
		}
		if s.Health() != HealthUnknown || s.Availability() != 0 || len(c.History()) != 0 {
			t.Errorf("%v, availability %v, %v", s.Health(), s.Availability(), c.History())
		}
		time.Sleep(time.Hour)
		if s = c.Stats(); s.Age != time.Hour || s.MessagesSentPerSecond != 0 || s.Health() != HealthUnknown {
			t.Errorf("after an hour: %+v", s)
		}
		for _, text := range []string{s.Summary(), s.Compact(), s.CSV()} {
			if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
				t.Error(text)
			}
		}
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if s = c.Stats(); s.State != Stopped || s.Attempts != 0 || s.Health() != HealthUnknown {
			t.Errorf("stopped: %+v", s)
		}
		w.end()
	})
}

// The whole of a life, with every number: three dials that fail, a connection of
// 10 s with traffic, a loss, a connection of 5 s, the end.
func TestStatisticsOfAScriptedLifeAreExact(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}})
		w.listener.Refuse(true)
		c := w.dial(steady())
		time.Sleep(5 * time.Second) // failed at 0.03, 1.06 and 3.09 s; the next is at 7.09 s
		synctest.Wait()
		s := c.Stats()
		sound(t, Stats{}, s)
		if s.State != Backoff || s.Attempts != 3 || s.Failed != 3 || s.Connected || s.Health() != HealthPoor || s.Score() != 35 ||
			s.Attempt != 4 || s.RetryDelay != 4*time.Second || s.NextAttempt.Sub(s.At) != 2090*time.Millisecond {
			t.Errorf("in the backoff: %s", s.Summary())
		}

		w.listener.Refuse(false)
		w.ready() // at 7.12 s
		w.send("one", "two", "three")
		time.Sleep(10 * time.Second)
		before, s := s, c.Stats()
		sound(t, before, s)
		want := before
		want.At, want.Age = time.Now(), 17120*time.Millisecond
		want.State, want.Connected, want.Ready, want.Epoch = Ready, true, true, 4
		want.Attempts, want.Successful = 4, 1
		want.RetryDelay, want.NextAttempt = 0, time.Time{}
		want.Uptime, want.CurrentUptime = 10*time.Second, 10*time.Second
		want.ConnectLatency = Latency{1, 30e6, 30e6, 30e6, 30e6, 30e6, 30e6}
		want.MessagesSent, want.MessagesReceived = 3, 3
		want.BytesSent, want.BytesReceived = 11+3*6, 11 // a header of 2 and a mask of 4 (RFC 6455 §5.2)
		seconds := want.Age.Seconds()
		want.MessagesSentPerSecond, want.MessagesReceivedPerSecond = 3/seconds, 3/seconds
		want.BytesSentPerSecond, want.BytesReceivedPerSecond = 29/seconds, 11/seconds
		want.Books.Accepted, want.Books.Written = 3, 3
		if !reflect.DeepEqual(s, want) {
			t.Errorf("connected:\ngot  %+v\nwant %+v", s, want)
		}
		if s.Health() != HealthFair || s.Score() != 60 { // one success of four
			t.Errorf("health %v, %d", s.Health(), s.Score())
		}

		w.link().Reset()
		synctest.Wait()
		lost := c.Stats()
		sound(t, s, lost)
		if lost.Ready || lost.Connected || lost.Disconnections != 1 || lost.Losses != 1 || lost.Uptime != 10*time.Second || lost.CurrentUptime != 0 {
			t.Errorf("lost: %s", lost.Summary())
		}
		// Not having been ready for StableAfter it waits longer: 8 s.
		time.Sleep(time.Second)
		if s = c.Stats(); s.SinceDisconnection != time.Second || s.RetryDelay != 8*time.Second || s.NextAttempt.Sub(s.At) != 7*time.Second {
			t.Errorf("a second later: %s", s.Summary())
		}
		w.ready() // at 7.12 + 10 + 8.03 s
		time.Sleep(5 * time.Second)
		end := w.finish(c)
		sound(t, s, end)
		want.At, want.Age = time.Now(), 30150*time.Millisecond
		want.State, want.Connected, want.Ready, want.Epoch = Stopped, false, false, 5
		want.Attempts, want.Successful, want.Reconnections = 5, 2, 1
		want.Disconnections, want.Losses = 2, 1
		want.CloseCodes = map[transport.CloseCode]uint64{transport.Abnormal: 1, transport.NormalClosure: 1}
		want.ConnectLatency.Count = 2
		want.Uptime, want.CurrentUptime = 15*time.Second, 0
		want.LastDisconnection = end.At
		want.BytesSent += 6 + 2 // the close frame
		seconds = want.Age.Seconds()
		want.MessagesSentPerSecond, want.MessagesReceivedPerSecond = 3/seconds, 3/seconds
		want.BytesSentPerSecond, want.BytesReceivedPerSecond = 37/seconds, 11/seconds
		if !reflect.DeepEqual(end, want) {
			t.Errorf("stopped:\ngot  %+v\nwant %+v", end, want)
		}
		time.Sleep(time.Hour)
		if late := c.Stats(); late.Age != end.Age || late.Uptime != end.Uptime || late.SinceDisconnection != time.Hour {
			t.Errorf("an hour after the end: %s", late.Summary())
		}
		w.end()
	})
}

// finish ends the client alone, and returns the statistics of then.
func (w *world) finish(c *Client) Stats {
	w.t.Helper()
	if err := c.Close(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	return c.Stats()
}

func TestWhoeverWasToldFindsItCounted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		for range 20 {
			o := steady()
			o.NetDial = w.listener.Dial
			c, err := Dial(context.Background(), w.system, "ws://hawser.test/", o)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.WaitReady(context.Background()); err != nil {
				t.Fatal(err)
			}
			if s := c.Stats(); s.Successful != 1 || !s.Ready || !s.Connected || s.State != Ready {
				t.Fatalf("after WaitReady: %s", s.Summary())
			}
			if err := c.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if s := c.Stats(); s.Disconnections != 1 || s.State != Stopped {
				t.Fatalf("after Close: %s", s.Summary())
			}
		}
		w.end()
	})
}

func TestStatisticsAndHistoryAreAnsweredByMessage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		c := w.dial(steady())
		w.ready()
		s, err := w.system.Root.RequestFuture(c.PID(), &GetStats{}, time.Second).Result()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := *s.(*Stats), c.Stats(); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		h, err := w.system.Root.RequestFuture(c.PID(), &GetHistory{}, time.Second).Result()
		if err != nil {
			t.Fatal(err)
		}
		if got := h.(*History).Records; len(got) != 3 || !reflect.DeepEqual(got, c.History()) {
			t.Errorf("got  %v\nwant %v", got, c.History())
		}
		w.end()
	})
}

// Snapshots are taken while messages and connections come and go.
func TestSnapshotsUnderLoadAreSound(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		o := steady()
		o.Request, o.Heartbeat.Interval = nil, 10*time.Millisecond
		c := w.dial(o)
		w.ready()
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				var before Stats
				for range 300 {
					now := c.Stats()
					sound(t, before, now)
					_ = c.History()
					if _, err := json.Marshal(now); err != nil {
						t.Error(err)
					}
					before = now
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		for i := range 300 {
			if _, err := c.SendText(fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
			if i%20 == 19 {
				w.link().Reset()
			}
			time.Sleep(10 * time.Millisecond)
		}
		wg.Wait()
		if s := c.Stats(); s.Losses == 0 || s.MessagesSent == 0 {
			t.Errorf("nothing happened: %s", s.Summary())
		}
		w.end()
	})
}
