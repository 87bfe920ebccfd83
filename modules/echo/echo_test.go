package echo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// world is a server with the module, in a bubble of virtual time.
type world struct {
	t        *testing.T
	system   *actor.ActorSystem
	listener *transporttest.Listener
}

func inWorld(t *testing.T, m actors.Module, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, system: actorstest.System(t), listener: transporttest.NewListener()}
		server, err := actors.NewServer(w.system, actors.ServerOptions{Modules: []actors.Module{m}})
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(w.listener) }()
		f(w)
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, actors.ErrServerClosed) {
			t.Errorf("serve returned %v", err)
		}
	})
}

// client is a client that records what comes back.
type client struct {
	*actors.Client
	came *[]transport.Message
}

func (w *world) dial(path string) client {
	w.t.Helper()
	came := new([]transport.Message)
	record := actors.HandlerFunc(func(_ *actors.Context, m transport.Message) {
		*came = append(*came, transport.Message{Kind: m.Kind, Payload: bytes.Clone(m.Payload)})
	})
	c, err := actors.Dial(context.Background(), w.system, "ws://echo.test"+path, actors.ClientOptions{
		NetDial: w.listener.Dial,
		Modules: []actors.Module{{Name: "record", New: func() actors.Handler { return record }}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
	return client{c, came}
}

func (w *world) send(c client, messages ...transport.Message) {
	w.t.Helper()
	for _, m := range messages {
		if _, err := c.Send(m.Kind, m.Payload); err != nil {
			w.t.Fatal(err)
		}
	}
}

// numbered are n texts that name their sender.
func numbered(sender string, n int) (all []transport.Message) {
	for i := range n {
		all = append(all, transport.Message{Kind: transport.Text, Payload: fmt.Appendf(nil, "%s %d", sender, i)})
	}
	return all
}

func same(a, b []transport.Message) bool {
	return slices.EqualFunc(a, b, func(a, b transport.Message) bool {
		return a.Kind == b.Kind && bytes.Equal(a.Payload, b.Payload)
	})
}

func TestEchoSendsEveryMessageBackAsItCame(t *testing.T) {
	inWorld(t, New("", 1), func(w *world) {
		sent := []transport.Message{
			{Kind: transport.Text, Payload: []byte("hello")},
			{Kind: transport.Binary, Payload: []byte{0, 0xff, 0xfe}},
			{Kind: transport.Text, Payload: []byte("grüße, 世界")},
			{Kind: transport.Text},
			{Kind: transport.Binary},
			{Kind: transport.Binary, Payload: bytes.Repeat([]byte("x"), transport.DefaultServerMaxMessage)},
		}
		sent = append(sent, numbered("m", 1000)...)
		c := w.dial("/anywhere")
		w.send(c, sent...)
		synctest.Wait()
		if !same(*c.came, sent) {
			t.Errorf("%d messages came back of %d, or not as they were sent: %.200q", len(*c.came), len(sent), *c.came)
		}
	})
}

func TestEchoServesItsPathOnly(t *testing.T) {
	inWorld(t, New("/echo", 1), func(w *world) {
		c := w.dial("/echo")
		w.send(c, numbered("m", 1)...)
		synctest.Wait()
		if len(*c.came) != 1 {
			t.Errorf("%d messages came back on the module's path, want 1", len(*c.came))
		}
		err := w.dial("/other").WaitReady(context.Background())
		var refused *transport.HandshakeError
		if !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
			t.Errorf("on another path: %v, want 404", err)
		}
	})
}

func TestEveryInstanceEchoesAndEachConnectionKeepsItsOrder(t *testing.T) {
	for instances, want := range map[int]int{-1: 1, 0: 1, 1: 1, 3: 3} {
		t.Run(fmt.Sprint(instances, " instances"), func(t *testing.T) {
			inWorld(t, New("/echo", instances), func(w *world) {
				var clients []client
				for range 7 {
					clients = append(clients, w.dial("/echo"))
				}
				for i, c := range clients {
					w.send(c, numbered(fmt.Sprint("client ", i), 100)...)
				}
				synctest.Wait()
				for i, c := range clients {
					if !same(*c.came, numbered(fmt.Sprint("client ", i), 100)) {
						t.Errorf("client %d: %d messages came back of 100, or in another order", i, len(*c.came))
					}
				}
				if got := w.instances(); got != want {
					t.Errorf("%d actors echo, want %d", got, want)
				}
			})
		})
	}
}

// instances counts the module's actors.
func (w *world) instances() (n int) {
	for _, name := range actorstest.Left(w.system) {
		if strings.Contains(name, "/module-echo") {
			n++
		}
	}
	return n
}
