package actors

import (
	"fmt"
	"strings"
	"time"
)

// Summary returns the statistics as a text of several lines for people to read,
// with the verdict of [Stats.Health]. Its form may change; programs read the JSON
// or the CSV.
func (s Stats) Summary() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-13s%s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "client %q: %s, health %s\n", s.Name, s.State, s.verdict(" (%d of 100)"))
	line("uptime", "%s", s.uptimes())
	line("attempts", "%d: %d successful, %d failed, %d aborted%s", s.Attempts, s.Successful, s.Failed, s.Aborted, s.rate())
	line("connections", "epoch %d, %s (%s), %s", s.Epoch, plural(s.Disconnections, "disconnection"), plural(s.Losses, "loss"),
		plural(s.Reconnections, "reconnection"))
	if !s.NextAttempt.IsZero() {
		line("next attempt", "%d, in %s of %s", s.Attempt, brief(max(s.NextAttempt.Sub(s.At), 0)), brief(s.RetryDelay))
	}
	line("connect time", "%s", s.ConnectLatency)
	line("ping", "%s", s.PingRTT)
	line("sent", "%s, %s (%.1f/s, %s/s)", plural(s.MessagesSent, "message"), byteSize(float64(s.BytesSent)),
		s.MessagesSentPerSecond, byteSize(s.BytesSentPerSecond))
	line("received", "%s, %s (%.1f/s, %s/s)", plural(s.MessagesReceived, "message"), byteSize(float64(s.BytesReceived)),
		s.MessagesReceivedPerSecond, byteSize(s.BytesReceivedPerSecond))
	line("books", "%s", s.Books)
	line("queue", "%s, %s", plural(uint64(s.Queued), "message"), byteSize(float64(s.QueuedBytes)))
	line("inbound", "%d unrouted, %d faulted, %d discarded", s.Unrouted, s.Faulted, s.Discarded)
	line("actors", "%s of modules and middleware, %s", plural(s.Restarts, "restart"), plural(s.Stale, "stale event"))
	if len(s.CloseCodes) > 0 {
		line("close codes", "%s", cell(counts(s.CloseCodes)))
	}
	if len(s.HTTPStatuses) > 0 {
		line("refused with", "%s", cell(counts(s.HTTPStatuses)))
	}
	return b.String()
}

// Compact returns the essence of the statistics in one line. Its form may change.
func (s Stats) Compact() string {
	state := s.State.String()
	if s.Ready {
		state += " " + brief(s.CurrentUptime)
	}
	return fmt.Sprintf("%s: %s, %s, up %.1f%%, attempts %d/%d, losses %d, sent %d (%s), received %d (%s), rtt %s, queued %d, dropped %d, unknown %d",
		s.Name, state, s.verdict(" (%d)"), 100*s.Availability(), s.Successful, s.Attempts, s.Losses,
		s.MessagesSent, byteSize(float64(s.BytesSent)), s.MessagesReceived, byteSize(float64(s.BytesReceived)),
		brief(s.PingRTT.Last), s.Queued, s.Books.DroppedAll(), s.Books.Unknown)
}

// verdict is the health with its score, if there is something to judge.
func (s Stats) verdict(score string) string {
	h := s.Health()
	if h == HealthUnknown {
		return h.String()
	}
	return h.String() + fmt.Sprintf(score, s.Score())
}

func (s Stats) uptimes() string {
	t := fmt.Sprintf("%s of %s (%.1f %%)", brief(s.Uptime), brief(s.Age), 100*s.Availability())
	if s.Ready {
		t += ", ready for " + brief(s.CurrentUptime)
	}
	if s.Disconnections > 0 {
		t += ", last disconnection " + brief(s.SinceDisconnection) + " ago"
	}
	return t
}

func (s Stats) rate() string {
	rate, tried := s.SuccessRate()
	if !tried {
		return ""
	}
	return fmt.Sprintf(" (%.0f %% successful)", 100*rate)
}

// String returns the latency in one line.
func (l Latency) String() string {
	if l.Count == 0 {
		return "not measured"
	}
	return fmt.Sprintf("last %s, mean %s, p50 %s, p90 %s, p99 %s, max %s of %d",
		brief(l.Last), brief(l.Mean), brief(l.P50), brief(l.P90), brief(l.P99), brief(l.Max), l.Count)
}

// plural returns a number of things.
func plural(n uint64, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "s"):
		thing += "es"
	default:
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// brief returns a duration with about three digits.
func brief(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(10 * time.Nanosecond).String()
}

// byteSize returns a number of bytes.
func byteSize(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if n < 1024 {
			return fmt.Sprintf("%.4g %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.4g TiB", n)
}
