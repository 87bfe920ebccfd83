package load

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"
)

func TestAPacedLoadTakesItsConnectionsInTurn(t *testing.T) {
	g := dial(t, "hello", serve(t, echo), DialOptions{Path: "/echo", Conns: 5, InFlight: 64})
	p := NewPaced(g, 1000)
	if err := p.Verify(); err != nil {
		t.Fatal(err)
	}
	m, err := p.Run(Window{Warm: 5 * time.Millisecond, Length: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if m.Messages == 0 || m.P50 <= 0 || m.P50 > m.P99 || m.P99 > m.Max {
		t.Errorf("%+v", m)
	}
	// In order, the connections have sent as many messages each, or one more.
	sent := p.Messages() - 5
	for i, c := range g.conns {
		want := int(sent / 5)
		if uint64(i) < sent%5 {
			want++
		}
		if got := (c.flight.head + len(c.flight.sent) - 1) % len(c.flight.sent); got != want%len(c.flight.sent) {
			t.Errorf("connection %d has sent %d messages of %d, want %d", i, got, sent, want)
		}
	}
}

func TestAServerThatCannotKeepUpIsAnError(t *testing.T) {
	addr := serve(t, func(c net.Conn) error {
		_, _, err := wsutil.ReadClientData(c)
		return err
	})
	p := NewPaced(dial(t, "hello", addr, DialOptions{Path: "/echo", Conns: 2, InFlight: 3}), 100_000)
	_, err := p.Run(Window{Length: 10 * time.Second})
	if err == nil || !strings.Contains(err.Error(), "100000 messages a second are too many") {
		t.Errorf("Run = %v", err)
	}
}
