package middlewaretest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// Setting says what a World is made of. The zero value has no middleware.
type Setting struct {
	// Client and Server are the middleware of the client and of the server.
	Client, Server []actors.Middleware
	// URL is what the client dials. Default "ws://middleware.test/".
	URL string
	// Metadata is the server's.
	Metadata func(*transport.Request) any
	// Mute makes the server record what it gets, and not echo it.
	Mute bool
	// Errors says that panics are meant; else one fails the test.
	Errors bool
	// Dark makes the listener refuse from the beginning; the client's first attempt
	// has failed when the test begins.
	Dark bool
}

// World is a server that echoes and a client, joined in memory, in a bubble.
type World struct {
	T        *testing.T
	System   *actor.ActorSystem
	Listener *transporttest.Listener
	Server   *actors.Server
	Client   *actors.Client

	mu       sync.Mutex
	arrived  []transport.Message
	came     []transport.Message
	outcomes []actors.Outcome
}

// In runs f in a World, and checks that all of it ends.
func In(t *testing.T, s Setting, f func(w *World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &World{T: t, Listener: transporttest.NewListener()}
		var options []actorstest.Option
		if s.Errors {
			options = append(options, actorstest.AllowErrors())
		}
		w.System = actorstest.System(t, options...)
		served := w.serve(s)
		w.Listener.Refuse(s.Dark)
		w.Client = w.Dial(s)
		if synctest.Wait(); !s.Dark {
			w.Ready()
		}
		f(w)
		if err := errors.Join(w.Client.Close(context.Background()), w.Server.Close(context.Background())); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, actors.ErrServerClosed) {
			t.Errorf("serve returned %v", err)
		}
	})
}

func (w *World) serve(s Setting) <-chan error {
	w.T.Helper()
	server, err := actors.NewServer(w.System, actors.ServerOptions{
		Middleware: s.Server,
		Metadata:   s.Metadata,
		Modules: []actors.Module{{Name: "echo", Instances: 4, New: func() actors.Handler {
			return actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) {
				w.note(&w.arrived, m)
				if !s.Mute {
					_, _ = ctx.Echo(m)
				}
			})
		}}},
	})
	if err != nil {
		w.T.Fatal(err)
	}
	w.Server = server
	served := make(chan error, 1)
	go func() { served <- server.Serve(w.Listener) }()
	return served
}

// Dial makes one more client, which the caller closes.
func (w *World) Dial(s Setting) *actors.Client {
	w.T.Helper()
	if s.URL == "" {
		s.URL = "ws://middleware.test/"
	}
	c, err := actors.Dial(context.Background(), w.System, s.URL, actors.ClientOptions{
		NetDial:    w.Listener.Dial,
		Middleware: s.Client,
		OnOutcome: func(done []actors.Outcome) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.outcomes = append(w.outcomes, done...)
		},
		Modules: []actors.Module{{Name: "record", New: func() actors.Handler {
			return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) { w.note(&w.came, m) })
		}}},
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return c
}

func (w *World) note(to *[]transport.Message, m transport.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m.Payload = append([]byte{}, m.Payload...)
	*to = append(*to, m)
}

// Ready waits until the client is.
func (w *World) Ready() {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := w.Client.WaitReady(ctx); err != nil {
		w.T.Fatal(err)
	}
	synctest.Wait()
}

// Send sends texts, and waits until they have had their effect.
func (w *World) Send(texts ...string) {
	w.T.Helper()
	for _, text := range texts {
		if _, err := w.Client.SendText(text); err != nil {
			w.T.Fatalf("send %.20q: %v", text, err)
		}
	}
	synctest.Wait()
}

// Cut resets the client's newest link, and waits until the client is back.
func (w *World) Cut() {
	w.T.Helper()
	links := w.Listener.Links()
	links[len(links)-1].Reset()
	synctest.Wait()
	w.Ready()
}

// Arrived are the texts that the server's module got, Came those of the client's.
func (w *World) Arrived() []string { return w.texts(&w.arrived) }

// Came are the texts that the client's module got.
func (w *World) Came() []string { return w.texts(&w.came) }

func (w *World) texts(of *[]transport.Message) (texts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range *of {
		texts = append(texts, string(m.Payload))
	}
	return texts
}

// Forget forgets what has arrived and come, and the outcomes.
func (w *World) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived, w.came, w.outcomes = nil, nil, nil
}

// Outcomes are those of the client's messages.
func (w *World) Outcomes() []actors.Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.outcomes)
}
