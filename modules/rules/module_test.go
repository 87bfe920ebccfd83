package rules

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// TestAModuleGetsWhatItsRuleWants runs a client with a module for each rule, and
// a server that sends everything back.
func TestAModuleGetsWhatItsRuleWants(t *testing.T) {
	want := map[string]string{
		// The run that the reconnect cuts is forgotten.
		`prefix("451-") -> binary`:   "451-a one 451-b",
		`binary & skip(1)`:           "three",
		`every(4)`:                   "451-b two",
		`path("/feed") & !text`:      "one two three",
		`path("/other")`:             "",
		`subprotocol("v1", "v2")`:    "451-a one x 451-b two three y two",
		`!subprotocol("v1")`:         "",
		`json("$") = 7 | exact("y")`: "y",
		`then(exact("y"), any)`:      "two",
	}
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		got := map[string]string{}
		var modules []actors.Module
		for text := range want {
			note := actors.HandlerFunc(func(_ *actors.Context, m transport.Message) {
				mu.Lock()
				defer mu.Unlock()
				got[text] = strings.TrimSpace(got[text] + " " + string(m.Payload))
			})
			modules = append(modules, actors.Module{
				Name: "m" + strings.Repeat("m", len(modules)), Rule: parse(t, text), New: func() actors.Handler { return note },
			})
		}
		listener := transporttest.NewListener()
		system := actorstest.System(t)
		server, err := actors.NewServer(system, actors.ServerOptions{
			Modules:      []actors.Module{echo.New("", 1)},
			Subprotocols: []string{"v1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		client, err := actors.Dial(context.Background(), system, "ws://rules.test/feed?x=1", actors.ClientOptions{
			NetDial: listener.Dial, Modules: modules, Subprotocols: []string{"v1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		say := func(words string) {
			t.Helper()
			if err := client.WaitReady(context.Background()); err != nil {
				t.Fatal(err)
			}
			for _, m := range texts(words) {
				if _, err := client.Send(m.Kind, m.Payload); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		}
		say("451-a #one x 451-b")
		if err := client.Reconnect(context.Background()); err != nil {
			t.Fatal(err)
		}
		say("#two #three y two")
		if err := errors.Join(client.Close(context.Background()), server.Close(context.Background())); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, actors.ErrServerClosed) {
			t.Errorf("serve returned %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for text, messages := range want {
			if got[text] != messages {
				t.Errorf("%s got %q, want %q", text, got[text], messages)
			}
		}
	})
}
