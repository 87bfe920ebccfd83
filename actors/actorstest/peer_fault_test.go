package actorstest_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
)

// cause waits for the client to lose its connection and returns why.
func (p *play) cause() error {
	p.t.Helper()
	return p.client.WaitStopped(p.t.Context())
}

func TestCutIsAResetBehindWhatWasSent(t *testing.T) {
	inPlay(t, actors.ClientOptions{Restart: temporary}, nil, func(p *play) {
		c := p.accept()
		c.SendText("last")
		c.Cut()
		if err := p.cause(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("lost with %v", err)
		}
		p.got("text last")
	})
}

func TestTornFrameIsNeverDelivered(t *testing.T) {
	inPlay(t, actors.ClientOptions{Restart: temporary}, nil, func(p *play) {
		c := p.accept()
		c.SendText("whole")
		c.TornFrame()
		if err := p.cause(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("lost with %v", err)
		}
		p.got("text whole")
	})
}

func TestIllegalBytesAreAnsweredWith1002(t *testing.T) {
	for name, fault := range map[string]func(*actorstest.PeerConn){
		"garbage": (*actorstest.PeerConn).Garbage,
		"corrupt": func(c *actorstest.PeerConn) { c.Corrupt(0, 0x40); c.SendText("hello") },
	} {
		t.Run(name, func(t *testing.T) {
			inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
				c := p.accept()
				fault(c)
				c.ExpectClose(transport.ProtocolFailure)
				var broken *transport.ProtocolError
				if err := p.cause(); !errors.As(err, &broken) {
					t.Errorf("stopped with %v", err)
				}
				p.got()
			})
		})
	}
}

func TestHalfOpenIsFoundByTheHeartbeatAlone(t *testing.T) {
	inPlay(t, actors.ClientOptions{Restart: temporary}, nil, func(p *play) {
		c := p.accept()
		c.HalfOpen()
		c.SendText("into the void")
		p.send("into the void")
		c.Unstall() // does not help
		took(t, 35*time.Second, func() {
			var silent *actors.HeartbeatError
			if err := p.cause(); !errors.As(err, &silent) {
				t.Errorf("lost with %v", err)
			}
		})
		p.got()
		c.ExpectNothing(time.Hour)
	})
}

func TestNoPongsIsFoundByTheHeartbeat(t *testing.T) {
	inPlay(t, actors.ClientOptions{Restart: temporary}, nil, func(p *play) {
		c := p.accept()
		c.SetTimeout(time.Minute)
		c.NoPongs(true)
		took(t, 25*time.Second, func() { c.ExpectPing() })
		c.NoPongs(false) // too late for that ping
		took(t, 10*time.Second, func() {
			if err := p.cause(); !errors.As(err, new(*actors.HeartbeatError)) {
				t.Errorf("lost with %v", err)
			}
		})
	})
}

func TestStallHoldsEverythingBack(t *testing.T) {
	inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
		c := p.accept()
		c.Stall()
		c.SendText("to the client")
		p.send("to the peer")
		c.ExpectNothing(20 * time.Second)
		p.got()
		c.Unstall()
		c.ExpectText("to the peer")
		p.got("text to the client")
	})
}

func TestEndDuringAStallArrivesBehindIt(t *testing.T) {
	inPlay(t, actors.ClientOptions{CloseTimeout: time.Second}, nil, func(p *play) {
		c := p.accept()
		c.Stall()
		_ = p.client.Close(context.Background())
		c.ExpectNothing(time.Minute)
		c.Unstall()
		c.ExpectLost()
	})
}

func TestSlowReaderTakesSoManyBytesATick(t *testing.T) {
	inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
		c := p.accept()
		c.SetTimeout(time.Hour)
		c.SlowReader(10, time.Second)
		p.send(strings.Repeat("x", 94)) // and 6 bytes of header and mask
		took(t, 10*time.Second, func() { c.Next() })
		c.SlowReader(0, 0)
		p.send("quick")
		took(t, 0, func() { c.ExpectText("quick") })
	})
}

func TestSlowSenderLetsSoManyBytesArriveATick(t *testing.T) {
	inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
		c := p.accept()
		c.SlowSender(1, time.Second)
		c.SendText("hey")
		took(t, 5*time.Second, func() { <-p.came })
	})
}

func TestStopReadingLetsTheClientRunFull(t *testing.T) {
	inPlay(t, actors.ClientOptions{Heartbeat: actors.Heartbeat{Interval: -1}, Restart: temporary}, nil, func(p *play) {
		c := p.accept()
		c.StopReading()
		p.send(strings.Repeat("x", 200<<10))
		time.Sleep(5 * time.Second) // less than the client's WriteTimeout
		if n := p.client.Books().InFlight; n != 1 {
			t.Errorf("%d messages wait to be written; want 1", n)
		}
		c.KeepReading()
		c.ExpectText(strings.Repeat("x", 200<<10))
	})
}

func TestNoCloseReplyKeepsTheClientWaiting(t *testing.T) {
	inPlay(t, actors.ClientOptions{CloseTimeout: 7 * time.Second}, nil, func(p *play) {
		c := p.accept()
		c.NoCloseReply(true)
		took(t, 7*time.Second, func() { _ = p.client.Close(context.Background()) })
		c.ExpectClose(transport.NormalClosure)
		c.ExpectLost()
	})
}

func TestFaultsOfAClientReachTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := pair(t)
		client.TornFrame()
		if err := server.ExpectLost(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("lost with %v", err)
		}
	})
}

func TestLinkHasTheFaultsThatAreLeft(t *testing.T) {
	inPlay(t, actors.ClientOptions{Restart: temporary}, nil, func(p *play) {
		c := p.accept()
		c.Link().Cut(1, 2+3) // ToClient, behind the first message
		c.SendText("one")
		if err := p.cause(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("lost with %v", err)
		}
		p.got("text one")
		c.ExpectLost()
	})
}
