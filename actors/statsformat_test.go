package actors

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// specimen has every field set, with values that are all different.
func specimen() Stats {
	latency := func(n time.Duration) Latency {
		return Latency{
			Count: uint64(n), Last: n * 1500 * time.Microsecond, Mean: n * time.Millisecond, Max: n * 9 * time.Millisecond,
			P50: n * 999 * time.Microsecond, P90: n * 5 * time.Millisecond, P99: n * 8 * time.Millisecond,
		}
	}
	at := time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.FixedZone("", 3600))
	return Stats{
		Name: `a "feed", or two`, At: at, Age: time.Hour, State: Backoff, Epoch: 9, Attempt: 3,
		Attempts: 10, Successful: 6, Failed: 3, Aborted: 1, Disconnections: 6, Losses: 4, Reconnections: 2,
		ConnectLatency: latency(11), PingRTT: latency(23),
		Uptime: 59 * time.Minute, LastDisconnection: at.Add(-1100 * time.Millisecond), SinceDisconnection: 1100 * time.Millisecond,
		MessagesSent: 1001, MessagesReceived: 2002, BytesSent: 30030, BytesReceived: 4004004,
		MessagesSentPerSecond: 1001 / 3600.0, MessagesReceivedPerSecond: 2002 / 3600.0,
		BytesSentPerSecond: 30030 / 3600.0, BytesReceivedPerSecond: 4004004 / 3600.0,
		Books:  Books{Accepted: 1020, InFlight: 3, Written: 1001, Unknown: 1, Dropped: [reasons]uint64{1, 2, 3, 4, 5}},
		Queued: 3, QueuedBytes: 77, Unrouted: 31, Faulted: 32, Discarded: 33, Stale: 34, Restarts: 35,
		CloseCodes:   map[transport.CloseCode]uint64{4001: 1, 1006: 3, 1000: 2},
		HTTPStatuses: map[int]uint64{503: 2, 401: 1},
		RetryDelay:   2 * time.Second, NextAttempt: at.Add(900 * time.Millisecond),
	}
}

// up is a specimen while it is ready.
func up() Stats {
	s := specimen()
	s.State, s.Connected, s.Ready, s.CurrentUptime = Ready, true, true, 90*time.Second
	s.RetryDelay, s.NextAttempt = 0, time.Time{}
	return s
}

func TestStatisticsAsText(t *testing.T) {
	fresh := Stats{Name: "fresh", At: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	for name, s := range map[string]Stats{"backoff": specimen(), "ready": up(), "fresh": fresh} {
		golden(t, "stats-"+name+".txt", s.Summary()+"\n"+s.Compact()+"\n")
	}
}

func TestStatisticsAsCSV(t *testing.T) {
	golden(t, "stats.csv", specimen().CSV())
	rows, err := csv.NewReader(strings.NewReader(Stats{}.CSV())).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[0]) != len(columns) || rows[1][0] != "" {
		t.Errorf("of nothing: %v, %v", rows, err)
	}
}

func TestStatisticsAsJSON(t *testing.T) {
	s := specimen()
	b, err := json.Marshal(&s)
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, b, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "stats.json", indented.String()+"\n")
	for _, s := range []Stats{{}, {Name: "bad \xff \u2028 name"}} {
		if b, err := json.Marshal(s); err != nil || !json.Valid(b) {
			t.Errorf("%+v: %s, %v", s, b, err)
		}
	}
}

func TestColumnsHaveDifferentNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range columns {
		if seen[c.name] || strings.ToLower(c.name) != c.name || strings.ContainsAny(c.name, " -,") {
			t.Errorf("name %q", c.name)
		}
		seen[c.name] = true
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errDiskFull }

var errDiskFull = errors.New("disk full")

func TestWriteCSVReturnsTheErrorOfTheWriter(t *testing.T) {
	if err := (Stats{}).WriteCSV(fullDisk{}); !errors.Is(err, errDiskFull) {
		t.Errorf("got %v", err)
	}
}

func TestHealth(t *testing.T) {
	const second, hour = time.Second, time.Hour
	tests := []struct {
		name               string
		successful, failed uint64
		losses             uint64
		age                time.Duration
		latency            time.Duration
		connected          bool
		score              int
		health             Health
	}{
		{"fresh", 0, 0, 0, 0, 0, false, 75, HealthUnknown},
		{"connected", 1, 0, 0, second, second, true, 100, HealthExcellent},
		{"down after a good life", 9, 0, 0, hour, second, false, 75, HealthGood},
		{"never connected", 0, 3, 0, hour, 0, false, 35, HealthPoor},
		{"exactly half successful", 1, 1, 0, hour, second, true, 80, HealthGood},
		{"just under half", 49, 51, 0, hour, second, true, 60, HealthFair},
		{"exactly 80 %", 4, 1, 0, hour, second, true, 100, HealthExcellent},
		{"two losses in the first minute", 3, 0, 2, time.Minute, second, true, 100, HealthExcellent},
		{"three losses in the first minute", 4, 0, 3, time.Minute, second, true, 85, HealthGood},
		{"five losses an hour", 60, 0, 50, 10 * hour, second, true, 85, HealthGood},
		{"more than five an hour", 60, 0, 51, 10 * hour, second, true, 70, HealthGood},
		{"slow", 1, 0, 0, hour, 2001 * time.Millisecond, true, 90, HealthExcellent},
		{"very slow", 1, 0, 0, hour, 5001 * time.Millisecond, true, 80, HealthGood},
		{"everything", 1, 9, 9, hour, 6 * second, false, 0, HealthPoor},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := Stats{Successful: test.successful, Failed: test.failed, Losses: test.losses, Age: test.age, Connected: test.connected}
			s.ConnectLatency.Mean = test.latency
			if s.Score() != test.score || s.Health() != test.health {
				t.Errorf("got %d, %v; want %d, %v", s.Score(), s.Health(), test.score, test.health)
			}
		})
	}
}

func TestNumbersForPeople(t *testing.T) {
	for want, got := range map[string]string{
		"0 B": byteSize(0), "1023 B": byteSize(1023), "1 KiB": byteSize(1024), "1.5 MiB": byteSize(1.5 * (1 << 20)), "2048 TiB": byteSize(1 << 51),
		"0s": brief(0), "1.23µs": brief(1234), "12.35ms": brief(12345678), "1.23s": brief(1234567890), "1h0m1s": brief(time.Hour + 900*time.Millisecond),
		"1 loss": plural(1, "loss"), "2 losses": plural(2, "loss"), "0 messages": plural(0, "message"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := fmt.Sprint(Latency{}); got != "not measured" {
		t.Errorf("got %q", got)
	}
}
