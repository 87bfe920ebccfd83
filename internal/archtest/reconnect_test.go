package archtest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The test that docs/reconnect.md shows: an outage, in virtual time.
func TestTheReconnectOfTheDocsWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system, listener := actorstest.System(t), transporttest.NewListener()
		server, err := actors.NewServer(system, actors.ServerOptions{Modules: []actors.Module{echo.New("", 1)}})
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		client, err := actors.Dial(t.Context(), system, "ws://docs.test/", actors.ClientOptions{NetDial: listener.Dial})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)       // virtual: the client is up, and idle
		listener.Links()[0].Reset() // the link is cut
		time.Sleep(time.Second)     // it has come back, within half a second
		if client.State() != actors.Ready || listener.Dials() != 2 {
			t.Errorf("%v after %d dials", client.State(), listener.Dials())
		}
		for _, end := range []func(context.Context) error{client.Close, server.Close} {
			if err := end(t.Context()); err != nil {
				t.Error(err)
			}
		}
		<-served
	})
}
