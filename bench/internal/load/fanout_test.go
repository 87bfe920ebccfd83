package load

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"
)

func fanout(t *testing.T, h *hub, subscribers, outstanding int) *Fanout {
	t.Helper()
	addr := h.serve(t)
	f, err := NewFanout(dial(t, "hello", addr), addr, FanoutOptions{
		Publish: "/pub", Subscribe: "/sub", Subscribers: subscribers, Outstanding: outstanding,
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEveryPublishReachesEverySubscriber(t *testing.T) {
	for _, outstanding := range []int{1, 16} {
		f := fanout(t, &hub{}, 7, outstanding)
		if err := f.Verify(); err != nil {
			t.Fatal(err)
		}
		m, err := f.Run(Window{Warm: 2 * time.Millisecond, Length: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if m.Messages == 0 || m.P50 <= 0 || m.P50 > m.P99 || m.P99 > m.Max {
			t.Errorf("%d outstanding: %+v", outstanding, m)
		}
		if got, want := f.Messages(), f.published*7; got != want {
			t.Errorf("%d outstanding: %d deliveries of %d publishes, want %d", outstanding, got, f.published, want)
		}
	}
}

func TestAPublishIsCompleteWhenTheLastSubscriberHasIt(t *testing.T) {
	f := &Fanout{Generator: &Generator{}, publisher: &conn{}, missing: make([]int, 2), published: 2}
	for range 3 {
		f.subscribers = append(f.subscribers, &conn{})
	}
	f.missing[0], f.missing[1] = 3, 3
	steps := []struct{ subscriber, messages, complete int }{{0, 2, 0}, {1, 1, 0}, {2, 2, 1}, {1, 1, 1}}
	for i, s := range steps {
		complete, err := f.deliver(f.subscribers[s.subscriber], s.messages)
		if err != nil || complete != s.complete {
			t.Fatalf("step %d: %d publishes complete, %v, want %d", i, complete, err, s.complete)
		}
	}
	if _, err := f.deliver(f.subscribers[0], 1); err == nil || !strings.Contains(err.Error(), "2 were published") {
		t.Errorf("a third message of two: %v", err)
	}
}

func TestDefectsOfAFanoutAreErrors(t *testing.T) {
	var sent atomic.Int32
	cases := []struct {
		name, want string
		hub        hub
	}{
		{"nobody gets anything", "3 of 3 subscribers miss 3", hub{
			deliver: func(net.Conn, int, []byte) error { return nil },
		}},
		{"one gets other bytes", "subscriber 3 of 3", hub{deliver: func(to net.Conn, number int, p []byte) error {
			if number == 2 {
				p = []byte("HELLO")
			}
			return wsutil.WriteServerText(to, p)
		}}},
		{"one misses what comes later", "1 of 3 subscribers miss 1", hub{deliver: func(to net.Conn, number int, p []byte) error {
			if number == 1 && sent.Add(1) == 2 {
				return nil
			}
			return wsutil.WriteServerText(to, p)
		}}},
		{"the publisher gets something", "to the publisher", hub{
			confirm: func(to net.Conn) error { return wsutil.WriteServerText(to, []byte("hello")) },
		}},
	}
	for i := range cases {
		t.Run(cases[i].name, func(t *testing.T) {
			f := fanout(t, &cases[i].hub, 3, 1)
			f.patience = 50 * time.Millisecond
			err := f.Verify()
			if err == nil {
				_, err = f.Run(Window{Length: time.Millisecond})
			}
			if err == nil || !strings.Contains(err.Error(), cases[i].want) {
				t.Errorf("error %v, want one with %q", err, cases[i].want)
			}
		})
	}
}
