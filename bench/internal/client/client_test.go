package client

import (
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseReadsTheLoad(t *testing.T) {
	args := strings.Fields("-url ws://127.0.0.1:9/echo -conns 3 -inflight 100 -size 1024 -warm 1s -dur 2s")
	o, err := parse("cli", args, io.Discard)
	want := Options{URL: "ws://127.0.0.1:9/echo", Conns: 3, InFlight: 100, Size: 1024, Warm: time.Second, Duration: 2 * time.Second}
	if err != nil || o != want {
		t.Errorf("parse = %+v, %v, want %+v", o, err, want)
	}
	if n := len(o.payload()); n != o.Size {
		t.Errorf("the payload has %d bytes, want %d", n, o.Size)
	}
}

func TestParseRefusesWhatIsNoLoad(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"", "-url"},
		{"-url http://127.0.0.1/echo", "ws://"},
		{"-url ws:///echo", "ws://"},
		{"-url ws://h/echo -conns 0", "-conns"},
		{"-url ws://h/echo -inflight 0", "-inflight"},
		{"-url ws://h/echo -size 0", "-size"},
		{"-url ws://h/echo -warm -1s", "-warm"},
		{"-url ws://h/echo -dur 0s", "-dur"},
		{"-url ws://h/echo deflate", `"deflate"`},
		{"-speed 9", "-speed"},
	} {
		if _, err := parse("cli", strings.Fields(c.args), io.Discard); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("parse(%s) = %v, want an error about %s", c.args, err, c.says)
		}
	}
}

// handClock is set by the test.
type handClock struct{ now int64 }

func (h *handClock) read() int64 { return h.now }

func TestAMeterTakesOneRoundTripOfThoseInFlight(t *testing.T) {
	var hand handClock
	w := newWindow(Options{Conns: 1, InFlight: 2, Size: 10})
	w.clock = hand.read
	m := w.meters[0]
	receive := func(at int64) bool {
		hand.now = at
		return m.Received(10)
	}
	receive(100) // number 1; number 3 is sent
	hand.now = 150
	first, start := w.open()
	receive(200)       // 2
	receive(300)       // 3, which was sent before the window; 5 is sent
	receive(310)       // 4
	if !receive(364) { // 5, after 64; 7 is sent
		t.Error("the window is open, and no message is wanted")
	}
	receive(370)
	hand.now = 400
	last, took := w.shut(start)
	if receive(500) { // 7, which comes too late
		t.Error("a message is wanted behind the end of the window")
	}
	if last-first != 5 || took != 250 {
		t.Errorf("%d messages in %d ns, want 5 in 250", last-first, took)
	}
	if trips := w.trips(); trips.Count() != 1 || trips.Max() != 64 {
		t.Errorf("%d round trips, the longest %d ns, want one of 64", trips.Count(), trips.Max())
	}
}
