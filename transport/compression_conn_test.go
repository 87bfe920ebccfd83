package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// packedEcho sends every message back through Compress, and counts what came
// compressed by what leaves so.
type packedEcho struct {
	gone chan struct{}
	mu   sync.Mutex // Readable and Writable may overlap
	out  []byte
}

func (e *packedEcho) Writable(c *Conn) { e.flush(c) }

func (e *packedEcho) Readable(c *Conn) {
	b, err := c.Read()
	if err != nil {
		close(e.gone)
		return
	}
	if b == nil {
		return
	}
	defer b.Release()
	for _, m := range b.Messages {
		e.mu.Lock()
		e.out = c.Compress(e.out, AppendFrame(nil, byte(m.Kind), m.Payload, false))
		e.mu.Unlock()
	}
	e.flush(c)
}

func (e *packedEcho) flush(c *Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n, _ := c.Write(e.out)
	e.out = e.out[n:]
}

// trialsOfGroup13 are the settings of the Autobahn suite's cases 13.1 to 13.7:
// what a client offers, the first of it that can be had counts.
var trialsOfGroup13 = []struct {
	name  string
	have  Compression
	offer []string
	want  string
}{
	{"12, the simplest", takeover, []string{pmd}, pmd},
	{"13.1, both fresh by us", fresh, []string{pmd + cBits}, pmd + both2},
	{"13.2, the client's choice: fresh", takeover, []string{pmd + both2}, pmd + both2},
	{"13.3, bits 9", takeover, []string{pmd + sBits + "=9" + cBits}, pmd + sBits + "=9"},
	{"13.4, bits 15", takeover, []string{pmd + sBits + "=15" + cBits}, pmd + sBits + "=15"},
	{"13.5, bits 9, fresh", takeover, []string{pmd + sFresh + sBits + "=9" + cBits + "=9"}, pmd + sFresh + sBits + "=9" + cBits + "=9"},
	{"13.6, bits 15, fresh", takeover, []string{pmd + both2 + sBits + "=15" + cBits + "=15"}, pmd + both2 + sBits + "=15" + cBits + "=15"},
	{"13.7, several offers", takeover, []string{
		pmd + sBits + "=3, " + pmd + sBits + "=9" + sFresh + cBits, pmd,
	}, pmd + sFresh + sBits + "=9"},
}

// Sizes, in frames or whole, of groups 12 and 13.
var sizesOfGroup12 = []struct{ size, frame int }{
	{16, 0},
	{64, 0},
	{256, 0},
	{1 << 10, 0},
	{4 << 10, 0},
	{8 << 10, 0},
	{16 << 10, 0},
	{32 << 10, 0},
	{64 << 10, 0},
	{128 << 10, 0},
	{8 << 10, 256},
	{16 << 10, 256},
	{32 << 10, 256},
	{64 << 10, 256},
	{128 << 10, 256},
}

// What groups 12 and 13 of the Autobahn suite do, through a real handshake and
// socket: messages of each size, text and binary, compressed by another
// implementation, whole and in frames of 256 bytes; what comes back is
// inflated by it too, within the window that was agreed.
func TestEchoOfCompressedMessagesInEverySetting(t *testing.T) {
	messages := messagesOfGroup12(t)
	for i, trial := range trialsOfGroup13 {
		t.Run(trial.name, func(t *testing.T) {
			each := func(f func(*testing.T, *Poller)) { eachKind(t, f) }
			switch { // the rest by one kind each
			case i > 1 && i%2 == 0:
				each = func(f func(*testing.T, *Poller)) { f(t, newTestPoller(t, PollerOptions{})) }
			case i > 1:
				each = func(f func(*testing.T, *Poller)) { f(t, nil) }
			}
			each(func(t *testing.T, p *Poller) {
				u := &Upgrader{Compression: trial.have, Poller: p, Limits: Limits{MaxMessage: 1 << 20}}
				u.Compression.Threshold = -1
				client, server := tcpPair(t)
				defer client.Close()
				done := upgradeOn(t, u, server)
				resp, _ := exchange(t, client, goodRequest+"Sec-WebSocket-Extensions: "+strings.Join(trial.offer, "\r\nSec-WebSocket-Extensions: ")+"\r\n\r\n")
				got := wait(t, done)
				defer closeConn(t, got.c)
				if ext := resp.Header.Get("Sec-WebSocket-Extensions"); ext != trial.want || got.c.Extensions() != ext || !got.c.Compresses() {
					t.Fatalf("%q is agreed, want %q; the Conn says %q", ext, trial.want, got.c.Extensions())
				}
				gone := make(chan struct{})
				got.c.Start(&packedEcho{gone: gone})
				echoGroup12(t, client, got.c.d.deflate.agreed, messages)
				_ = client.Close()
				wait(t, gone)
			})
		})
	}
}

