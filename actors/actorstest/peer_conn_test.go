package actorstest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

const temporary = supervisor.Temporary

func TestPeerExpectsWhatTheClientSends(t *testing.T) {
	inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
		c := p.accept()
		for _, m := range []string{"one", `{"b": [1.0, null], "a": 12345678901234567890}`, `{"id":7}`, "next"} {
			p.send(m)
		}
		if _, err := p.client.SendBinary([]byte{1, 2}); err != nil {
			t.Fatal(err)
		}
		c.ExpectText("one")
		c.ExpectJSON(`{"a":12345678901234567890,"b":[1,null]}`)
		var request struct{ ID int }
		if c.ReadJSON(&request); request.ID != 7 {
			t.Errorf("id %d", request.ID)
		}
		if m, ok := c.Next(); !ok || m.Kind != transport.Text || string(m.Payload) != "next" {
			t.Errorf("next %v %q", ok, m.Payload)
		}
		c.ExpectBinary([]byte{1, 2})
		took(t, time.Hour, func() { c.ExpectNothing(time.Hour) })
		c.ExpectNothing(0)
	})
}

func TestClientReceivesWhatThePeerSends(t *testing.T) {
	inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
		c := p.accept()
		c.SendText("one")
		c.SendBinary([]byte("two"))
		c.SendJSON(map[string]int{"n": 3})
		c.SendFragments(transport.Text, "fo", "", "ur")
		c.SendFragments(transport.Binary, "five")
		c.SendRaw([]byte{0x81, 3, 's', 'i', 'x'})
		p.got("text one", "binary two", `text {"n":3}`, "text four", "binary five", "text six")
	})
}

func TestBigMessagesGoBothWays(t *testing.T) {
	big := make([]byte, 900<<10)
	inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
		c := p.accept()
		c.SendBinary(big)
		p.got("binary " + string(big))
		if _, err := p.client.SendBinary(big); err != nil {
			t.Fatal(err)
		}
		c.ExpectBinary(big)
	})
}

func TestPingsGoBothWays(t *testing.T) {
	inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
		c := p.accept()
		c.Ping("are you there?")
		c.ExpectPong("are you there?")
		c.SetTimeout(time.Minute)
		took(t, 25*time.Second, func() { c.ExpectPing() })
		c.ExpectNothing(time.Hour) // the heartbeat is no message, and is answered
	})
}

func TestPeerClosesWithTheHandshake(t *testing.T) {
	inPlay(t, actors.ClientOptions{Restart: temporary}, nil, func(p *play) {
		c := p.accept()
		p.send("before")
		c.Close(transport.ServiceRestart, "new version")
		var closed *transport.CloseError
		if err := p.client.WaitStopped(p.t.Context()); !errors.As(err, &closed) || closed.Code != 1012 || closed.Reason != "new version" {
			t.Errorf("the client stopped with %v", err)
		}
		c.ExpectText("before")
		c.ExpectNothing(0)
		c.Close(1000, "again does nothing")
	})
}

func TestPeerSeesTheClientClose(t *testing.T) {
	inPlay(t, actors.ClientOptions{}, nil, func(p *play) {
		c := p.accept()
		p.send("last words")
		took(t, 0, func() {
			if err := p.client.CloseWith(context.Background(), 4001, "enough"); err != nil {
				t.Error(err)
			}
		})
		c.ExpectText("last words")
		if reason := c.ExpectClose(4001); reason != "enough" {
			t.Errorf("reason %q", reason)
		}
		if _, ok := c.Next(); ok {
			t.Error("there is something behind the close frame")
		}
		c.ExpectNothing(time.Minute)
	})
}

func TestCloseFrameIsAnsweredWithItsCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := pair(t)
		client.Close(4001, "enough")
		says(t, []string{client.Transcript()}, `<- close 4001 (private use) ""`)
	})
}

func TestWhatWaitsToBeExpectedStaysAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := pair(t)
		for i := range 100 { // each in a read of its own, so buffers are used again
			client.SendText(fmt.Sprint(i))
			synctest.Wait()
		}
		for i := range 100 {
			server.ExpectText(fmt.Sprint(i))
		}
	})
}

func TestExpectLostTellsHowItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := pair(t)
		client.SendText("last")
		client.Cut()
		server.ExpectText("last")
		if err := server.ExpectLost(); errors.Is(err, io.EOF) {
			t.Errorf("got %v; want a reset", err)
		}
	})
}

func TestNextEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := pair(t)
		time.AfterFunc(time.Hour, client.Cut)
		took(t, time.Hour, func() {
			if m, ok := server.Next(); ok {
				t.Errorf("got %v", m)
			}
		})
	})
}
