package actorstest_test

// The tests that docs/testing.md shows. They are written as a user would.

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// startFeed starts the program under test: a feed that subscribes on every new
// connection.
func startFeed(t *testing.T, peer *actorstest.Peer, more ...actors.SetupStep) *actors.Client {
	t.Helper()
	subscribe := func(_ context.Context, s *actors.Setup) error {
		_, err := s.Send(transport.Text, []byte(`{"op":"subscribe","channel":"trades"}`))
		return err
	}
	feed, err := actors.Dial(t.Context(), actorstest.System(t), peer.URL()+"feed", actors.ClientOptions{
		NetDial: peer.Dial, // instead of the network
		Header:  http.Header{"Authorization": {"Bearer 42"}},
		Setup:   append([]actors.SetupStep{subscribe}, more...),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := feed.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return feed
}

func TestFeedSurvivesALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := actorstest.NewPeer(t)
		startFeed(t, peer)

		peer.Accept().Cut()
		peer.Accept().ExpectJSON(`{"op": "subscribe", "channel": "trades"}`) // it came back and subscribed again
	})
}

func TestFeedGivesUpWhenItsLoginIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := actorstest.NewPeer(t)
		peer.Answer(401)
		peer.Answer(401)
		feed := startFeed(t, peer)

		err := feed.WaitStopped(t.Context())
		var rejected *transport.HandshakeError
		if !errors.As(err, &rejected) || rejected.Status != 401 {
			t.Errorf("stopped with %v", err)
		}
		peer.ExpectNoDial(24 * time.Hour)
	})
}

func TestFeedSendsItsTokenOnEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := actorstest.NewPeer(t)
		peer.RequireHeader("Authorization", "Bearer 42")
		startFeed(t, peer)

		peer.Accept().Cut()
		if path := peer.Accept().Request().Path; path != "/feed" {
			t.Errorf("path %q", path)
		}
	})
}

func TestFeedWaitsAsLongAsTheServerAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := actorstest.NewPeer(t)
		peer.Answer(429, "Retry-After: 30")
		startFeed(t, peer)

		peer.Accept(time.Minute)
		if gap := peer.Dials()[1].Gap; gap < 30*time.Second || gap > 33*time.Second {
			t.Errorf("it came back after %s", gap)
		}
	})
}

func TestFeedFindsASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := actorstest.NewPeer(t)
		startFeed(t, peer)

		peer.Accept().HalfOpen()                                                     // the cable is out, and nobody is told
		peer.Accept(time.Minute).ExpectText(`{"op":"subscribe","channel":"trades"}`) // the heartbeat found out
	})
}

func TestFeedMakesNoStormOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := actorstest.NewPeer(t)
		startFeed(t, peer)
		peer.Accept()

		peer.Down()
		time.Sleep(time.Hour) // virtual
		if n := len(peer.Dials()); n > 1000 {
			t.Errorf("%d dials in an hour", n)
		}
		peer.Up()
		peer.Accept(30 * time.Second) // never more than the cap of the backoff later
	})
}

func TestFeedSurvivesAChaos(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := actorstest.NewPeer(t)
		feed := startFeed(t, peer)
		seed := uint64(0) // a new one each time; a failure tells which
		stop := peer.Chaos(seed, actorstest.ChaosOptions{Every: 20 * time.Second})

		time.Sleep(time.Hour)
		stop()
		time.Sleep(time.Minute)
		if feed.State() != actors.Ready {
			t.Errorf("it is %v: %v", feed.State(), feed.Err())
		}
	})
}

func TestFeedTalksToAServerWithAScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := actorstest.NewPeer(t)
		peer.Serve(func(c *actorstest.PeerConn) {
			var request struct{ Op, Channel string }
			c.ReadJSON(&request)
			c.SendJSON(map[string]string{"event": request.Op + "d", "channel": request.Channel})
			actorstest.Echo(c) // from here on it only sends back
		})
		confirmed := func(ctx context.Context, s *actors.Setup) error {
			_, err := s.Receive(ctx) // a feed that waits for the answer before it is ready
			return err
		}
		feed := startFeed(t, peer, confirmed)
		if err := feed.WaitReady(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestServerAnswersAndSaysGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, err := actors.NewServer(actorstest.System(t), actors.ServerOptions{
			Modules: []actors.Module{echo.New("/echo", 1)}, // the program under test
		})
		if err != nil {
			t.Fatal(err)
		}
		listener := transporttest.NewListener()
		go server.Serve(listener)

		client := actorstest.DialPeer(t, "ws://localhost/echo", transport.Dialer{NetDial: listener.Dial})
		client.SendFragments(transport.Text, "ah", "oy")
		client.ExpectText("ahoy")
		go server.Close(context.Background())
		client.ExpectClose(transport.GoingAway)
		synctest.Wait()
	})
}
