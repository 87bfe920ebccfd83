package actors

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// times are those from which the waiting messages expire.
func (o *outbox) times() (all []int64) {
	for c := o.data.head; c != nil; c = c.next {
		for _, e := range c.entries {
			all = append(all, e.at)
		}
	}
	return all
}

func TestRepliesOfATurnLookAtTheClockOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outbox{limits: &OutboxLimits{Age: time.Hour}, ledger: &ledger{}}
		later := func(add func()) {
			time.Sleep(time.Second)
			add()
		}
		reply := func() {
			if _, err := o.reply(transport.Text, []byte("reply")); err != nil {
				t.Fatal(err)
			}
		}
		send := func() {
			if _, err := o.add(transport.Text, []byte("sent by others"), 0); err != nil {
				t.Fatal(err)
			}
		}
		start := nanos()
		later(reply) // makes the chunk
		later(reply)
		later(reply)
		later(send)
		later(o.turnOver)
		later(reply)
		later(reply)
		got := o.times()
		for i := range got {
			got[i] = (got[i] - start) / int64(time.Second)
		}
		if want := []int64{1, 2, 2, 4, 6, 6}; !slices.Equal(got, want) {
			t.Fatalf("accepted after %v seconds, want %v", got, want)
		}
	})
}

// What waits in one chunk from turn to turn must not look as old as the first of it.
func TestATurnIsOverWithItsFlush(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		w.dial(patient(OutboxLimits{Age: time.Hour}))
		w.ready()
		w.clog()
		c := w.client.s.line.Load()
		for range 3 {
			if _, err := c.out.reply(transport.Text, []byte("reply")); err != nil {
				t.Fatal(err)
			}
			c.flush()
			time.Sleep(time.Second)
		}
		all := c.out.times()
		last := all[len(all)-3:]
		for i := range 2 {
			if d := time.Duration(last[i+1] - last[i]); d != time.Second {
				t.Errorf("turns %d and %d are %v apart, want 1s", i+1, i+2, d)
			}
		}
		w.unclog()
		w.end()
	})
}
