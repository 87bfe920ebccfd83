package actorstest_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
)

func TestPeerTreatsAttemptsInTheOrderOfTheScript(t *testing.T) {
	script := func(p *actorstest.Peer) {
		p.Refuse(2)
		p.Answer(http.StatusServiceUnavailable)
		p.AnswerPage("<html>Please log in.</html>")
		p.AnswerRaw("\x00SSH-2.0\r\n")
		p.AcceptThenClose(transport.TryAgainLater, "full")
		p.Silence()
		p.Unreachable()
	}
	inPlay(t, actors.ClientOptions{}, script, func(p *play) {
		p.peer.Accept(5 * time.Minute)
		const want = "refused, refused, status 503, web page, raw answer, accepted, then closed, no answer, unreachable, accepted"
		if got := answers(p.peer); got != want {
			t.Errorf("attempts were: %s\nwant: %s", got, want)
		}
	})
}

func TestClientSeesEachAnswerAsItIs(t *testing.T) {
	for name, c := range map[string]struct {
		script func(*actorstest.Peer)
		good   func(err error) bool
	}{
		"refused": {func(p *actorstest.Peer) { p.Refuse(1) }, func(err error) bool {
			var e *transport.DialError
			return errors.As(err, &e) && e.Op == "connect"
		}},
		"503 with Retry-After": {func(p *actorstest.Peer) { p.Answer(503, "Retry-After: 7") }, refusedWith(503, 7*time.Second)},
		"a redirect":           {func(p *actorstest.Peer) { p.Answer(302, "Location: /login") }, refusedWith(302, 0)},
		"403":                  {func(p *actorstest.Peer) { p.Answer(403) }, refusedWith(403, 0)},
		"a page":               {func(p *actorstest.Peer) { p.AnswerPage("hello") }, refusedWith(200, 0)},
		"no HTTP":              {func(p *actorstest.Peer) { p.AnswerRaw("\x00\x01\x02") }, refusedWith(0, 0)},
		"closed at once": {func(p *actorstest.Peer) { p.AcceptThenClose(1011, "oops") }, func(err error) bool {
			var e *transport.CloseError
			return errors.As(err, &e) && e.Code == 1011 && e.Reason == "oops"
		}},
		"no answer":   {func(p *actorstest.Peer) { p.Silence() }, refusedWith(0, 0)},
		"unreachable": {func(p *actorstest.Peer) { p.Unreachable() }, func(err error) bool { return errors.As(err, new(*transport.DialError)) }},
	} {
		t.Run(name, func(t *testing.T) {
			inPlay(t, actors.ClientOptions{Restart: temporary}, c.script, func(p *play) {
				if err := p.client.WaitStopped(p.t.Context()); !c.good(err) {
					t.Errorf("the client stopped with %v", err)
				}
			})
		})
	}
}

func refusedWith(status int, retryAfter time.Duration) func(error) bool {
	return func(err error) bool {
		var e *transport.HandshakeError
		return errors.As(err, &e) && e.Status == status && e.RetryAfter == retryAfter
	}
}

func TestSilenceLastsUntilTheClientLosesPatience(t *testing.T) {
	for name, script := range map[string]func(*actorstest.Peer){
		"no answer":   (*actorstest.Peer).Silence,
		"unreachable": (*actorstest.Peer).Unreachable,
	} {
		t.Run(name, func(t *testing.T) {
			inPlay(t, actors.ClientOptions{Restart: temporary, DialTimeout: time.Minute}, script, func(p *play) {
				took(t, time.Minute, func() { _ = p.client.WaitStopped(p.t.Context()) })
			})
		})
	}
}

func TestPeerChoosesASubprotocol(t *testing.T) {
	script := func(p *actorstest.Peer) { p.Subprotocols("v3", "v2") }
	inPlay(t, actors.ClientOptions{Subprotocols: []string{"v1", "v2"}}, script, func(p *play) {
		c := p.peer.Accept()
		if got := c.Subprotocol(); got != "v2" {
			t.Errorf("the peer speaks %q", got)
		}
		if got := c.Request().Subprotocols; len(got) != 2 || got[0] != "v1" {
			t.Errorf("the client offered %q", got)
		}
	})
}

func TestDialsTellWhenAndWithWhat(t *testing.T) {
	script := func(p *actorstest.Peer) { p.Answer(503, "Retry-After: 60"); p.Refuse(1) }
	o := actors.ClientOptions{Header: http.Header{"X-Room": {"7"}}, Rand: func() float64 { return 0 }}
	inPlay(t, o, script, func(p *play) {
		start := time.Now()
		p.peer.Accept(2 * time.Minute)
		dials := p.peer.Dials()
		if len(dials) != 3 {
			t.Fatalf("%d dials", len(dials))
		}
		if !dials[0].At.Equal(start) || dials[0].Gap != 0 || dials[1].Gap != time.Minute || !dials[1].At.Equal(start.Add(time.Minute)) {
			t.Errorf("dials at %v", dials)
		}
		if dials[1].Request != nil || dials[2].Request == nil || dials[2].Request.Header.Get("X-Room") != "7" {
			t.Errorf("requests %v, %v", dials[1].Request, dials[2].Request)
		}
	})
}

func TestDownResetsAndRefusesUntilUp(t *testing.T) {
	inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
		c := p.peer.Accept()
		p.peer.Down()
		time.Sleep(time.Minute)
		if n := len(p.peer.Dials()); n < 5 {
			t.Errorf("only %d dials in a minute", n)
		}
		p.peer.Up()
		p.peer.Accept(30 * time.Second).ExpectNothing(0)
		says(t, []string{c.Transcript()}, "fault: down")
	})
}

func TestServeRunsAScriptForEachConnection(t *testing.T) {
	script := func(p *actorstest.Peer) {
		p.Serve(func(c *actorstest.PeerConn) {
			c.SendText("welcome")
			actorstest.Echo(c)
		})
	}
	inPlay(t, actors.ClientOptions{}, script, func(p *play) {
		for range 3 {
			c := p.peer.Accept()
			p.got("text welcome")
			p.send("one")
			p.send("two")
			p.got("text one", "text two")
			c.Cut()
		}
	})
}

func TestPeerEndsWithATestThatForgetsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // all goroutines must end, or it fails
		peer := actorstest.NewPeer(t)
		peer.Serve(func(c *actorstest.PeerConn) { c.ExpectText("never"); t.Error("it went on") })
		peer.Chaos(1, actorstest.ChaosOptions{Every: time.Hour})
		for range 3 {
			actorstest.DialPeer(t, peer.URL(), transport.Dialer{NetDial: peer.Dial})
		}
		peer.Accept().HalfOpen()
		peer.Accept().Stall()
		peer.Silence()
		go func() { _, _, _ = (&transport.Dialer{NetDial: peer.Dial}).Dial(t.Context(), peer.URL()) }()
		synctest.Wait()
	})
}

func TestDialAfterTheTestIsRefused(t *testing.T) {
	var peer *actorstest.Peer
	run(func(t testing.TB) { peer = actorstest.NewPeer(t) })
	if nc, err := peer.Dial(t.Context(), "", ""); err == nil {
		t.Errorf("got %v", nc)
	}
}
