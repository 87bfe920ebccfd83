package logging

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// secret must not stand in any log, in whatever form.
const secret = "correct horse battery staple"

// world is a client with the middleware, and a server that echoes, in a bubble of
// virtual time.
type world struct {
	t        *testing.T
	client   *actors.Client
	listener *transporttest.Listener
	came     []string
}

func inWorld(t *testing.T, logger *slog.Logger, level slog.Level, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		system := actorstest.System(t)
		w := &world{t: t, listener: transporttest.NewListener()}
		server, err := actors.NewServer(system, actors.ServerOptions{Modules: []actors.Module{echo.New("", 1)}})
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(w.listener) }()
		record := actors.HandlerFunc(func(_ *actors.Context, m transport.Message) { w.came = append(w.came, string(m.Payload)) })
		w.client, err = actors.Dial(context.Background(), system, "ws://logging.test/?token="+strings.ReplaceAll(secret, " ", "+"), actors.ClientOptions{
			NetDial:    w.listener.Dial,
			Modules:    []actors.Module{{Name: "record", New: func() actors.Handler { return record }}},
			Middleware: []actors.Middleware{New(logger, level)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.client.WaitReady(context.Background()); err != nil {
			t.Fatal(err)
		}
		f(w)
		err = errors.Join(w.client.Close(context.Background()), server.Close(context.Background()))
		if err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, actors.ErrServerClosed) {
			t.Errorf("serve returned %v", err)
		}
	})
}

func (w *world) send(kind transport.Kind, payload string) {
	w.t.Helper()
	if _, err := w.client.Send(kind, []byte(payload)); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

// buffer is where a test's log goes.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// logger logs everything to b but the time.
func (b *buffer) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestLoggingTellsDirectionKindAndSizeOfEveryMessage(t *testing.T) {
	var b buffer
	inWorld(t, b.logger(slog.LevelInfo), slog.LevelInfo, func(w *world) {
		w.send(transport.Text, "four")
		w.send(transport.Binary, "")
		const want = `level=INFO msg=sent connection=1 epoch=1 kind=text bytes=4
level=INFO msg=received connection=1 epoch=1 kind=text bytes=4
level=INFO msg=sent connection=1 epoch=1 kind=binary bytes=0
level=INFO msg=received connection=1 epoch=1 kind=binary bytes=0
`
		if got := b.String(); got != want {
			t.Errorf("logged:\n%swant:\n%s", got, want)
		}
	})
}

func TestLoggingNamesTheIncarnation(t *testing.T) {
	var b buffer
	inWorld(t, b.logger(slog.LevelInfo), slog.LevelInfo, func(w *world) {
		if err := w.client.Reconnect(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := w.client.WaitReady(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.send(transport.Text, "again")
		if got := b.String(); strings.Count(got, "epoch=2") != 2 {
			t.Errorf("logged:\n%swant two lines of epoch 2", got)
		}
	})
}

func TestLoggingNeverLogsContents(t *testing.T) {
	var b buffer
	inWorld(t, b.logger(slog.LevelDebug-8), slog.LevelDebug, func(w *world) {
		w.send(transport.Text, secret)
		w.send(transport.Binary, secret)
		got := b.String()
		if n := strings.Count(got, "\n"); n != 4 {
			t.Fatalf("%d lines, want 4:\n%s", n, got)
		}
		for _, form := range []string{
			secret, "horse", "staple", base64.StdEncoding.EncodeToString([]byte(secret)),
			hex.EncodeToString([]byte(secret)), fmt.Sprint([]byte(secret)),
		} {
			if strings.Contains(strings.ToLower(got), strings.ToLower(form)) {
				t.Errorf("the log holds %q:\n%s", form, got)
			}
		}
	})
}

func TestLoggingIsSilentBelowTheLoggersLevel(t *testing.T) {
	var b buffer
	inWorld(t, b.logger(slog.LevelInfo), slog.LevelDebug, func(w *world) {
		w.send(transport.Text, "hello")
		if got := b.String(); got != "" {
			t.Errorf("logged:\n%s", got)
		}
		if !slices.Equal(w.came, []string{"hello"}) {
			t.Errorf("%q came back", w.came)
		}
	})
}

// broken is a log handler that panics at the records that it is told to.
type broken struct {
	slog.Handler
	at map[string]bool // "sent 3" is the record of a message of 3 bytes that is sent
}

func (h *broken) Handle(ctx context.Context, r slog.Record) error {
	bytes := ""
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "bytes" {
			bytes = a.Value.String()
		}
		return true
	})
	if h.at[r.Message+" "+bytes] {
		panic("the log is broken")
	}
	return h.Handler.Handle(ctx, r)
}

func TestLoggingFailsOpen(t *testing.T) {
	for _, at := range []string{"sent 3", "received 3"} {
		t.Run(at, func(t *testing.T) {
			var b buffer
			h := &broken{Handler: b.logger(slog.LevelInfo).Handler(), at: map[string]bool{at: true}}
			inWorld(t, slog.New(h), slog.LevelInfo, func(w *world) {
				w.send(transport.Text, "1")
				w.send(transport.Text, "two")
				w.send(transport.Text, "four")
				time.Sleep(time.Minute) // the middleware is restarted
				synctest.Wait()
				if !slices.Equal(w.came, []string{"1", "two", "four"}) {
					t.Errorf("%q came back, want every message once and in order", w.came)
				}
				if books := w.client.Books(); books.Written != 3 {
					t.Errorf("%v, want 3 written", books)
				}
				if n := w.listener.Dials(); n != 1 {
					t.Errorf("the connection was touched: %d dials", n)
				}
				if n := strings.Count(b.String(), "\n"); n != 5 {
					t.Errorf("%d lines, want all 6 but the one at which it panicked:\n%s", n, b.String())
				}
			})
		})
	}
}
