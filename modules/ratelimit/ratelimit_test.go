package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	mw "github.com/hawser-go/hawser/internal/middlewaretest"
	"github.com/hawser-go/hawser/transport"
)

// limit makes a limiter of options that must be good.
func limit(t *testing.T, o Options) *limiter {
	t.Helper()
	if _, err := New(o); err != nil {
		t.Fatal(err)
	}
	return newLimiter(o)
}

// onClient and onServer are worlds of which one end has the middleware.
func onClient(t *testing.T, o Options) mw.Setting {
	return mw.Setting{Client: []actors.Middleware{limit(t, o).middleware()}}
}

func onServer(t *testing.T, o Options) mw.Setting {
	return mw.Setting{Server: []actors.Middleware{limit(t, o).middleware()}}
}

// flood sends n texts of 10 bytes.
func flood(w *mw.World, n int) {
	var texts []string
	for i := range n {
		texts = append(texts, fmt.Sprintf("%010d", i))
	}
	w.Send(texts...)
}

func TestABurstPassesAndThenTheRate(t *testing.T) {
	const each = 1000 // sent every second
	for _, c := range []struct {
		name         string
		options      Options
		first, later int // of each second's messages pass
	}{
		{"by default", Options{}, 200, 100},
		{"messages", Options{Inbound: Limit{Messages: 5}}, 5, 5},
		{"messages with a burst", Options{Inbound: Limit{Messages: 5, MessageBurst: 50}}, 50, 5},
		{"bytes", Options{Inbound: Limit{Bytes: 300, ByteBurst: 300}}, 30, 30},
		{"bytes with a burst", Options{Inbound: Limit{Bytes: 300, ByteBurst: 1000}}, 100, 30},
		{"both, messages are the stricter", Options{Inbound: Limit{Messages: 5, Bytes: 1e6}}, 5, 5},
		{"both, bytes are the stricter", Options{Inbound: Limit{Messages: 500, Bytes: 300, ByteBurst: 300}}, 30, 30},
		{"wide", Options{Inbound: Limit{Messages: 1e6, Bytes: 1e9}}, each, each},
	} {
		check := func(way string, s mw.Setting, count func(w *mw.World) int) {
			t.Run(way+"/"+c.name, func(t *testing.T) {
				mw.In(t, s, func(w *mw.World) {
					flood(w, each)
					if n := count(w); n != c.first {
						t.Errorf("%d passed at once, want %d", n, c.first)
					}
					for second := range 5 {
						before := count(w)
						time.Sleep(time.Second)
						flood(w, each)
						if n := count(w) - before; n != c.later {
							t.Errorf("second %d: %d passed, want %d", second, n, c.later)
						}
					}
				})
			})
		}
		arrived := func(w *mw.World) int { return len(w.Arrived()) }
		came := func(w *mw.World) int { return len(w.Came()) }
		check("received by the server", onServer(t, c.options), arrived)
		check("received by the client", onClient(t, c.options), came)
		turned := c.options
		turned.Inbound, turned.Outbound = turned.Outbound, turned.Inbound
		if turned.Outbound == (Limit{}) {
			continue // the default is of one direction
		}
		check("sent by the client", onClient(t, turned), arrived)
		check("sent by the server", onServer(t, turned), came)
	}
}

func TestAMessageAboveTheByteBurstNeverPasses(t *testing.T) {
	mw.In(t, onServer(t, Options{Inbound: Limit{Bytes: 1000, ByteBurst: 100}}), func(w *mw.World) {
		for range 5 {
			w.Send(strings.Repeat("x", 101))
			time.Sleep(time.Minute)
		}
		w.Send(strings.Repeat("y", 100))
		if got := w.Arrived(); len(got) != 1 || got[0][0] != 'y' {
			t.Errorf("%d arrived, want the one of 100 bytes", len(got))
		}
	})
}

