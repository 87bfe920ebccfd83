package actors

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// column is one value of the statistics under the name that it has in JSON and CSV.
type column struct {
	name  string
	value func(*Stats) any
}

// columns are all values, in their order. Names are never changed, and new columns
// come last of their kind.
var columns = slices.Concat(
	[]column{
		{"name", func(s *Stats) any { return s.Name }},
		{"at", func(s *Stats) any { return s.At }},
		{"state", func(s *Stats) any { return s.State.String() }},
		{"connected", func(s *Stats) any { return s.Connected }},
		{"ready", func(s *Stats) any { return s.Ready }},
		{"health", func(s *Stats) any { return s.Health().String() }},
		{"score", func(s *Stats) any { return s.Score() }},
		{"epoch", func(s *Stats) any { return s.Epoch }},
		{"attempt", func(s *Stats) any { return s.Attempt }},
		{"age_ms", func(s *Stats) any { return s.Age }},
		{"uptime_ms", func(s *Stats) any { return s.Uptime }},
		{"current_uptime_ms", func(s *Stats) any { return s.CurrentUptime }},
		{"availability", func(s *Stats) any { return s.Availability() }},
		{"last_disconnection", func(s *Stats) any { return s.LastDisconnection }},
		{"since_disconnection_ms", func(s *Stats) any { return s.SinceDisconnection }},
		{"retry_delay_ms", func(s *Stats) any { return s.RetryDelay }},
		{"next_attempt", func(s *Stats) any { return s.NextAttempt }},

		{"attempts", func(s *Stats) any { return s.Attempts }},
		{"successful", func(s *Stats) any { return s.Successful }},
		{"failed", func(s *Stats) any { return s.Failed }},
		{"aborted", func(s *Stats) any { return s.Aborted }},
		{"disconnections", func(s *Stats) any { return s.Disconnections }},
		{"losses", func(s *Stats) any { return s.Losses }},
		{"reconnections", func(s *Stats) any { return s.Reconnections }},
	},
	latencyColumns("connect_latency", func(s *Stats) *Latency { return &s.ConnectLatency }),
	latencyColumns("ping_rtt", func(s *Stats) *Latency { return &s.PingRTT }),
	[]column{
		{"messages_sent", func(s *Stats) any { return s.MessagesSent }},
		{"messages_received", func(s *Stats) any { return s.MessagesReceived }},
		{"bytes_sent", func(s *Stats) any { return s.BytesSent }},
		{"bytes_received", func(s *Stats) any { return s.BytesReceived }},
		{"messages_sent_per_second", func(s *Stats) any { return s.MessagesSentPerSecond }},
		{"messages_received_per_second", func(s *Stats) any { return s.MessagesReceivedPerSecond }},
		{"bytes_sent_per_second", func(s *Stats) any { return s.BytesSentPerSecond }},
		{"bytes_received_per_second", func(s *Stats) any { return s.BytesReceivedPerSecond }},

		{"queued_messages", func(s *Stats) any { return s.Queued }},
		{"queued_bytes", func(s *Stats) any { return s.QueuedBytes }},
		{"accepted", func(s *Stats) any { return s.Books.Accepted }},
		{"in_flight", func(s *Stats) any { return s.Books.InFlight }},
		{"written", func(s *Stats) any { return s.Books.Written }},
		{"acked", func(s *Stats) any { return s.Books.Acked }},
		{"unknown", func(s *Stats) any { return s.Books.Unknown }},
	},
	droppedColumns(),
	[]column{
		{"unrouted", func(s *Stats) any { return s.Unrouted }},
		{"faulted", func(s *Stats) any { return s.Faulted }},
		{"discarded", func(s *Stats) any { return s.Discarded }},
		{"stale", func(s *Stats) any { return s.Stale }},
		{"restarts", func(s *Stats) any { return s.Restarts }},
		{"close_codes", func(s *Stats) any { return counts(s.CloseCodes) }},
		{"http_statuses", func(s *Stats) any { return counts(s.HTTPStatuses) }},
	},
)

func latencyColumns(name string, of func(*Stats) *Latency) []column {
	return []column{
		{name + "_count", func(s *Stats) any { return of(s).Count }},
		{name + "_last_ms", func(s *Stats) any { return of(s).Last }},
		{name + "_mean_ms", func(s *Stats) any { return of(s).Mean }},
		{name + "_p50_ms", func(s *Stats) any { return of(s).P50 }},
		{name + "_p90_ms", func(s *Stats) any { return of(s).P90 }},
		{name + "_p99_ms", func(s *Stats) any { return of(s).P99 }},
		{name + "_max_ms", func(s *Stats) any { return of(s).Max }},
	}
}

func droppedColumns() (c []column) {
	for r, name := range reasonNames {
		c = append(c, column{"dropped_" + name, func(s *Stats) any { return s.Books.Dropped[r] }})
	}
	return c
}

// count is one entry of a tally.
type count struct {
	of int
	n  uint64
}

// counts returns a tally in order.
func counts[K ~int | ~uint16](t map[K]uint64) (c []count) {
	for k, n := range t {
		c = append(c, count{int(k), n})
	}
	slices.SortFunc(c, func(a, b count) int { return a.of - b.of })
	return c
}

// cell returns a value as it stands in CSV.
func cell(v any) string {
	switch v := v.(type) {
	case time.Duration:
		return strconv.FormatFloat(millis(v), 'f', -1, 64)
	case float64:
		return strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64)
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339Nano)
	case []count:
		var all []string
		for _, c := range v {
			all = append(all, fmt.Sprintf("%d:%d", c.of, c.n))
		}
		return strings.Join(all, " ")
	default:
		return fmt.Sprint(v)
	}
}

// millis returns a duration in milliseconds.
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// MarshalJSON implements json.Marshaler: one flat object, always with all names and
// in the same order. A time that is not known is null; close_codes and
// http_statuses are objects from number to count.
func (s Stats) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, c := range columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, c.name)
		b = append(b, ':')
		b = appendJSON(b, c.value(&s))
	}
	return append(b, '}'), nil
}

func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		quoted, _ := json.Marshal(v) // a string always can be
		return append(b, quoted...)
	case time.Time:
		if v.IsZero() {
			return append(b, "null"...)
		}
		return strconv.AppendQuote(b, cell(v))
	case []count:
		b = append(b, '{')
		for i, c := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, `"%d":%d`, c.of, c.n)
		}
		return append(b, '}')
	default:
		return append(b, cell(v)...) // numbers and truth values
	}
}

// CSV returns the statistics as two lines of comma-separated values (RFC 4180, but
// with bare line feeds): the names, and the values. Durations are in milliseconds;
// a time that is not known is empty; a tally is "number:count" joined by spaces.
func (s Stats) CSV() string {
	var b bytes.Buffer
	_ = s.WriteCSV(&b) // a buffer takes everything
	return b.String()
}

// WriteCSV writes what [Stats.CSV] returns. The error is w's.
func (s Stats) WriteCSV(w io.Writer) error {
	var names, values []string
	for _, c := range columns {
		names = append(names, c.name)
		values = append(values, cell(c.value(&s)))
	}
	out := csv.NewWriter(w)
	if err := out.WriteAll([][]string{names, values}); err != nil {
		return fmt.Errorf("actors: write statistics: %w", err)
	}
	return nil
}
