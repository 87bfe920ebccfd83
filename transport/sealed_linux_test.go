package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
)

func direct(addr string) string { return addr }

func TestSealedConnsCarryMessagesOfAllSizesBothWays(t *testing.T) {
	eachVersion(t, func(t *testing.T, k *sealing) {
		server, client := k.ends(t, direct)
		if !server.Polled() || !client.Polled() {
			t.Fatalf("polled: %v, %v", server.Polled(), client.Polled())
		}
		back := &echo{}
		in, out := newInbox(), &sender{}
		heard := make(chan string, 64)
		server.Start(funcs{func(c *Conn) { listen(c, heard, back) }, back.writable})
		client.Start(funcs{in.Readable, out.writable})
		for _, size := range []int{0, 1, 125, 126, 4096, 16383, 16384, 16385, 65535, 65536, 1 << 20} {
			want := string(pattern(size))
			out.send(client, clientFrame(opText, want))
			if got := wait(t, heard); got != want {
				t.Fatalf("size %d: the server got %d bytes", size, len(got))
			}
			if got := wait(t, in.messages); got != want {
				t.Fatalf("size %d: the client got %d bytes", size, len(got))
			}
		}
	})
}

// listen is echo's Readable that also says what came.
func listen(c *Conn, heard chan<- string, back *echo) {
	b, _ := c.Read()
	if b == nil {
		return
	}
	defer b.Release()
	for _, m := range b.Messages {
		heard <- string(m.Payload)
		back.send(c, serverFrame(byte(m.Kind), string(m.Payload)))
	}
}

// pattern is n bytes of text that do not repeat at any power of two.
func pattern(n int) []byte { return bytes.Repeat([]byte("abcdefghijklmnopqrstuvw"), n/23+1)[:n] }

func TestSealedConnsKeepOrderInAPipelinedStream(t *testing.T) {
	eachVersion(t, func(t *testing.T, k *sealing) {
		server, client := k.ends(t, direct)
		assertOrder(t, server, client)
	})
}

func TestSealedMessagesSurviveAnyCutOfTheCiphertext(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	eachVersion(t, func(t *testing.T, k *sealing) {
		for _, most := range []int{1, 6, 500, 20000} { // bytes of a piece
			t.Run(fmt.Sprint(most), func(t *testing.T) {
				rnd := func(stream uint64) func() int {
					r := rand.New(rand.NewPCG(seed, stream))
					return func() int { return 1 + r.IntN(most) }
				}
				var r relay
				server, client := k.ends(t, func(addr string) string {
					return r.start(t, addr, rnd(1), rnd(2))
				})
				back := &echo{}
				in, out := newInbox(), &sender{}
				r.server.open(server, funcs{back.Readable, back.Writable})
				r.client.open(client, funcs{in.Readable, out.writable})
				sizes := rand.New(rand.NewPCG(seed, 3))
				total := min(2000*most, 300000) // that takes long enough
				for total > 0 {
					want := string(pattern(sizes.IntN(total/2 + 2)))
					total -= len(want) + 10
					out.send(client, clientFrame(opText, want))
					if got := wait(t, in.messages); got != want {
						t.Fatalf("got %d bytes, want %d", len(got), len(want))
					}
				}
			})
		}
	})
}

// behind says in what records a head and two frames leave, all in one segment.
var behind = map[string]func(head, a, b string) []string{
	"each alone":           func(head, a, b string) []string { return []string{head, a, b} },
	"one with the head":    func(head, a, b string) []string { return []string{head + a, b} },
	"all with the head":    func(head, a, b string) []string { return []string{head + a + b} },
	"a part with the head": func(head, a, b string) []string { return []string{head + a[:3], a[3:] + b} },
	"one and a part":       func(head, a, b string) []string { return []string{head + a + b[:4], b[4:]} },
}

