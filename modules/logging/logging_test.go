package logging

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	mw "github.com/hawser-go/hawser/internal/middlewaretest"
	"github.com/hawser-go/hawser/transport"
)

// secret must not stand in any log, in whatever form.
const secret = "correct horse battery staple"

func inWorld(t *testing.T, o Options, f func(w *mw.World)) {
	t.Helper()
	mw.In(t, setting(o), f)
}

func setting(o Options) mw.Setting {
	return mw.Setting{
		URL:    "ws://logging.test/?token=" + strings.ReplaceAll(secret, " ", "+"),
		Client: []actors.Middleware{New(o)},
		Errors: true,
	}
}

func send(w *mw.World, kind transport.Kind, payload string) {
	w.T.Helper()
	if _, err := w.Client.Send(kind, []byte(payload)); err != nil {
		w.T.Fatal(err)
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
	inWorld(t, Options{Logger: b.logger(slog.LevelInfo)}, func(w *mw.World) {
		send(w, transport.Text, "four")
		send(w, transport.Binary, "")
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

func TestLoggingTellsHowConnectionsComeAndGo(t *testing.T) {
	var b buffer
	mw.In(t, mw.Setting{Client: []actors.Middleware{New(Options{Logger: b.logger(slog.LevelInfo), Connects: true})}, Dark: true}, func(w *mw.World) {
		w.Listener.Refuse(false)
		w.Ready()
		w.Send("x")
		w.Cut()
	})
	const want = `level=INFO msg=connecting attempt=1
level=INFO msg="not connected" attempt=1 cause=REFUSED
level=INFO msg=connecting attempt=2 cause=REFUSED
level=INFO msg=connected connection=2 epoch=2
level=INFO msg=sent connection=2 epoch=2 kind=text bytes=1
level=INFO msg=received connection=2 epoch=2 kind=text bytes=1
level=INFO msg=disconnected connection=2 epoch=2 cause=RESET
level=INFO msg=connecting attempt=2 cause=RESET
level=INFO msg=connected connection=3 epoch=3
level=INFO msg=disconnected connection=3 epoch=3
`
	got := causes(b.String())
	if got != want {
		t.Errorf("logged:\n%swant:\n%s", got, want)
	}
}

// causes puts a word in place of each cause.
func causes(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		before, cause, has := strings.Cut(line, " cause=")
		switch {
		case !has:
			lines = append(lines, line)
		case strings.Contains(cause, "refused"):
			lines = append(lines, before+" cause=REFUSED\n")
		case strings.Contains(cause, "reset"):
			lines = append(lines, before+" cause=RESET\n")
		default:
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func TestLoggingNamesTheIncarnation(t *testing.T) {
	var b buffer
	inWorld(t, Options{Logger: b.logger(slog.LevelInfo)}, func(w *mw.World) {
		if err := w.Client.Reconnect(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.Ready()
		w.Send("again")
		if got := b.String(); strings.Count(got, "epoch=2") != 2 {
			t.Errorf("logged:\n%swant two lines of epoch 2", got)
		}
	})
}

func TestLoggingNeverLogsContents(t *testing.T) {
	var b buffer
	o := Options{Logger: b.logger(slog.LevelDebug - 8), Level: slog.LevelDebug, Connects: true}
	s := setting(o)
	s.Dark = true // a failed attempt names the address
	mw.In(t, s, func(w *mw.World) {
		w.Listener.Refuse(false)
		w.Ready()
		send(w, transport.Text, secret)
		send(w, transport.Binary, secret)
		w.Cut()
	})
	got := b.String()
	if n := strings.Count(got, "kind="); n != 4 {
		t.Fatalf("%d lines of messages, want 4:\n%s", n, got)
	}
	for _, form := range []string{
		secret, "horse", "staple", base64.StdEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)), fmt.Sprint([]byte(secret)),
	} {
		if strings.Contains(strings.ToLower(got), strings.ToLower(form)) {
			t.Errorf("the log holds %q:\n%s", form, got)
		}
	}
}

func TestLoggingIsSilentBelowTheLoggersLevel(t *testing.T) {
	var b buffer
	inWorld(t, Options{Logger: b.logger(slog.LevelInfo), Level: slog.LevelDebug, Connects: true}, func(w *mw.World) {
		w.Send("hello")
		if got := b.String(); got != "" {
			t.Errorf("logged:\n%s", got)
		}
		if !slices.Equal(w.Came(), []string{"hello"}) {
			t.Errorf("%q came back", w.Came())
		}
	})
}

func TestLoggingLeavesOutWhatIsTooMuchAndSaysHowMany(t *testing.T) {
	var b buffer
	inWorld(t, Options{Logger: b.logger(slog.LevelInfo), Sample: Sample{First: 3, Every: 10}}, func(w *mw.World) {
		time.Sleep(time.Second - time.Duration(time.Now().Nanosecond())) // a second begins
		for range 25 {
			w.Send("x")
		}
		time.Sleep(time.Second)
		w.Send("next second")
		var sent []string
		for line := range strings.Lines(b.String()) {
			if strings.Contains(line, "msg=sent") {
				_, skipped, _ := strings.Cut(strings.TrimSpace(line), "skipped=")
				sent = append(sent, skipped)
			}
		}
		// 1, 2, 3, then 13 and 23, then the next second's first.
		if want := []string{"", "", "", "9", "9", "2"}; !slices.Equal(sent, want) {
			t.Errorf("skipped %q, want %q\n%s", sent, want, b.String())
		}
	})
}

func TestLoggingTellsAtTheEndWhatItLeftOut(t *testing.T) {
	var b buffer
	inWorld(t, Options{Logger: b.logger(slog.LevelInfo), Sample: Sample{First: 1, Every: -1}, Connects: true}, func(w *mw.World) {
		w.Send("1", "2", "3")
	})
	if !strings.Contains(b.String(), "msg=disconnected connection=1 epoch=1 skipped_received=2 skipped_sent=2") {
		t.Errorf("logged:\n%s", b.String())
	}
}

func TestSamplerHasABoundForEverySecond(t *testing.T) {
	begin := time.Unix(1000, 0)
	for _, c := range []struct {
		sample Sample
		each   int // messages a second, for 10 seconds
		lines  int
	}{
		{Sample{}, 50, 500},
		{Sample{}, 100, 1000},
		{Sample{}, 1100, 10 * (100 + 10)},
		{Sample{First: 5}, 205, 10 * (5 + 2)},
		{Sample{First: 5, Every: -1}, 205, 50},
		{Sample{First: 1, Every: 1}, 205, 2050},
		{Sample{First: -1}, 205, 2050},
	} {
		s := newSampler(c.sample)
		lines, told := 0, int64(0)
		for second := range 10 {
			for range c.each {
				if skipped, ok := s.take(begin.Add(time.Duration(second) * time.Second)); ok {
					lines++
					told += skipped
				}
			}
		}
		if lines != c.lines {
			t.Errorf("%+v, %d a second: %d lines, want %d", c.sample, c.each, lines, c.lines)
		}
		if all := int64(lines) + told + s.skipped.Load(); all != int64(10*c.each) {
			t.Errorf("%+v: %d messages accounted for, want %d", c.sample, all, 10*c.each)
		}
	}
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
			inWorld(t, Options{Logger: slog.New(h)}, func(w *mw.World) {
				w.Send("1")
				w.Send("two")
				w.Send("four")
				if !slices.Equal(w.Came(), []string{"1", "two", "four"}) {
					t.Errorf("%q came back, want every message once and in order", w.Came())
				}
				if books := w.Client.Books(); books.Written != 3 {
					t.Errorf("%v, want 3 written", books)
				}
				if n := w.Listener.Dials(); n != 1 {
					t.Errorf("the connection was touched: %d dials", n)
				}
				if n := strings.Count(b.String(), "\n"); n != 5 {
					t.Errorf("%d lines, want all 6 but the one at which it panicked:\n%s", n, b.String())
				}
			})
		})
	}
}

func TestLoggingConforms(t *testing.T) {
	var b buffer
	at := map[string]bool{"sent 4": true, "received 4": true} // of mw.Boom
	mw.Conforms(t, mw.Subject{
		New: func(*testing.T) actors.Middleware {
			return New(Options{Logger: b.logger(slog.LevelInfo), Connects: true})
		},
		Broken: func(*testing.T) actors.Middleware {
			return New(Options{Logger: slog.New(&broken{Handler: b.logger(slog.LevelInfo).Handler(), at: at}), Sample: Sample{First: -1}})
		},
		Left: func() int { return 0 },
	})
}
