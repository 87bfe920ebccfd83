package actorstest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
)

// play is a Peer and a real client that dials it, in a bubble.
type play struct {
	t      *testing.T
	peer   *actorstest.Peer
	client *actors.Client
	came   chan string // what the client has received
}

// inPlay makes the peer, lets script speak to it, and only then starts the client.
func inPlay(t *testing.T, o actors.ClientOptions, script func(*actorstest.Peer), f func(*play)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &play{t: t, peer: actorstest.NewPeer(t), came: make(chan string, 1000)}
		if script != nil {
			script(p.peer)
		}
		record := actors.HandlerFunc(func(_ *actors.Context, m transport.Message) {
			p.came <- m.Kind.String() + " " + string(m.Payload)
		})
		o.NetDial = p.peer.Dial
		o.Modules = []actors.Module{{Name: "record", New: func() actors.Handler { return record }}}
		var err error
		p.client, err = actors.Dial(t.Context(), actorstest.System(t), p.peer.URL(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.client.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		f(p)
	})
}

// accept returns the next connection, when the client is ready on it.
func (p *play) accept() *actorstest.PeerConn {
	p.t.Helper()
	c := p.peer.Accept()
	synctest.Wait()
	if s := p.client.State(); s != actors.Ready {
		p.t.Fatalf("the client is %v", s)
	}
	return c
}

// got fails the test unless the client has received exactly these.
func (p *play) got(want ...string) {
	p.t.Helper()
	synctest.Wait()
	var have []string
	for len(p.came) > 0 {
		have = append(have, <-p.came)
	}
	if fmt.Sprint(have) != fmt.Sprint(want) {
		p.t.Errorf("the client has received %q; want %q", have, want)
	}
}

func (p *play) send(text string) {
	p.t.Helper()
	if _, err := p.client.SendText(text); err != nil {
		p.t.Fatal(err)
	}
}

// took fails the test unless f takes so long, to a millisecond.
func took(t *testing.T, want time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if d := time.Since(start); d < want-time.Millisecond || d > want+time.Millisecond {
		t.Errorf("it took %s; want %s", d, want)
	}
}

// bubble runs a test that is to fail, in a bubble.
func bubble(t *testing.T, test func(t testing.TB)) (r *recordTB) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { r = run(test) })
	return r
}

// pair returns the two ends of a connection, both of which obey the test.
func pair(t testing.TB) (server, client *actorstest.PeerConn) {
	peer := actorstest.NewPeer(t)
	client = actorstest.DialPeer(t, peer.URL()+"path", transport.Dialer{NetDial: peer.Dial})
	return peer.Accept(), client
}

// answers are what became of the attempts.
func answers(peer *actorstest.Peer) string {
	var all []string
	for _, a := range peer.Dials() {
		all = append(all, a.Answer)
	}
	return strings.Join(all, ", ")
}