func TestWhatIsTooMuchEndsAsTheActionSays(t *testing.T) {
	for _, c := range []struct {
		action Action
		is     error // in the outcome's Err; nil: another
	}{{Drop, nil}, {Reject, ErrExceeded}} {
		t.Run(fmt.Sprint(c.action), func(t *testing.T) {
			mw.In(t, onClient(t, Options{Action: c.action, Outbound: Limit{Messages: 1}}), func(w *mw.World) {
				w.Send("one", "two")
				done := w.Outcomes()
				if len(done) != 2 {
					t.Fatalf("%d outcomes, want 2", len(done))
				}
				for _, o := range done {
					rejected := o.Result == actors.Dropped
					switch {
					case rejected && (o.Reason != actors.Rejected || o.Err == nil):
						t.Errorf("%+v, want a rejection with its cause", o)
					case rejected && errors.Is(o.Err, ErrExceeded) != (c.is != nil):
						t.Errorf("the cause is %v", o.Err)
					}
				}
				if b := w.Client.Books(); b.Written != 1 || b.Dropped[actors.Rejected] != 1 {
					t.Errorf("%v, want one written and one rejected", b)
				}
			})
		})
	}
}

func TestCloseTellsThePeerTheCode(t *testing.T) {
	for code, want := range map[transport.CloseCode]transport.CloseCode{
		0: transport.PolicyViolation, transport.TryAgainLater: transport.TryAgainLater, 4321: 4321,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			mw.In(t, onServer(t, Options{Action: Close, Code: code, Inbound: Limit{Messages: 3}}), func(w *mw.World) {
				events := w.Client.States(context.Background())
				// The fourth goes alone: a client that comes back brings along what
				// had not left it when the connection ended.
				flood(w, 3)
				flood(w, 1)
				time.Sleep(time.Minute)
				if n := len(w.Arrived()); n != 3 {
					t.Errorf("%d messages arrived, want the 3 before", n)
				}
				for e := range events {
					if e.Kind != actors.EventDisconnected {
						continue
					}
					var closed *transport.CloseError
					if !errors.As(e.Cause, &closed) || closed.Code != want || closed.Reason != "rate limit exceeded" {
						t.Errorf("the connection ended by %v, want code %d", e.Cause, want)
					}
					break
				}
			})
		})
	}
}

func TestAReconnectGetsAFreshBucketOnlyWithoutAKey(t *testing.T) {
	for _, c := range []struct {
		name  string
		key   func(*actors.Conn) string
		fresh bool
	}{
		{"no key", nil, true},
		{"an empty key", func(*actors.Conn) string { return "" }, true},
		{"by address", ByAddress, false},
		{"by identity", func(c *actors.Conn) string { return c.Metadata().(string) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := onServer(t, Options{Key: c.key, Inbound: Limit{Messages: 0.1, MessageBurst: 10}})
			s.Metadata = func(*transport.Request) any { return "ada" }
			mw.In(t, s, func(w *mw.World) {
				flood(w, 10)
				w.Cut() // back within half a second
				w.Forget()
				flood(w, 10)
				if n := len(w.Arrived()); (n == 10) != c.fresh || n != 10 && n != 0 {
					t.Errorf("%d messages passed after the reconnect", n)
				}
				w.Cut()
				w.Forget()
				time.Sleep(50 * time.Second)
				flood(w, 10)
				if n := len(w.Arrived()); n != 5 && !c.fresh {
					t.Errorf("%d messages passed after 50 s, want 5", n)
				}
			})
		})
	}
}

