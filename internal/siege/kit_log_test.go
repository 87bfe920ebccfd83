//go:build linux

package siege

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// logbook keeps the latest megabyte of what was logged.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func newLogbook() *logbook { return &logbook{} }

// logger logs into it from warnings on: who attacks must not fill our memory with
// the reports of it.
func (l *logbook) logger() *slog.Logger { return l.from(slog.LevelWarn) }

// from logs into it from a level on.
func (l *logbook) from(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: level}))
}

var _ io.Writer = (*logbook)(nil)

func (l *logbook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() > 1<<20 {
		l.text.Next(l.text.Len() / 2)
	}
	return l.text.Write(line)
}

// lines are those that hold part, in order.
func (l *logbook) lines(part string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, part) {
			found = append(found, strings.TrimSuffix(line, "\n"))
		}
	}
	return found
}
