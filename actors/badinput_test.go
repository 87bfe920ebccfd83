package actors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

func TestBadOptionsAreRefusedWithWordsThatTeach(t *testing.T) {
	handler := func() Handler { return HandlerFunc(func(*Context, transport.Message) {}) }
	system := quietSystem()
	for _, c := range []struct {
		name, url string
		options   ClientOptions
		says      string
	}{
		{"no URL", "", ClientOptions{}, "url"},
		{"no scheme", "example.com/feed", ClientOptions{}, "ws"},
		{"http", "http://example.com/", ClientOptions{}, "ws://"},
		{"unknown scheme", "ftp://example.com/", ClientOptions{}, "ws"},
		{"no host", "ws:///feed", ClientOptions{}, "host"},
		{"fragment", "ws://example.com/#part", ClientOptions{}, "fragment"},
		{"user info", "ws://user:secret@example.com/", ClientOptions{}, "user"},
		{"garbage", "ws://exa mple.com/%zz", ClientOptions{}, "url"},
		{"module without a name", "ws://h/", ClientOptions{Modules: []Module{{New: handler}}}, "name"},
		{"module without a handler", "ws://h/", ClientOptions{Modules: []Module{{Name: "m"}}}, "New"},
		{"module twice", "ws://h/", ClientOptions{Modules: []Module{{Name: "m", New: handler}, {Name: "m", New: handler}}}, "twice"},
		{"path without a slash", "ws://h/", ClientOptions{Modules: []Module{{Name: "m", New: handler, Path: "x"}}}, "slash"},
		{"middleware without a name", "ws://h/", ClientOptions{Middleware: []Middleware{{}}}, "name"},
	} {
		client, err := Dial(t.Context(), system, c.url, c.options)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			_ = client.Close(t.Context())
			continue
		}
		if !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.says)) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v does not say %q", c.name, err, c.says)
		}
	}
	nothingLeft(t, system)
}

func TestAnswersThatAreNoWebSocketEndWithATypedError(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer transporttest.Answer
		status int
	}{
		{"404", transporttest.Status(404), 404},
		{"an HTML page", transporttest.HTML(), 200},
		{"redirect", transporttest.Status(302, "Location: ws://elsewhere/"), 302},
		{"no HTTP at all", transporttest.Garbage(), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				fake := transporttest.NewFakeHTTP(w.listener, c.answer)
				client := w.dial(ClientOptions{Backoff: supervisor.Backoff{MaxAttempts: 2}})
				err := client.WaitStopped(context.Background())
				var refused *transport.HandshakeError
				if !errors.As(err, &refused) || refused.Status != c.status {
					t.Errorf("stopped with %v, want status %d", err, c.status)
				}
				fake.Close()
				w.end()
			})
		})
	}
}

func TestAMessageThatIsTooBigForThePeerEndsWith1009(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Limits: transport.Limits{MaxMessage: 100}})
		c := w.dial(ClientOptions{})
		w.send(strings.Repeat("x", 101))
		err := c.WaitStopped(context.Background())
		var closed *transport.CloseError
		if !errors.As(err, &closed) || closed.Code != transport.MessageTooBig {
			t.Errorf("stopped with %v", err)
		}
		w.end()
	})
}

func TestAServerThatSendsTooMuchIsToldAndLeft(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{{Name: "flood", New: func() Handler {
			return HandlerFunc(func(ctx *Context, _ transport.Message) {
				_, _ = ctx.Reply(transport.Binary, make([]byte, 2000))
			})
		}}}})
		c := w.dial(ClientOptions{Limits: transport.Limits{MaxMessage: 1000}, Restart: supervisor.Temporary})
		w.send("go")
		err := c.WaitStopped(context.Background())
		var broken *transport.ProtocolError
		if !errors.As(err, &broken) || broken.Code != transport.MessageTooBig {
			t.Errorf("stopped with %v", err)
		}
		w.end()
	})
}

// logs collects what every logger writes.
type logs struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func TestSecretsAppearInNoLogAndNoError(t *testing.T) {
	const secret = "s3cr3t"
	synctest.Test(t, func(t *testing.T) {
		out := &logs{}
		debug := &slog.HandlerOptions{Level: slog.LevelDebug}
		system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.NewJSONHandler(out, debug))
		}))
		note := func(what string, v any) {
			fmt.Fprintf(out, "%s: %v %+v %s\n", what, v, v, v)
		}
		sub := system.EventStream.Subscribe(func(e any) { note("event stream", e) })
		defer system.EventStream.Unsubscribe(sub)

		w := newWorld(t, system)
		answers := []transporttest.Answer{
			transporttest.Unavailable("1"), transporttest.TooManyRequests(""), transporttest.Garbage(), transporttest.HTML(),
			transporttest.Raw("HTTP/1.1 503 " + strings.Repeat("x", 20) + "\r\nSet-Cookie: " + secret + "\r\n\r\n" + secret),
			transporttest.Status(404),
		}
		w.listener.Refuse(true)
		fake := transporttest.NewFakeHTTP(w.listener, answers...)
		c, err := NewClient(system, "ws://hawser.test/feed?token="+secret, ClientOptions{
			NetDial:  w.listener.Dial,
			Header:   http.Header{"Authorization": {"Bearer " + secret}, "Cookie": {"session=" + secret}},
			Classify: func(err error) supervisor.Verdict { note("classified", err); return supervisor.Verdict{} },
			Backoff:  supervisor.Backoff{MaxAttempts: 12},
			Request: func(_ context.Context, a Attempt) (Target, error) {
				note("cause", a.Cause)
				return Target{Header: http.Header{"X-Api-Key": {secret}}}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		system.Root.Send(c.pid, &Do{Command: Connect})
		time.Sleep(5 * time.Second)
		w.listener.Refuse(false)
		note("stopped", c.WaitStopped(context.Background()))
		note("error", c.Err())
		_, err = NewClient(system, "http://user:"+secret+"@hawser.test/?"+secret, ClientOptions{})
		note("bad URL", err)
		fake.Close()
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for line := range strings.SplitSeq(out.String(), "\n") {
			if strings.Contains(line, secret) {
				t.Errorf("secret in: %.300s", line)
			}
		}
		if n := strings.Count(out.String(), "classified"); n < 8 {
			t.Errorf("only %d failures were seen; the test proves too little", n)
		}
	})
}
