package metrics

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// escape is for the values of labels, in the text format 0.0.4.
var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// sample is one line of a metric.
type sample struct {
	labels string
	value  uint64
}

// ServeHTTP answers with all metrics in Prometheus' text format 0.0.4, so that m is
// an http.Handler for /metrics.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = io.WriteString(w, m.text(m.Snapshot())) // whoever asked has gone: nobody to tell
}

func (m *Metrics) text(s Snapshot) string {
	var b strings.Builder
	messages, bytes := s.lines()
	m.write(&b, "messages_total", "counter", "Data messages that came to the middleware.", messages...)
	m.write(&b, "message_bytes_total", "counter", "Payload bytes of the data messages.", bytes...)
	m.write(&b, "connection_attempts_total", "counter", "Attempts of clients to connect.", sample{value: s.Attempts})
	m.write(&b, "connection_failures_total", "counter", "Attempts that came to no connection.", sample{value: s.Failures})
	m.write(&b, "connects_total", "counter", "Connections that came up.", sample{value: s.Connects})
	m.write(&b, "disconnects_total", "counter", "Connections that ended.", sample{value: s.Disconnects})
	m.write(&b, "connections", "gauge", "Connections that are up.", sample{value: s.Active})
	return b.String()
}

// lines are the samples by direction and kind.
func (s Snapshot) lines() (messages, bytes []sample) {
	for _, d := range []struct {
		name string
		Kinds
	}{{"inbound", s.Inbound}, {"outbound", s.Outbound}} {
		for _, k := range []struct {
			name string
			Count
		}{{"text", d.Text}, {"binary", d.Binary}} {
			labels := fmt.Sprintf(`direction="%s",kind="%s",`, d.name, k.name)
			messages = append(messages, sample{labels, k.Messages})
			bytes = append(bytes, sample{labels, k.Bytes})
		}
	}
	return messages, bytes
}

func (m *Metrics) write(b *strings.Builder, name, kind, help string, samples ...sample) {
	name = m.prefix + "_" + name
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	for _, s := range samples {
		labels := strings.TrimSuffix(m.labels+s.labels, ",")
		if labels != "" {
			labels = "{" + labels + "}"
		}
		fmt.Fprintf(b, "%s%s %d\n", name, labels, s.value)
	}
}
