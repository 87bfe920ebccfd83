package actors

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestHeartbeat(t *testing.T) {
	const (
		second = int64(time.Second)
		never  = -time.Second
	)
	standard := Heartbeat{}.withDefaults() // a ping each 25 s, dead after 10 s
	pinged := pulse{since: 100 * second, waiting: true}
	tests := []struct {
		name      string
		heartbeat Heartbeat
		pulse     pulse
		lastRead  int64
		now       int64
		want      beat
		due       int64
	}{
		{"just started", standard, pulse{since: 100 * second}, 100 * second, 100 * second, beatNone, 125 * second},
		{"before the interval is over", standard, pulse{since: 100 * second}, 100 * second, 125*second - 1, beatNone, 125 * second},
		{"after the interval", standard, pulse{since: 100 * second}, 100 * second, 125 * second, beatPing, 0},
		{"long after the interval", standard, pulse{since: 100 * second}, 100 * second, 900 * second, beatPing, 0},
		{"pings though bytes come", standard, pulse{since: 100 * second}, 124 * second, 125 * second, beatPing, 0},

		{"waits for the pong", standard, pinged, 99 * second, 101 * second, beatNone, 110 * second},
		{"waits until the last moment", standard, pinged, 99 * second, 110*second - 1, beatNone, 110 * second},
		{"nothing came", standard, pinged, 99 * second, 110 * second, beatDead, 0},
		{"nothing came since the ping itself", standard, pinged, 100 * second, 110 * second, beatDead, 0},
		{"other bytes came", standard, pinged, 100*second + 1, 110 * second, beatNone, 125 * second},
		{"other bytes came, the pong never did", standard, pinged, 100*second + 1, 125 * second, beatPing, 0},
		{"the pong came", standard, pulse{since: 100 * second}, 101 * second, 110 * second, beatNone, 125 * second},

		{"no pings", Heartbeat{Interval: never, Timeout: time.Second}, pulse{since: 100 * second}, 0, 900 * second, beatNone, 0},
		{"waits for ever", Heartbeat{Interval: 25 * time.Second, Timeout: never}, pinged, 99 * second, 124 * second, beatNone, 125 * second},
		{"waits for ever and pings on", Heartbeat{Interval: 25 * time.Second, Timeout: never}, pinged, 99 * second, 125 * second, beatPing, 0},
		{"no ping on top of one that is waited for", Heartbeat{Interval: time.Second, Timeout: time.Minute}, pinged, 99 * second, 130 * second, beatNone, 160 * second},
		{"a clock that was set back", standard, pulse{since: 100 * second}, 100 * second, 50 * second, beatNone, 125 * second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, due := test.heartbeat.next(test.pulse, test.lastRead, test.now)
			if got != test.want || due != test.due {
				t.Errorf("got %d, due %s; want %d, due %s", got, time.Duration(due), test.want, time.Duration(test.due))
			}
		})
	}
}

// Whoever asks again when it is due must get something to do, else it spins.
func TestHeartbeatHasSomethingToDoWhenItIsDue(t *testing.T) {
	for _, h := range []Heartbeat{{Interval: time.Second, Timeout: time.Minute}, {Interval: time.Minute, Timeout: time.Second}, {Interval: 1, Timeout: 1}} {
		for _, p := range []pulse{{since: 1000}, {since: 1000, waiting: true}} {
			for _, read := range []int64{0, 1000, 1001} {
				if _, due := h.next(p, read, 1000); due > 0 {
					if b, _ := h.next(p, read, due); b == beatNone {
						t.Errorf("%+v, %+v, read %d: nothing to do at %d", h, p, read, due)
					}
				}
			}
		}
	}
}

func TestNonceNamesIncarnationAndPing(t *testing.T) {
	n := pulse{sequence: 3}.nonce(7)
	b := n[:]
	if len(b) != 12 || binary.BigEndian.Uint64(b) != 7 || binary.BigEndian.Uint32(b[8:]) != 3 {
		t.Errorf("nonce %x", b)
	}
}

func TestHeartbeatDefaults(t *testing.T) {
	if got, want := (Heartbeat{}).withDefaults(), (Heartbeat{25 * time.Second, 10 * time.Second}); got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
	off := Heartbeat{Interval: -1, Timeout: -1}
	if got := off.withDefaults(); got != off {
		t.Errorf("got %+v; want it unchanged", got)
	}
}