// messageOfGroup12 is a message and what carries it to a server.
type messageOfGroup12 struct {
	op            byte
	payload, wire []byte
}

func messagesOfGroup12(t *testing.T) (all []messageOfGroup12) {
	t.Helper()
	for i, c := range sizesOfGroup12 {
		op, payload := opText, prose(uint64(i), c.size)
		if i%2 == 1 {
			op, payload = opBinary, append(noise(uint64(i), c.size/2), make([]byte, c.size/2)...)
		}
		packed := string(deflated(t, payload, 1+i%9))
		s := &script{server: true}
		kind, first := op, (*script).packed
		for size := max(c.frame, 1); c.frame > 0 && len(packed) > size; packed = packed[size:] {
			first(s, false, op, packed[:size])
			op, first = opContinuation, (*script).frame
		}
		first(s, true, op, packed)
		all = append(all, messageOfGroup12{kind, payload, s.Bytes()})
	}
	return all
}

func echoGroup12(t *testing.T, nc net.Conn, p deflateParams, messages []messageOfGroup12) {
	t.Helper()
	peer := plainInflater{size: windowOf(p.serverBits, p.serverFresh)}
	for _, m := range messages {
		if _, err := nc.Write(m.wire); err != nil {
			t.Fatal(err)
		}
		// The echo, as another implementation sees it: RSV1 and a bare frame.
		head, body := readFrame(t, nc)
		if head&rsv1Bit != 0 {
			var err error
			if body, err = peer.inflate(body); err != nil {
				t.Fatalf("%d bytes: %v", len(m.payload), err)
			}
		} else if m.op == opText && len(m.payload) >= 256 {
			t.Errorf("%d bytes of text came back uncompressed", len(m.payload))
		}
		if !bytes.Equal(body, m.payload) || head&opBits != m.op {
			t.Fatalf("%d bytes: %d came back, first byte %x", len(m.payload), len(body), head)
		}
	}
}

func readFrame(t *testing.T, nc net.Conn) (head byte, payload []byte) {
	t.Helper()
	p := make([]byte, 10)
	read := func(p []byte) {
		if _, err := io.ReadFull(nc, p); err != nil {
			t.Fatal(err)
		}
	}
	read(p[:2])
	switch p[1] {
	case length16:
		read(p[2:4])
	case length64:
		read(p[2:10])
	}
	_, size := frameShape(p)
	payload = make([]byte, size)
	read(payload)
	return p[0], payload
}

