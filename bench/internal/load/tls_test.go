package load

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"
)

// serveTLS is serve with a certificate that nobody knows.
func serveTLS(t *testing.T, handle func(net.Conn) error) netip.AddrPort {
	t.Helper()
	certificates := httptest.NewTLSServer(nil) // for its certificate only
	config := &tls.Config{Certificates: certificates.TLS.Certificates, MinVersion: tls.VersionTLS12}
	certificates.Close()
	return accept(tls.NewListener(listen(t), config), upgradeAnd(handle))
}

func dialTLS(t *testing.T, addr netip.AddrPort, o DialOptions) *TLS {
	t.Helper()
	l, err := NewTLS(Options{Payloads: [][]byte{[]byte("hello")}, Batch: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	if err := l.Dial(addr, o); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEchoOverTLS(t *testing.T) {
	for _, o := range []DialOptions{{Path: "/echo", Conns: 3}, {Path: "/echo", Conns: 2, InFlight: 100}} {
		l := dialTLS(t, serveTLS(t, echo), o)
		if err := l.Verify(); err != nil {
			t.Fatal(err)
		}
		for range 2 { // a run leaves the connections ready for the next one
			marks := 0
			before := l.Messages()
			m, err := l.Run(Window{Warm: 5 * time.Millisecond, Length: 30 * time.Millisecond, Mark: func() { marks++ }})
			if err != nil {
				t.Fatal(err)
			}
			if m.Messages == 0 || m.P50 <= 0 || m.P50 > m.P99 || m.P99 > m.Max || marks != 2 {
				t.Errorf("%+v: %+v, %d marks", o, m, marks)
			}
			if got := l.Messages() - before; got <= m.Messages {
				t.Errorf("%d messages in all, %d of them in the window", got, m.Messages)
			}
		}
	}
}

func TestWrongEchoesOverTLSAreErrors(t *testing.T) {
	l := dialTLS(t, serveTLS(t, func(c net.Conn) error {
		if _, _, err := wsutil.ReadClientData(c); err != nil {
			return err
		}
		return wsutil.WriteServerText(c, []byte("HELLO"))
	}), DialOptions{Path: "/echo", Conns: 2})
	if err := l.Verify(); err == nil || !strings.Contains(err.Error(), "connection 1 of 2: the echo differs") {
		t.Errorf("Verify = %v", err)
	}
}

func TestAConnectionThatFailsEndsARunOverTLS(t *testing.T) {
	var echoes atomic.Int32
	l := dialTLS(t, serveTLS(t, func(c net.Conn) error {
		if echoes.Add(1) == 50 {
			return errors.New("that was enough")
		}
		return echo(c)
	}), DialOptions{Path: "/echo", Conns: 3})
	if _, err := l.Run(Window{Length: time.Hour}); err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("Run = %v", err)
	}
}
