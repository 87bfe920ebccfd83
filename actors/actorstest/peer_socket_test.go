package actorstest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/modules/echo"
	"github.com/hawser-go/hawser/transport"
)

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func TestPeerOnASocketServesAClientThatKnowsNothing(t *testing.T) {
	peer := actorstest.NewPeerOn(t, listen(t))
	peer.Refuse(1)
	peer.Answer(503)
	client, err := actors.Dial(t.Context(), actorstest.System(t), peer.URL(), actors.ClientOptions{Rand: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	peer.Accept().Cut()
	c := peer.Accept()
	if _, err := client.SendText("hello"); err != nil {
		t.Error(err)
	}
	c.ExpectText("hello")
	const want = "refused, status 503, accepted, accepted"
	if got := answers(peer); got != want {
		t.Errorf("attempts were: %s; want %s", got, want)
	}
	if err := client.Close(context.Background()); err != nil {
		t.Error(err)
	}
	c.ExpectClose(transport.NormalClosure)
}

func TestCutIsAResetOnASocketToo(t *testing.T) {
	peer := actorstest.NewPeerOn(t, listen(t))
	client := actorstest.DialPeer(t, peer.URL(), transport.Dialer{})
	peer.Accept().Cut()
	if err := client.ExpectLost(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("lost with %v", err)
	}
}

func TestDialPeerSpeaksTLSWithAServer(t *testing.T) {
	server, err := actors.NewServer(actorstest.System(t), actors.ServerOptions{Modules: []actors.Module{echo.New("", 1)}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewTLSServer(server)
	defer web.Close()
	trust := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	trust.RootCAs.AddCert(web.Certificate())
	c := actorstest.DialPeer(t, strings.Replace(web.URL, "https", "wss", 1), transport.Dialer{TLSConfig: trust})
	c.SendText("secret")
	c.ExpectText("secret")
	c.Close(transport.NormalClosure, "")
	if err := server.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPeerWorksInRealTime(t *testing.T) {
	r := run(func(t testing.TB) {
		server, client := pair(t)
		client.SendText("one")
		server.ExpectText("one")
		server.ExpectNothing(0)
		server.ExpectNothing(time.Millisecond)
		server.SetTimeout(time.Millisecond)
		server.ExpectText("two")
	})
	says(t, r.errors, "got nothing within 1ms")
}