func TestSealedFramesBehindTheHandshakeNeedNoFurtherByte(t *testing.T) {
	roles := map[string]func(t *testing.T, k *sealing, records func(head, a, b string) []string) *Conn{
		"server": upgradedAtOnce, "client": dialedAtOnce,
	}
	eachVersion(t, func(t *testing.T, k *sealing) {
		for role, make := range roles {
			for name, records := range behind {
				t.Run(role+", "+name, func(t *testing.T) {
					c := make(t, k, records)
					if !c.Polled() || !c.Exhausted() {
						t.Fatalf("polled %v, exhausted %v: this would prove nothing", c.Polled(), c.Exhausted())
					}
					in := newInbox()
					c.Start(in)
					for _, want := range []string{"first", "second"} {
						if got := wait(t, in.messages); got != want {
							t.Fatalf("got %q", got)
						}
					}
				})
			}
		}
	})
}

// upgradedAtOnce is a server's Conn. With TLS 1.3 the end of the client's handshake
// comes together with all the rest.
func upgradedAtOnce(t *testing.T, k *sealing, records func(head, a, b string) []string) *Conn {
	nc, wire := k.pair(t)
	done := upgradeOn(t, &Upgrader{Poller: k.p}, TLSServer(nc, k.server))
	peer := tls.Client(wire, k.client)
	wire.shut = true
	if err := peer.Handshake(); err != nil {
		t.Fatal(err)
	}
	wire.shut = true
	for _, r := range records(goodRequest+"\r\n", string(clientFrame(opText, "first")), string(clientFrame(opText, "second"))) {
		_, _ = io.WriteString(peer, r)
	}
	if err := wire.spill(); err != nil {
		t.Fatal(err)
	}
	up := wait(t, done)
	if up.err != nil {
		t.Fatal(up.err)
	}
	t.Cleanup(func() { closeConn(t, up.c) })
	return up.c
}

// dialedAtOnce is a client's Conn.
func dialedAtOnce(t *testing.T, k *sealing, records func(head, a, b string) []string) *Conn {
	nc, wire := k.pair(t)
	peer := tls.Server(wire, k.server)
	answered := make(chan error, 1)
	go func() {
		var head bytes.Buffer
		r := accepting(readWriter{peer, &head}, "")
		if r == nil {
			answered <- errors.New("no request came")
			return
		}
		wire.shut = true
		for _, r := range records(head.String(), string(serverFrame(opText, "first")), string(serverFrame(opText, "second"))) {
			_, _ = io.WriteString(peer, r)
		}
		answered <- wire.spill()
	}()
	c := dialOver(t, nc, &Dialer{TLSConfig: k.client, Poller: k.p})
	if err := wait(t, answered); err != nil {
		t.Fatal(err)
	}
	return c
}

// readWriter is a connection of which w gets what is written.
type readWriter struct {
	net.Conn
	w io.Writer
}

func (r readWriter) Write(p []byte) (int, error) { return r.w.Write(p) }

func TestSealedDataTogetherWithTheEndOfTheHandshakeIsRead(t *testing.T) {
	k := newSealing(t, newTestPoller(t, PollerOptions{}), tls.VersionTLS13)
	nc, wire := k.pair(t)
	server, peer := TLSServer(nc, k.server), tls.Client(wire, k.client)
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	wire.shut = true
	if err := peer.Handshake(); err != nil {
		t.Fatal(err)
	}
	wire.shut = true
	_, _ = peer.Write(clientFrame(opText, "at once"))
	if err := errors.Join(wire.spill(), wait(t, shaken)); err != nil {
		t.Fatal(err)
	}
	in := newInbox()
	c := connOn(t, server, ConnOptions{Server: true, Poller: k.p})
	c.Start(in)
	if got := wait(t, in.messages); got != "at once" {
		t.Fatalf("got %q", got)
	}
}

func TestSealedWriteCutShortGoesOnWithWritable(t *testing.T) {
	eachSealed(t, func(t *testing.T, e *sealedEnd) {
		want := pattern(16 << 20) // no socket holds that
		in, out := newInbox(), &sender{done: make(chan error, 16)}
		e.c.Start(funcs{in.Readable, out.writable})
		out.send(e.c, want)
		if len(out.done) > 0 {
			t.Fatal("the socket has taken everything: this proves nothing")
		}
		// What one piece holds waits, and no more.
		n, held := e.waiting()
		if n > maxSealed+1024 || held > 96<<10 {
			t.Errorf("%d bytes wait in a buffer of %d", n, held)
		}
		for i := range 100 {
			e.say(t, e.frame(fmt.Sprint("meanwhile ", i)))
			if got := wait(t, in.messages); got != fmt.Sprint("meanwhile ", i) {
				t.Fatalf("got %q", got)
			}
		}
		e.hear(t, want)
		if err := wait(t, out.done); err != nil {
			t.Fatal(err)
		}
		if n, held := e.waiting(); n+held > 0 {
			t.Errorf("%d bytes wait in a buffer of %d", n, held)
		}
		e.say(t, e.frame("still there"))
		if got := wait(t, in.messages); got != "still there" {
			t.Fatalf("got %q", got)
		}
	})
}

