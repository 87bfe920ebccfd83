package actorstest

import (
	"fmt"
	"strings"
	"time"

	"github.com/hawser-go/hawser/transport"
)

const (
	// keptLines is how many lines a transcript holds: the last ones.
	keptLines = 40
	// keptBytes is how much of a payload it shows.
	keptBytes = 80
)

// transcript is what happened, in lines with the time since began.
type transcript struct {
	began time.Time
	lines []string
	lost  int // lines that have been dropped from the front
}

func (r *transcript) add(format string, args ...any) {
	if len(r.lines) == keptLines {
		r.lines = append(r.lines[:0], r.lines[1:]...)
		r.lost++
	}
	at := time.Since(r.began).Seconds()
	r.lines = append(r.lines, fmt.Sprintf("%10.3fs  ", at)+fmt.Sprintf(format, args...))
}

// String returns the lines, each on a line of its own that begins with a tab.
func (r *transcript) String() string {
	var b strings.Builder
	if r.lost > 0 {
		fmt.Fprintf(&b, "\n\t… %d lines before", r.lost)
	}
	for _, line := range r.lines {
		b.WriteString("\n\t" + line)
	}
	return b.String()
}

// show describes a message, its payload shortened.
func show(kind transport.Kind, payload []byte) string {
	return fmt.Sprintf("%s of %d bytes %s", kind, len(payload), excerpt(kind == transport.Text, payload))
}

func excerpt(text bool, payload []byte) string {
	more := ""
	if len(payload) > keptBytes {
		payload, more = payload[:keptBytes], "…"
	}
	if text {
		return fmt.Sprintf("%q%s", payload, more)
	}
	return fmt.Sprintf("[% x%s]", payload, more)
}

// showClose describes a close frame.
func showClose(code transport.CloseCode, reason string) string {
	return fmt.Sprintf("close %d (%s) %q", uint16(code), code, reason)
}