// Our client against our server, through both ways in.
func TestClientAndServerAgreeOnCompression(t *testing.T) {
	for _, c := range []struct {
		client, server Compression
		want           string
	}{
		{fresh, fresh, pmd + both2},
		{fresh, takeover, pmd + both2},
		{takeover, fresh, pmd + both2},
		{takeover, takeover, pmd},
		{fresh, Compression{}, ""},
		{Compression{}, fresh, ""},
		{Compression{}, Compression{}, ""},
	} {
		for _, way := range []string{"raw", "net/http"} {
			t.Run(fmt.Sprintf("%v, %v, %s", c.client, c.server, way), func(t *testing.T) {
				u := &Upgrader{Compression: c.server, Header: http.Header{"X-Own": {"1"}}}
				dialed := &Dialer{Compression: c.client, Proxy: NoProxy, Header: http.Header{"X-Client": {"1"}}}
				peers := make(chan *Conn, 1)
				url := serveOnce(t, u, way, peers)
				client, resp, err := dialed.Dial(t.Context(), url)
				if err != nil {
					t.Fatal(err)
				}
				defer closeConn(t, client)
				server := wait(t, peers)
				defer closeConn(t, server)
				if client.Extensions() != c.want || server.Extensions() != c.want || resp.Header.Get("Sec-WebSocket-Extensions") != c.want ||
					resp.Header.Get("X-Own") != "1" || client.Compresses() != (c.want != "") || server.Compresses() != client.Compresses() {
					t.Fatalf("the client has %q and the server %q", client.Extensions(), server.Extensions())
				}
				in := newInbox()
				client.Start(in)
				gone := make(chan struct{})
				server.Start(&packedEcho{gone: gone})
				var wire []byte
				for i := range 20 {
					start := len(wire)
					wire = client.Compress(wire, AppendFrame(nil, opText, prose(uint64(i%3), 700), true))
					SealFrame(wire[start:])
				}
				if packed := len(wire) < 20*700; packed != client.Compresses() {
					t.Errorf("20 messages have %d bytes", len(wire))
				}
				for len(wire) > 0 {
					n, err := client.Write(wire)
					if err != nil {
						t.Fatal(err)
					}
					wire = wire[n:]
				}
				for i := range 20 {
					if m := wait(t, in.messages); m != string(prose(uint64(i%3), 700)) {
						t.Fatalf("message %d came back as %.60q", i, m)
					}
				}
				_ = client.Close()
				wait(t, gone)
			})
		}
	}
}

// serveOnce upgrades one connection and hands its Conn out.
func serveOnce(t *testing.T, u *Upgrader, way string, peers chan<- *Conn) (url string) {
	t.Helper()
	if way == "net/http" {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, _, err := u.UpgradeHTTP(w, r)
			if err != nil {
				t.Error(err)
			}
			peers <- c
		}))
		t.Cleanup(s.Close)
		return "ws" + strings.TrimPrefix(s.URL, "http")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		c, _, err := u.Upgrade(nc)
		if err != nil {
			t.Error(err)
		}
		peers <- c
	}()
	return "ws://" + ln.Addr().String() + "/"
}

// An answer that is none to our offer ends the dial, and nothing else (as
// CVE-2026-2229 was).
func TestDialFailsOnABadExtensionAnswer(t *testing.T) {
	for _, answer := range []string{
		pmd + sBits + "=1000", pmd + sBits + "=7", pmd + sBits, pmd + sBits + "=", pmd + cBits, pmd + cBits + "=16",
		pmd + both2 + both2, pmd + "; unknown", "permessage-foo", pmd + both2 + ", " + pmd, pmd, "", ";", "\x80",
	} {
		addr := scripted(t, func(nc net.Conn) {
			accepting(nc, "Sec-WebSocket-Extensions: "+answer+"\r\n")
			_, _ = io.Copy(io.Discard, nc)
		})
		c, _, err := (&Dialer{Compression: fresh, Proxy: NoProxy}).Dial(t.Context(), "ws://"+addr)
		var bad *HandshakeError
		if c != nil || !errors.As(err, &bad) {
			t.Errorf("%q: %v, %v", answer, c, err)
			closeConn(t, c)
		}
	}
}

func TestALevelThatThereIsNotIsRefused(t *testing.T) {
	bad := Compression{Enabled: true, Level: 10}
	_, _, err := (&Dialer{Compression: bad}).Dial(context.Background(), "ws://nowhere.test")
	var handshake *HandshakeError
	if !errors.As(err, &handshake) || !strings.Contains(err.Error(), "Level") {
		t.Error(err)
	}
	for name, way := range waysIn {
		if resp, _, err := way(t, &Upgrader{Compression: bad}, goodRequest+"\r\n"); resp.StatusCode != 500 || !strings.Contains(err.Error(), "Level") {
			t.Errorf("%s: %d, %v", name, resp.StatusCode, err)
		}
	}
}