// The piece that waits is not counted until the socket has taken all of it.
func TestSealedWriteCountsWhatTheSocketHasTaken(t *testing.T) {
	eachSealed(t, func(t *testing.T, e *sealedEnd) {
		writable := make(chan struct{}, 16)
		e.c.Start(funcs{func(c *Conn) { _, _ = c.Read() }, func(*Conn) { writable <- struct{}{} }})
		want := pattern(16 << 20)
		n := 0
		for range 3 { // too early, but that harms nobody
			m, err := e.c.Write(want[n:])
			if n += m; err != nil || n == len(want) || m%maxSealed != 0 {
				t.Fatalf("%d bytes, %v", m, err)
			}
		}
		e.hear(t, want[:n])
		e.hear(t, want[n:n+maxSealed]) // it leaves without another Write
		wait(t, writable)
		m, err := e.c.Write(want[n : n+maxSealed])
		if m != maxSealed || err != nil {
			t.Fatalf("%d bytes, %v", m, err)
		}
		if err := e.c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if more, err := io.ReadAll(e.peer); len(more) != 0 || err != nil {
			t.Fatalf("%d bytes more, %v", len(more), err)
		}
	})
}

// The first records are short, and so many that what is set aside for them runs out.
func TestSealedWritesThatFillTheirBufferArrive(t *testing.T) {
	eachVersion(t, func(t *testing.T, k *sealing) {
		for _, class := range bufferClasses[:3] {
			for more := -sealedRoom - 200; more <= 0; more += 40 {
				e := k.asServer(t)
				want := pattern(class + more)
				out := &sender{done: make(chan error, 16)}
				e.c.Start(funcs{newInbox().Readable, out.writable})
				out.send(e.c, want)
				e.hear(t, want)
			}
		}
	})
}

func TestSealedWritesBeforeStartAreNotForgotten(t *testing.T) {
	eachSealed(t, func(t *testing.T, e *sealedEnd) {
		out := &sender{done: make(chan error, 16)}
		want := pattern(12 << 20)
		out.send(e.c, want)
		e.c.Start(funcs{writable: out.writable, readable: func(c *Conn) { _, _ = c.Read() }})
		e.hear(t, want)
		if err := wait(t, out.done); err != nil {
			t.Fatal(err)
		}
	})
}

func TestUnderTLSWithoutAPlaceInThePollerAGoroutineReads(t *testing.T) {
	open, closed := newTestPoller(t, PollerOptions{}), newTestPoller(t, PollerOptions{})
	_ = closed.Close()
	k := newSealing(t, open, tls.VersionTLS13)
	cases := map[string]struct {
		p     *Poller
		serve func(nc net.Conn) *tls.Conn
	}{
		"wrapped":       {open, func(nc net.Conn) *tls.Conn { return TLSServer(struct{ net.Conn }{nc}, k.server) }},
		"tls.Server":    {open, func(nc net.Conn) *tls.Conn { return tls.Server(nc, k.server) }},
		"closed poller": {closed, func(nc net.Conn) *tls.Conn { return TLSServer(nc, k.server) }},
		"no poller":     {nil, func(nc net.Conn) *tls.Conn { return TLSServer(nc, k.server) }},
	}
	for name, way := range cases {
		t.Run(name, func(t *testing.T) {
			nc, wire := k.pair(t)
			server, peer := way.serve(nc), tls.Client(wire, k.client)
			c := connOn(t, server, ConnOptions{Server: true, Poller: way.p})
			if c.Polled() {
				t.Fatal("it is polled")
			}
			c.Start(&echo{})
			pingPong(t, peer, "hello")
		})
	}
}
