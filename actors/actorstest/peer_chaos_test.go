package actorstest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
)

// hit returns what a chaos does to a client within half an hour, and to nobody
// afterwards.
func hit(t *testing.T, seed uint64, o actorstest.ChaosOptions) (log string) {
	t.Helper()
	r := bubble(t, func(t testing.TB) {
		peer := actorstest.NewPeer(t)
		go func() {
			d := transport.Dialer{NetDial: peer.Dial}
			for t.Context().Err() == nil {
				if conn, _, err := d.Dial(t.Context(), peer.URL()); err == nil {
					c := conn
					t.Cleanup(func() { _ = c.Close() })
				}
				select {
				case <-time.After(time.Minute):
				case <-t.Context().Done():
				}
			}
		}()
		stop := peer.Chaos(seed, o)
		time.Sleep(30 * time.Minute)
		stop()
		stop()
		t.Errorf("to see the notes")
	})
	return strings.Join(r.logs, "\n")
}

// deeds is the log without its first line, which names the seed.
func deeds(log string) string {
	_, rest, _ := strings.Cut(log, "\n")
	return rest
}

func TestChaosIsTheSameForTheSameSeed(t *testing.T) {
	a, b, c := hit(t, 7, actorstest.ChaosOptions{}), hit(t, 7, actorstest.ChaosOptions{}), hit(t, 8, actorstest.ChaosOptions{})
	if a != b {
		t.Errorf("seed 7 gave\n%s\nand then\n%s", a, b)
	}
	if deeds(a) == deeds(c) {
		t.Errorf("seeds 7 and 8 gave the same:\n%s", a)
	}
	says(t, []string{a}, "the chaos had seed 7", " faults:", "hits")
}

func TestChaosDoesWhatItIsAskedFor(t *testing.T) {
	log := hit(t, 0, actorstest.ChaosOptions{Every: time.Minute, Faults: []actorstest.Fault{actorstest.ChaosCut}})
	for line := range strings.Lines(deeds(log)) {
		if !strings.Contains(line, "cut hits") {
			t.Errorf("got %q", line)
		}
	}
	if n := strings.Count(log, "cut hits"); n < 20 || n > 40 {
		t.Errorf("%d faults in half an hour", n)
	}
	if strings.Contains(log, "seed 0,") {
		t.Error("no seed was drawn")
	}
}

func TestClientSurvivesEveryFaultOfAChaos(t *testing.T) {
	for _, f := range []actorstest.Fault{
		actorstest.ChaosCut, actorstest.ChaosTorn, actorstest.ChaosHalfOpen, actorstest.ChaosStall,
		actorstest.ChaosClose, actorstest.ChaosRefuse, actorstest.ChaosUnavailable, actorstest.ChaosSilence,
	} {
		t.Run(string(f), func(t *testing.T) {
			script := func(p *actorstest.Peer) { p.Serve(actorstest.Echo) }
			inPlay(t, actors.ClientOptions{}, script, func(p *play) {
				stop := p.peer.Chaos(3, actorstest.ChaosOptions{Every: time.Minute, Faults: []actorstest.Fault{f}})
				time.Sleep(10 * time.Minute)
				stop()
				time.Sleep(time.Minute)
				p.send("still here")
				p.got("text still here")
				if n := len(p.peer.Dials()); (n > 5) == (f == actorstest.ChaosStall) {
					t.Errorf("%d dials", n)
				}
				p.peer.ExpectNoDial(time.Hour)
			})
		})
	}
}

func TestStopHealsWhatTheChaosHasLeft(t *testing.T) {
	const clients = 10
	for _, f := range []actorstest.Fault{actorstest.ChaosHalfOpen, actorstest.ChaosStall, actorstest.ChaosRefuse} {
		t.Run(string(f), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				peer := actorstest.NewPeer(t)
				peer.Serve(actorstest.Echo)
				var all []*actorstest.PeerConn // they do not dial again
				for range clients {
					all = append(all, actorstest.DialPeer(t, peer.URL(), transport.Dialer{NetDial: peer.Dial}))
				}
				stop := peer.Chaos(5, actorstest.ChaosOptions{Every: time.Second, Faults: []actorstest.Fault{f}})
				time.Sleep(time.Hour)
				stop()
				for _, c := range all {
					if f != actorstest.ChaosStall {
						c.ExpectLost()
						continue
					}
					c.SendText("hello")
					c.ExpectText("hello")
				}
				actorstest.DialPeer(t, peer.URL(), transport.Dialer{NetDial: peer.Dial}).ExpectNothing(time.Hour)
			})
		})
	}
}

func TestStopKeepsTheScriptOfTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := actorstest.NewPeer(t)
		peer.Answer(403)
		peer.Chaos(0, actorstest.ChaosOptions{})()
		if _, _, err := (&transport.Dialer{NetDial: peer.Dial}).Dial(t.Context(), peer.URL()); !refusedWith(403, 0)(err) {
			t.Errorf("got %v", err)
		}
	})
}

func TestGarbageOfAChaosStopsAClient(t *testing.T) {
	inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
		p.peer.Chaos(1, actorstest.ChaosOptions{Faults: []actorstest.Fault{actorstest.ChaosGarbage}})
		p.peer.SetTimeout(time.Minute)
		p.peer.Accept().ExpectClose(transport.ProtocolFailure)
		synctest.Wait()
		if p.client.State() != actors.Stopped {
			t.Errorf("the client is %v", p.client.State())
		}
	})
}