func TestPathValueIsThatOfThePattern(t *testing.T) {
	requests := make(chan *Request, 1)
	u := &Upgrader{}
	mux := http.NewServeMux()
	mux.HandleFunc("/rooms/{name}/{rest...}", func(w http.ResponseWriter, r *http.Request) {
		c, req, err := u.UpgradeHTTP(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.Close()
		requests <- req
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	c, _, err := (&Dialer{Proxy: NoProxy}).Dial(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/rooms/a%2Fb/c/d")
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(t, c)
	r := wait(t, requests)
	if r.PathValue("name") != "a/b" || r.PathValue("rest") != "c/d" || r.PathValue("none") != "" {
		t.Errorf("got %q, %q, %q", r.PathValue("name"), r.PathValue("rest"), r.PathValue("none"))
	}
	if v := new(Request).PathValue("name"); v != "" {
		t.Errorf("without a pattern: %q", v)
	}
}

// A peer that sends bombs just below the limit makes us hold one read's worth of
// them, and no more.
func TestOneBatchHoldsWhatOneShortReadBrings(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		client, server := tcpPair(t)
		defer client.Close()
		c := connOn(t, server, ConnOptions{Server: true, Poller: p, deflate: withoutTakeover()})
		one := (&script{server: true}).packed(true, opBinary, string(deflated(t, make([]byte, 600<<10), 9)))
		const times = 60
		wire := bytes.Repeat(one.Bytes(), times)
		most, total := 0, 0
		done := make(chan struct{})
		c.Start(funcs{readable: func(c *Conn) {
			b, err := c.Read()
			if b != nil {
				held := 0
				for _, m := range b.Messages {
					held += len(m.Payload)
				}
				most = max(most, held)
				total += len(b.Messages)
				b.Release()
			}
			if err != nil || total == times {
				_ = c.Close()
				close(done)
			}
		}})
		if _, err := client.Write(wire); err != nil {
			t.Fatal(err)
		}
		wait(t, done)
		t.Logf("%d bytes in one batch at most", most)
		if total != times || most > batchInflated+600<<10 {
			t.Errorf("%d messages, %d bytes in one batch", total, most)
		}
	})
}

// What a full Batch has left comes without anything new on the socket, but not
// while reading is paused, and not after Close.
func TestWhatAFullBatchLeavesWaitsForResume(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		client, server := tcpPair(t)
		defer client.Close()
		c := connOn(t, server, ConnOptions{Server: true, Poller: p, deflate: withoutTakeover()})
		one := (&script{server: true}).packed(true, opBinary, string(deflated(t, make([]byte, batchInflated), 9)))
		got := make(chan int, 8)
		c.Start(funcs{readable: func(c *Conn) {
			c.Pause()
			b, err := c.Read()
			if b == nil {
				if err == nil {
					c.Resume()
				}
				return
			}
			got <- len(b.Messages)
			b.Release()
		}})
		if _, err := client.Write(bytes.Repeat(one.Bytes(), 4)); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if n := wait(t, got); n != 1 || len(got) != 0 {
				t.Fatalf("%d messages, and more before Resume: %d", n, len(got))
			}
			c.Resume()
		}
		if n := wait(t, got); n != 1 {
			t.Errorf("%d messages", n)
		}
		_ = c.Close()
		wait(t, c.Done())
		c.Resume()
		if c.part != nil || len(got) != 0 {
			t.Error("something is left after Close")
		}
	})
}

func TestAConnMayBeClosedWithAFullBatchBehind(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		one := (&script{server: true}).packed(true, opBinary, string(deflated(t, make([]byte, batchInflated), 9)))
		for i := range 20 {
			client, server := tcpPair(t)
			c := connOn(t, server, ConnOptions{Server: true, Poller: p, deflate: withoutTakeover()})
			n := 0
			c.Start(funcs{readable: func(c *Conn) {
				if b, _ := c.Read(); b != nil {
					n++
					b.Release()
				}
				if n == 1+i%3 {
					_ = c.Close()
				}
			}})
			_, _ = client.Write(bytes.Repeat(one.Bytes(), 4))
			wait(t, c.Done())
			_ = client.Close()
		}
	})
}
