package load

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func compressed(t *testing.T, addr netip.AddrPort, payloads ...string) *Generator {
	t.Helper()
	o := Options{Batch: 2, Deflate: true}
	for _, p := range payloads {
		o.Payloads = append(o.Payloads, []byte(p))
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	if err := g.Dial(addr, DialOptions{Path: "/echo", Conns: 2, InFlight: 2}); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestDeflatedEchoesAreCounted(t *testing.T) {
	addr := serveDeflated(t, func(p []byte) []byte { return p })
	g := compressed(t, addr, strings.Repeat("one", 300), strings.Repeat("four", 200), "six")
	if err := g.Verify(); err != nil {
		t.Fatal(err)
	}
	if m, err := g.Run(Window{Length: 10 * time.Millisecond}); err != nil || m.Messages == 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestDeflatedAnswersAreVerified(t *testing.T) {
	addr := serveDeflated(t, bytes.ToUpper)
	if err := compressed(t, addr, "hello").Verify(); err == nil || !strings.Contains(err.Error(), "differs") {
		t.Errorf("Verify = %v", err)
	}
}

func TestAnswersThatAreNotCompressedAreErrors(t *testing.T) {
	addr := serveDeflated(t, func(p []byte) []byte { return p })
	g := compressed(t, addr, "hello")
	g.conns[1].parser = parser{least: 1, most: 100} // as if nothing was negotiated
	if err := g.Verify(); err == nil || !strings.Contains(err.Error(), "connection 2 of 2: the server sent a frame with the RSV bits 0x40") {
		t.Errorf("Verify = %v", err)
	}
	p := parser{least: 1, most: 100, compressed: true}
	if _, err := p.feed(serverFrames(ws.NewTextFrame([]byte("hello")))); err == nil || !strings.Contains(err.Error(), "want 0x40") {
		t.Errorf("feed = %v", err)
	}
}

func TestServersWithoutDeflateAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		addr       netip.AddrPort
	}{
		{"no extension", "permessage-deflate", serve(t, echo)},
		{"context takeover", "server_no_context_takeover", accept(listen(t), func(c net.Conn) {
			_, _ = c.Write([]byte("HTTP/1.1 101 Fine\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"))
		})},
	} {
		g, err := New(Options{Payloads: [][]byte{[]byte("hello")}, Deflate: true})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		if err := g.Dial(c.addr, DialOptions{Path: "/echo", Conns: 1}); err == nil || !strings.Contains(err.Error(), "did not accept "+c.want) {
			t.Errorf("%s: Dial = %v", c.name, err)
		}
	}
}

func TestInflateIsTheInverseOfDeflateUpToItsBound(t *testing.T) {
	for _, want := range []string{"", "a", strings.Repeat("hello ", 1000)} {
		small := deflate([]byte(want))
		if got, err := inflate(small, len(want)); err != nil || string(got) != want {
			t.Errorf("%d bytes came back as %d, %v", len(want), len(got), err)
		}
	}
	if got, err := inflate(deflate(make([]byte, 1<<20)), 10); err != nil || len(got) > 11 {
		t.Errorf("a bound of 10 let %d bytes through, %v", len(got), err)
	}
}