func TestConnectionsWithOneKeyShareABucket(t *testing.T) {
	s := onServer(t, Options{Key: ByAddress, Inbound: Limit{Messages: 10}})
	mw.In(t, s, func(w *mw.World) {
		second := w.Dial(mw.Setting{})
		flood(w, 7)
		for range 7 {
			if _, err := second.SendText("from the other"); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := len(w.Arrived()); n != 10 {
			t.Errorf("%d messages passed of both, want 10", n)
		}
		if err := second.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestAKeyThatPanicsRefusesTheConnection(t *testing.T) {
	s := onServer(t, Options{Key: func(*actors.Conn) string { panic("no identity") }})
	s.Errors = true
	mw.In(t, mw.Setting{Server: s.Server, Errors: true, Dark: true}, func(w *mw.World) {
		w.Listener.Refuse(false)
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		err := w.Client.WaitStopped(ctx) // the client takes 1008 for an answer
		var closed *transport.CloseError
		if !errors.As(err, &closed) || closed.Code != transport.PolicyViolation {
			t.Errorf("%v, want a close with 1008", err)
		}
	})
}

func TestKeysWithoutAConnectionAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, Options{Key: ByAddress, Idle: 100, Inbound: Limit{Messages: 1}}).shelf
		busy := s.acquire("busy")
		for i := range 10_000 {
			b := s.acquire(fmt.Sprint(i))
			b.inbound.take(time.Now(), 0)
			s.release(b)
		}
		if n := len(s.all); n != 101 || s.idle.Len() != 100 {
			t.Errorf("%d buckets, %d of them idle; want 100 and the busy one", n, s.idle.Len())
		}
		time.Sleep(time.Hour) // all are full again
		for range 60 {
			s.release(s.acquire("busy too"))
		}
		if n := len(s.all); n > 2 {
			t.Errorf("%d buckets are left, though all are full", n)
		}
		if s.acquire("busy") != busy {
			t.Error("a bucket that is in use was put away")
		}
	})
}

func TestABucketThatIsNotFullIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, Options{Key: ByAddress, Inbound: Limit{Messages: 1, MessageBurst: 60}}).shelf
		b := s.acquire("greedy")
		for range 60 {
			b.inbound.take(time.Now(), 0)
		}
		s.release(b)
		for i := range 59 {
			time.Sleep(time.Second)
			s.release(s.acquire(fmt.Sprint(i)))
		}
		again := s.acquire("greedy")
		if again != b {
			t.Fatal("it was forgotten before it was full")
		}
		s.release(again)
		time.Sleep(2 * time.Second)
		for range 60 { // it stands behind the others, which are full too
			s.release(s.acquire("other"))
		}
		if s.all["greedy"] != nil {
			t.Error("it is kept though it is full")
		}
	})
}

func TestBadOptionsAreRefused(t *testing.T) {
	for option, o := range map[string]Options{
		"Inbound.Messages":      {Inbound: Limit{Messages: -1}},
		"Outbound.Messages":     {Outbound: Limit{Messages: math.NaN()}},
		"Inbound.Bytes":         {Inbound: Limit{Bytes: math.Inf(1)}},
		"Inbound.MessageBurst":  {Inbound: Limit{Messages: 1, MessageBurst: -1}},
		"Inbound.ByteBurst":     {Inbound: Limit{Messages: 1, ByteBurst: 1}},
		"Outbound.MessageBurst": {Outbound: Limit{MessageBurst: 1}},
		"Idle":                  {Idle: -1},
		"Action":                {Action: Close + 1},
		"Code":                  {Code: transport.TryAgainLater},
	} {
		_, err := New(o)
		var bad *actors.OptionError
		if !errors.As(err, &bad) || bad.Option != "ratelimit.Options."+option {
			t.Errorf("%s: %v", option, err)
		}
	}
	_, err := New(Options{Action: Close, Code: transport.Abnormal})
	if !errors.As(err, new(*actors.OptionError)) {
		t.Errorf("a code that is never sent: %v", err)
	}
}

func TestSubscribersAreToldApartByAddress(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1:80":            "192.0.2.1",
		"[::ffff:192.0.2.1]:80":   "192.0.2.1",
		"[2001:db8:1:2:3::4]:80":  "2001:db8:1:2::/64",
		"[2001:db8:1:2:9::9]:443": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":       "fe80::/64",
		"@":                       "@",
	} {
		if got := subscriber(addr); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
}

func TestRatelimitConforms(t *testing.T) {
	var l *limiter
	wide := Limit{Messages: 1e6, Bytes: 1e9}
	mw.Conforms(t, mw.Subject{
		New: func(t *testing.T) actors.Middleware {
			l = limit(t, Options{Key: ByAddress, Inbound: wide, Outbound: wide})
			return l.middleware()
		},
		Left: func() (n int) {
			for range l.conns.Range {
				n++
			}
			for _, b := range l.shelf.all {
				n += b.users
			}
			return n
		},
	})
}
