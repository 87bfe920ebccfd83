package actorstest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

// kept is how many lines of each sort a report keeps.
const kept = 50

// report collects what is told to the test when it ends. It cannot be told
// before: an actor may still log when the test is over, and testing panics then.
type report struct {
	allowErrors bool

	mu     sync.Mutex
	errors lines
	others lines // failures and dead letters
}

// lines are the first lines of a sort, and how many more there were.
type lines struct {
	first []string
	more  int
}

func (l *lines) add(line string) {
	if len(l.first) == kept {
		l.more++
		return
	}
	l.first = append(l.first, line)
}

func (l *lines) each(f func(format string, args ...any)) {
	for _, line := range l.first {
		f("actorstest: %s", line)
	}
	if l.more > 0 {
		f("actorstest: … and %d more like these", l.more)
	}
}

func (r *report) logger(*actor.ActorSystem) *slog.Logger { return slog.New(handler{report: r}) }

func (r *report) deadLetter(event any) {
	if d, ok := event.(*actor.DeadLetterEvent); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.others.add(fmt.Sprintf("dead letter for %s: %T", d.PID.GetId(), d.Message))
	}
}

func (r *report) print(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.others.each(t.Logf)
	if r.allowErrors {
		r.errors.each(t.Logf)
	} else {
		r.errors.each(t.Errorf)
	}
}

// handler is the log handler of the actor system.
type handler struct {
	report *report
	attrs  []slog.Attr
}

// failed is what protoactor logs when an actor panics.
const failed = "[ACTOR] Recovering"

// Enabled implements slog.Handler.
func (handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (h handler) Handle(_ context.Context, record slog.Record) error {
	if record.Level < slog.LevelWarn && record.Message != failed {
		return nil
	}
	var line strings.Builder
	line.WriteString(record.Message)
	write := func(a slog.Attr) bool {
		fmt.Fprintf(&line, " %s=%v", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		write(a)
	}
	record.Attrs(write)
	h.report.mu.Lock()
	defer h.report.mu.Unlock()
	if record.Level >= slog.LevelError {
		h.report.errors.add(line.String())
	} else {
		h.report.others.add(line.String())
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return h
}

// WithGroup implements slog.Handler. Groups are not told apart.
func (h handler) WithGroup(string) slog.Handler { return h }
