package modules_test

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// lines is a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) with(text string) (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, text) {
			all = append(all, line)
		}
	}
	return all
}

// inLoggedWorld is inWorld with an actor system that logs to log.
func inLoggedWorld(t *testing.T, log io.Writer, o actors.ClientOptions, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, listener: transporttest.NewListener(), served: make(chan error, 1)}
		w.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.NewTextHandler(log, nil))
		}), actor.WithDeadLetterThrottleInterval(time.Nanosecond))
		w.serve(nil)
		w.dial(o)
		f(w)
		w.close()
		w.system.Shutdown()
		pass(time.Millisecond) // the throttle of the dead letters has a goroutine
	})
}
