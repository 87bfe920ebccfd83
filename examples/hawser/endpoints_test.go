package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestWhatIsPublishedReachesAllSubscribersInOrder(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"plain": nil, "compressed": {"--deflate"}, "drop-oldest": {"--overflow=drop-oldest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startServing(t, flags...)
			var subscribers []*raw
			for range 3 {
				subscribers = append(subscribers, open(t, p.url()+"/sub"))
			}
			p.untilTold("three subscribers", func(e serverEvent) bool { return e.Event == "connected" && e.ID == 3 })
			subscribers[0].send("nobody hears this")
			publisher := open(t, p.url()+"/pub")
			want := numbered(1000, 100)
			for _, m := range want {
				publisher.send(m)
			}
			for i, s := range subscribers {
				for _, m := range want {
					if got := s.next(); got != m {
						t.Fatalf("subscriber %d: %.20q, want %.20q", i, got, m)
					}
				}
			}
			p.signal()
			if got, code := publisher.messages(); len(got) > 0 || code != 1012 {
				t.Errorf("the publisher got %.100q, %d", got, code)
			}
		})
	}
}

func TestASubscriberThatLeavesIsForgotten(t *testing.T) {
	t.Parallel()
	p := startServing(t)
	c := start(t, "connect", "--json", p.url()+"/sub")
	p.untilTold("the subscriber", connected("/sub"))
	stays := open(t, p.url()+"/sub")
	p.untilTold("another one", func(e serverEvent) bool { return e.Event == "connected" && e.ID == 2 })
	publisher := open(t, p.url()+"/pub")
	publisher.send("one")
	c.untilEvent("the message", recv("one"))
	_ = c.in.Close()
	p.untilTold("its end", disconnected("/sub"))
	publisher.send("two")
	if a, b := stays.next(), stays.next(); a != "one" || b != "two" {
		t.Errorf("%q, %q", a, b)
	}
}

// presence reads the next message, which must tell who is in a room.
func (c *raw) presence() (e presenceEvent) {
	c.t.Helper()
	text := c.next()
	if err := json.Unmarshal([]byte(text), &e); err != nil || e.Event != "presence" {
		c.t.Fatalf("%q: %v", text, err)
	}
	return e
}

func TestARoomRelaysToTheOthersAndTellsWhoIsThere(t *testing.T) {
	t.Parallel()
	p := startServing(t)
	ann := open(t, p.url()+"/rooms/tea")
	if e := ann.presence(); !e.State || len(e.Joined) != 1 || e.Room != "tea" || e.Left == nil {
		t.Errorf("ann: %+v", e)
	}
	bob := open(t, p.url()+"/rooms/tea")
	if e := bob.presence(); !e.State || len(e.Joined) != 2 {
		t.Errorf("bob: %+v", e)
	}
	joined := ann.presence()
	if joined.State || len(joined.Joined) != 1 {
		t.Errorf("ann, of bob: %+v", joined)
	}
	elsewhere := open(t, p.url()+"/rooms/coffee")
	if e := elsewhere.presence(); len(e.Joined) != 1 || e.Room != "coffee" {
		t.Errorf("elsewhere: %+v", e)
	}
	bob.send("hello")
	ann.send("hello bob")
	if a, b := ann.next(), bob.next(); a != "hello" || b != "hello bob" {
		t.Errorf("%q, %q", a, b)
	}
	_ = bob.nc.Close()
	if e := ann.presence(); e.State || !slices.Equal(e.Left, joined.Joined) || e.Joined == nil {
		t.Errorf("ann, of bob's end: %+v", e)
	}
	elsewhere.send("alone")
	p.signal()
	if got, _ := elsewhere.messages(); len(got) > 0 {
		t.Errorf("elsewhere: %q", got)
	}
}

func TestASlowModuleDoesNotSlowOthersDown(t *testing.T) {
	t.Parallel()
	p := startServing(t, "--modules=echo,slow")
	var slow []*raw
	for range 8 {
		c := open(t, p.url()+"/slow")
		for _, m := range numbered(20, 0) {
			c.send(m)
		}
		slow = append(slow, c)
	}
	began := time.Now()
	quick := open(t, p.url()+"/echo")
	for _, m := range numbered(50, 0) {
		quick.send(m)
		if got := quick.next(); got != m {
			t.Fatalf("%q", got)
		}
	}
	echoed := time.Since(began)
	for _, c := range slow {
		for _, m := range numbered(20, 0) {
			if got := c.next(); got != m {
				t.Fatalf("%q, want %q", got, m)
			}
		}
	}
	slowed := time.Since(began)
	t.Logf("50 echoes in %s while 160 messages took %s on 8 slow connections", echoed, slowed)
	// One connection behind the other they would take 8 s.
	if slowed < 20*slowTime-100*time.Millisecond || slowed > 6*time.Second || echoed > slowed {
		t.Errorf("50 echoes took %s, the slow ones %s", echoed, slowed)
	}
}

func TestAModuleThatPanicsIsRestartedAndTheOthersLiveOn(t *testing.T) {
	t.Parallel()
	p := startServing(t, "--modules=echo,panic")
	fragile, other := open(t, p.url()+"/panic"), open(t, p.url()+"/echo")
	for i := range 5 {
		fragile.send("boom")
		want := fmt.Sprint("whole again ", i)
		fragile.send(want)
		other.send(want)
		if a, b := fragile.next(), other.next(); a != want || b != want {
			t.Fatalf("%q, %q", a, b)
		}
	}
	p.signal()
	if status := p.wait(); status != 0 {
		t.Errorf("status %d, stderr %s", status, p.stderr())
	}
	if e := last(p.tellings()); e.Faulted != 5 || e.Restarts != 5 {
		t.Errorf("%+v", e)
	}
}

func last[T any](list []T) T { return list[len(list)-1] }

func TestTheListOfModulesSaysWhichPathsThereAre(t *testing.T) {
	t.Parallel()
	paths := []string{"/echo", "/sub", "/pub", "/rooms/a", "/slow", "/panic", "/", "/echo/", "/rooms", "/rooms/", "/rooms/a/b"}
	for flag, want := range map[string][]string{
		"":                                  {"/echo", "/sub", "/pub", "/rooms/a"},
		"--modules=echo,rooms,slow,panic":   {"/echo", "/sub", "/pub", "/rooms/a", "/slow", "/panic"},
		"--modules=pubsub":                  {"/sub", "/pub"},
		"--modules=panic":                   {"/sub", "/pub", "/panic"},
		"--modules=echo,slow,pubsub,rooms ": {"/echo", "/sub", "/pub", "/rooms/a", "/slow"},
	} {
		args := [][]string{{"serve", "--addr=127.0.0.1:0", flag}}
		if flag == "" {
			args = [][]string{{"serve", "--addr=127.0.0.1:0"}, {"serve", "--addr=127.0.0.1:0", "--json"}} // a witness opens no path
		}
		for _, args := range args {
			p := start(t, args...)
			var got []string
			for _, path := range paths {
				switch status := request(t, p.url()+path).answer.StatusCode; status {
				case http.StatusSwitchingProtocols:
					got = append(got, path)
				case http.StatusNotFound:
				default:
					t.Errorf("%s: %d", path, status)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q: %q, want %q", flag, got, want)
			}
			p.signal()
		}
	}
}
