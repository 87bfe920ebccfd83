package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen; it only matters when
// the test fails.
const patience = 10 * time.Second

// kinds are the two ways a Conn can be driven over a real socket.
var kinds = []struct {
	name   string
	polled bool
}{{"polled", true}, {"pumped", false}}

func eachKind(t *testing.T, f func(t *testing.T, p *Poller)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			var p *Poller
			if k.polled {
				p = newTestPoller(t, PollerOptions{})
			}
			f(t, p)
		})
	}
}

func newTestPoller(t *testing.T, o PollerOptions) *Poller {
	t.Helper()
	p, err := NewPoller(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// tcpPair returns both ends of a TCP connection over loopback.
func tcpPair(t testing.TB) (client, server *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// connOn makes a Conn and sees to it that the test ends without it.
func connOn(t testing.TB, nc net.Conn, o ConnOptions) *Conn {
	t.Helper()
	c := NewConn(nc, o)
	t.Cleanup(func() {
		_ = c.Close()
		wait(t, c.Done())
	})
	return c
}

// rawServer returns a started server Conn and the client end of its socket.
func rawServer(t testing.TB, p *Poller, h Handler) (*Conn, *net.TCPConn) {
	t.Helper()
	client, server := tcpPair(t)
	t.Cleanup(func() { _ = client.Close() })
	c := connOn(t, server, ConnOptions{Server: true, Poller: p})
	c.Start(h)
	return c, client
}

func wait[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

// funcs is a Handler.
type funcs struct{ readable, writable func(c *Conn) }

func (f funcs) Readable(c *Conn) {
	if f.readable != nil {
		f.readable(c)
	}
}

func (f funcs) Writable(c *Conn) {
	if f.writable != nil {
		f.writable(c)
	}
}

// inbox is a Handler that reads at once and hands out copies of what came.
type inbox struct {
	messages chan string
	failed   chan error
}

func newInbox() *inbox {
	return &inbox{messages: make(chan string, 1<<16), failed: make(chan error, 16)}
}

func (i *inbox) Writable(*Conn) {}

func (i *inbox) Readable(c *Conn) {
	b, err := c.Read()
	if err != nil {
		i.failed <- err
		return
	}
	if b == nil {
		return
	}
	defer b.Release()
	for _, m := range b.Messages {
		i.messages <- string(m.Payload)
	}
	if b.Err != nil {
		i.failed <- b.Err
	}
	if b.Close != nil {
		i.failed <- b.Close
	}
}

// sender is one writer: it keeps what the Conn has not taken.
type sender struct {
	mu   sync.Mutex
	rest []byte
	err  error
	done chan error // told when all is written, or why not; may be nil
}

func (s *sender) send(c *Conn, p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := len(s.rest) > 0
	s.rest = append(s.rest, p...)
	if !waiting {
		s.flush(c)
	}
}

func (s *sender) writable(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush(c)
}

func (s *sender) flush(c *Conn) {
	n, err := c.Write(s.rest)
	s.rest = s.rest[n:]
	if err != nil {
		s.err = err
	}
	if s.done != nil && (err != nil || len(s.rest) == 0) {
		s.done <- err
	}
}

// echo answers every message; it may be used for one Conn.
type echo struct {
	sender
	closeOnError bool
}

func (e *echo) Writable(c *Conn) { e.writable(c) }

func (e *echo) Readable(c *Conn) {
	b, err := c.Read()
	if err != nil && e.closeOnError {
		_ = c.Close()
	}
	if b == nil {
		return
	}
	defer b.Release()
	var out []byte
	for _, m := range b.Messages {
		out = AppendFrame(out, byte(m.Kind), m.Payload, false)
	}
	e.send(c, out)
}

func clientFrame(op byte, payload string) []byte {
	p := AppendFrame(nil, op, []byte(payload), true)
	SealFrame(p)
	return p
}

func serverFrame(op byte, payload string) []byte {
	return AppendFrame(nil, op, []byte(payload), false)
}

func TestConnCarriesMessagesOfAllSizesBothWays(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		a, b := tcpPair(t)
		limits := &Limits{MaxMessage: -1}
		server := connOn(t, b, ConnOptions{Server: true, Poller: p, Limits: limits})
		client := connOn(t, a, ConnOptions{Poller: p, Limits: limits})
		if client.Polled() != (p != nil) || server.Polled() != (p != nil) {
			t.Fatalf("polled: %v, %v", client.Polled(), server.Polled())
		}
		server.Start(&echo{})
		in, out := newInbox(), &sender{}
		client.Start(funcs{in.Readable, out.writable})
		for _, size := range []int{0, 1, 125, 126, 4096, 65535, 65536, 1 << 20, 5 << 20} {
			want := string(bytes.Repeat([]byte("x"), size))
			out.send(client, clientFrame(opText, want))
			if got := wait(t, in.messages); got != want {
				t.Fatalf("size %d: got %d bytes", size, len(got))
			}
		}
	})
}

func TestConnKeepsOrderInAPipelinedStream(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		a, b := tcpPair(t)
		server := connOn(t, b, ConnOptions{Server: true, Poller: p})
		client := connOn(t, a, ConnOptions{Poller: p})
		assertOrder(t, server, client)
	})
}

// assertOrder sends many messages at once through two fresh Conns and back.
func assertOrder(t *testing.T, server, client *Conn) {
	t.Helper()
	server.Start(&echo{})
	in, out := newInbox(), &sender{}
	client.Start(funcs{in.Readable, out.writable})
	const n = 20000
	var frames []byte
	for i := range n {
		frames = append(frames, clientFrame(opText, fmt.Sprint(i))...)
	}
	out.send(client, frames)
	for i := range n {
		if got := wait(t, in.messages); got != fmt.Sprint(i) {
			t.Fatalf("message %d: got %q", i, got)
		}
	}
}

func TestConnReadsFirstWhatTheHandshakeLeft(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		frame := clientFrame(opText, "behind the handshake")
		for cut := 1; cut <= len(frame); cut++ {
			client, nc := tcpPair(t)
			in := newInbox()
			c := connOn(t, nc, ConnOptions{Server: true, Poller: p, Leftover: frame[:cut]})
			c.Start(in)
			if _, err := client.Write(append(frame[cut:], clientFrame(opText, "next")...)); err != nil {
				t.Fatal(err)
			}
			if got := wait(t, in.messages); got != "behind the handshake" {
				t.Fatalf("cut at %d: got %q", cut, got)
			}
			if got := wait(t, in.messages); got != "next" {
				t.Fatalf("cut at %d: got %q", cut, got)
			}
			_ = client.Close()
		}
	})
}

func TestLeftoverIsToldWithoutAnyByteFromThePeer(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		client, nc := tcpPair(t)
		defer client.Close()
		in := newInbox()
		c := connOn(t, nc, ConnOptions{Server: true, Poller: p, Leftover: clientFrame(opText, "all of it")})
		c.Start(in)
		if got := wait(t, in.messages); got != "all of it" {
			t.Fatalf("got %q", got)
		}
	})
}

func TestWriteCutShortGoesOnWithWritable(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		want := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB: no socket holds that
		out := &sender{done: make(chan error, 1)}
		c, peer := rawServer(t, p, funcs{func(c *Conn) { _, _ = c.Read() }, out.writable})
		out.send(c, want)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(peer, got); err != nil {
			t.Fatal(err)
		}
		if err := wait(t, out.done); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatal("the peer got other bytes")
		}
	})
}

func TestPausePushesThePeerBackUntilResume(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		in := newInbox()
		c, peer := rawServer(t, p, in)
		c.Pause()
		c.Pause() // idempotent
		frame := clientFrame(opText, string(make([]byte, 60<<10)))
		if err := peer.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		sent, n := 0, 0
		var err error
		for err == nil && sent < 256<<20 {
			n, err = peer.Write(frame)
			sent += n
		}
		if err == nil {
			t.Fatalf("the peer was not pushed back within %d bytes", sent)
		}
		if len(in.messages) > 0 {
			t.Fatalf("%d messages while paused", len(in.messages))
		}
		c.Resume()
		_ = peer.SetWriteDeadline(time.Time{})
		if _, err := peer.Write(frame[n:]); err != nil {
			t.Fatal(err)
		}
		for range (sent - n + len(frame)) / len(frame) {
			wait(t, in.messages)
		}
	})
}

func TestReadableWaitsForItsRead(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		readable := make(chan struct{}, 100)
		c, peer := rawServer(t, p, funcs{readable: func(*Conn) { readable <- struct{}{} }})
		for i := range 10 {
			if _, err := peer.Write(clientFrame(opText, fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
			wait(t, readable)
			if _, err := peer.Write(clientFrame(opText, "more")); err != nil {
				t.Fatal(err)
			}
			drain(t, c, readable, 2)
		}
	})
}

// drain reads n messages, each time after Readable was told, except for the
// first.
func drain(t *testing.T, c *Conn, readable <-chan struct{}, n int) {
	t.Helper()
	for {
		if len(readable) != 0 {
			t.Fatal("Readable came twice for one Read")
		}
		b, err := c.Read()
		if err != nil {
			t.Fatal(err)
		}
		if b != nil {
			n -= len(b.Messages)
			b.Release()
		}
		if n == 0 {
			return
		}
		wait(t, readable)
	}
}

func TestTheEndOfThePeerIsAReadErrorAndToldOnce(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		in := newInbox()
		out := &sender{}
		c, peer := rawServer(t, p, funcs{in.Readable, out.writable})
		if _, err := peer.Write(clientFrame(opText, "last")); err != nil {
			t.Fatal(err)
		}
		if err := peer.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := wait(t, in.messages); got != "last" {
			t.Fatalf("got %q", got)
		}
		var re *ReadError
		if err := wait(t, in.failed); !errors.As(err, &re) || !errors.Is(err, io.EOF) {
			t.Fatalf("got %v", err)
		}
		// The other direction still works.
		out.send(c, serverFrame(opText, "answer"))
		got := make([]byte, len(serverFrame(opText, "answer")))
		if _, err := io.ReadFull(peer, got); err != nil {
			t.Fatal(err)
		}
		if len(in.failed) > 0 {
			t.Fatal("the end was told twice")
		}
	})
}

func TestCloseWriteIsSeenByThePeerBehindTheData(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		in, out := newInbox(), &sender{done: make(chan error, 1)}
		c, peer := rawServer(t, p, funcs{in.Readable, out.writable})
		want := serverFrame(opText, "bye")
		out.send(c, want)
		if err := wait(t, out.done); err != nil {
			t.Fatal(err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(peer); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %q, %v", got, err)
		}
		if _, err := peer.Write(clientFrame(opText, "still heard")); err != nil {
			t.Fatal(err)
		}
		if got := wait(t, in.messages); got != "still heard" {
			t.Fatalf("got %q", got)
		}
	})
}

func TestResetOfEitherSideIsAnErrorForTheOther(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		in := newInbox()
		c, peer := rawServer(t, p, in)
		_ = peer.SetLinger(0)
		_ = peer.Close()
		var re *ReadError
		if err := wait(t, in.failed); !errors.As(err, &re) || errors.Is(err, io.EOF) {
			t.Fatalf("got %v, not a reset", err)
		}
		if _, err := c.Write([]byte("x")); p != nil && err == nil {
			t.Fatal("a Write after a reset worked")
		}

		c, peer = rawServer(t, p, newInbox())
		if err := c.Reset(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(peer); err == nil {
			t.Fatal("Reset looked like a clean end")
		}
	})
}

func TestAfterTheCloseFrameEverythingIsThrownAway(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		in := newInbox()
		_, peer := rawServer(t, p, in)
		bye := AppendClosePayload(nil, GoingAway, "")
		if _, err := peer.Write(clientFrame(opClose, string(bye))); err != nil {
			t.Fatal(err)
		}
		var ce *CloseError
		if err := wait(t, in.failed); !errors.As(err, &ce) || ce.Code != GoingAway {
			t.Fatalf("got %v", err)
		}
		for range 100 {
			if _, err := peer.Write(clientFrame(opText, string(make([]byte, 10000)))); err != nil {
				t.Fatal(err)
			}
		}
		_ = peer.CloseWrite()
		if err := wait(t, in.failed); !errors.Is(err, io.EOF) {
			t.Fatalf("got %v", err)
		}
		if len(in.messages) > 0 {
			t.Fatal("messages came after the close frame")
		}
	})
}

func TestCloseFromInsideHandlersEndsTheConn(t *testing.T) {
	cases := map[string]funcs{
		"Readable before Read": {readable: func(c *Conn) { _ = c.Close() }},
		"Readable after Read":  {readable: func(c *Conn) { _, _ = c.Read(); _ = c.Close() }},
		"Readable, then Read": {readable: func(c *Conn) {
			_ = c.Close()
			if _, err := c.Read(); !errors.Is(err, ErrClosed) {
				panic(fmt.Sprint("Read after Close: ", err))
			}
		}},
		"Writable": {
			readable: func(c *Conn) {
				for p := make([]byte, 1<<20); ; {
					if n, err := c.Write(p); n < len(p) || err != nil {
						return
					}
				}
			},
			writable: func(c *Conn) { _ = c.Close() },
		},
	}
	eachKind(t, func(t *testing.T, p *Poller) {
		for name, h := range cases {
			t.Run(name, func(t *testing.T) {
				c, peer := rawServer(t, p, h)
				if _, err := peer.Write(clientFrame(opText, "go")); err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, peer) // ends when the socket is closed
				wait(t, c.Done())
			})
		}
	})
}

func TestCallsAfterCloseSayErrClosed(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		c, _ := rawServer(t, p, newInbox())
		addr := c.RemoteAddr().String()
		for range 3 {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		wait(t, c.Done())
		if _, err := c.Read(); !errors.Is(err, ErrClosed) {
			t.Errorf("Read: %v", err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, ErrClosed) {
			t.Errorf("Write: %v", err)
		}
		if err := c.CloseWrite(); !errors.Is(err, ErrClosed) {
			t.Errorf("CloseWrite: %v", err)
		}
		if c.RemoteAddr().String() != addr {
			t.Errorf("address %v, was %v", c.RemoteAddr(), addr)
		}
		c.Pause()
		c.Resume()
		_ = c.Reset()
	})
}

func TestCloseGivesBackWhatAHalfMessageHolds(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		readable := make(chan struct{}, 1)
		c, peer := rawServer(t, p, funcs{readable: func(*Conn) { readable <- struct{}{} }})
		fragment := clientFrame(opText, "first fragment")
		fragment[0] &^= 0x80 // not the last one
		half := append(fragment, clientFrame(opContinuation, string(make([]byte, 50000)))[:20]...)
		if _, err := peer.Write(half); err != nil {
			t.Fatal(err)
		}
		for c.part == nil || c.d.whole == nil {
			wait(t, readable)
			if b, err := c.Read(); b != nil || err != nil {
				t.Fatal(b, err)
			}
		}
		if cap(c.part.B) > minPart {
			t.Errorf("%d bytes wait in a buffer of %d", len(c.part.B), cap(c.part.B))
		}
		_ = c.Close()
		wait(t, c.Done())
		if c.part != nil || c.d.whole != nil {
			t.Error("a closed connection holds memory")
		}
	})
}

func TestCloseDuringAReadLeavesItsBuffersUntilItEnds(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		readable := make(chan struct{}, 1)
		c, peer := rawServer(t, p, funcs{readable: func(*Conn) { readable <- struct{}{} }})
		if _, err := peer.Write(clientFrame(opText, "x")); err != nil {
			t.Fatal(err)
		}
		wait(t, readable)
		if ok, err := c.s.beginRead(); !ok {
			t.Fatal(err)
		}
		if b, err := c.Read(); b != nil || err != nil {
			t.Errorf("a second Read at the same time: %v, %v", b, err)
		}
		_ = c.Close()
		c.part = NewBuffer(1)
		c.s.endRead(false, false)
		wait(t, c.Done())
		if c.part != nil {
			t.Error("a closed connection holds memory")
		}
	})
}

func TestCloseWriteWaitsForAllThatIsBeingWritten(t *testing.T) {
	out := &sender{done: make(chan error, 1)}
	c, peer := rawServer(t, nil, funcs{newInbox().Readable, out.writable})
	const n = 16 << 20
	out.send(c, make([]byte, n))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(peer); len(got) != n || err != nil {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if err := wait(t, out.done); err != nil {
		t.Fatal(err)
	}
}

func TestReadsGrowWhileTheyFillTheirBuffers(t *testing.T) {
	steps := []struct {
		size, before, n int
		full            bool
		want            int32
	}{
		{16 << 10, 0, 100, false, 0},
		{16 << 10, 0, 16 << 10, true, 64 << 10},
		{80 << 10, 0, 80 << 10, true, 320 << 10},
		{320 << 10, 0, 320 << 10, true, 320 << 10},
		{320 << 10, 0, 100 << 10, false, 320 << 10}, // still much at once
		{320 << 10, 500, 100, false, 320 << 10},     // in the middle of a frame
		{320 << 10, 0, 100, false, 0},
	}
	var c Conn
	for i, s := range steps {
		if c.adapt(s.size, s.before, s.n, s.full); c.hint != s.want {
			t.Errorf("step %d: %d, want %d", i, c.hint, s.want)
		}
	}
}

func TestAConnThatWasNeverStartedCanBeClosed(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		peer, nc := tcpPair(t)
		defer peer.Close()
		c := NewConn(nc, ConnOptions{Server: true, Poller: p, Leftover: []byte("x")})
		_, _ = peer.Write([]byte("y"))
		_ = c.Close()
		wait(t, c.Done())
		c.Start(newInbox())
	})
}

func TestWritesBeforeStartAreNotForgotten(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		peer, nc := tcpPair(t)
		defer peer.Close()
		c := connOn(t, nc, ConnOptions{Server: true, Poller: p})
		out := &sender{done: make(chan error, 1)}
		want := bytes.Repeat([]byte("z"), 8<<20)
		out.send(c, want)
		c.Start(funcs{writable: out.writable, readable: func(c *Conn) { _, _ = c.Read() }})
		got := make([]byte, len(want))
		if _, err := io.ReadFull(peer, got); err != nil {
			t.Fatal(err)
		}
		if err := wait(t, out.done); err != nil {
			t.Fatal(err)
		}
	})
}

func TestConnsMayBeUsedAndClosedByAllAtOnce(t *testing.T) {
	eachKind(t, func(t *testing.T, p *Poller) {
		for range 60 {
			a, b := tcpPair(t)
			client := connOn(t, a, ConnOptions{Poller: p})
			server := connOn(t, b, ConnOptions{Server: true, Poller: p})
			server.Start(&echo{})
			in, out := newInbox(), &sender{}
			client.Start(funcs{in.Readable, out.writable})
			out.send(client, clientFrame(opText, "hello"))
			wait(t, in.messages)
			var wg sync.WaitGroup
			for _, c := range []*Conn{client, server} {
				for _, f := range []func(){
					c.Pause, c.Resume,
					func() { _ = c.Close() },
					func() { _ = c.Reset() },
					func() { _ = c.CloseWrite() },
					func() { <-c.Done() },
				} {
					wg.Go(f)
				}
			}
			wg.Go(func() { out.send(client, clientFrame(opText, "late")) })
			wg.Wait()
		}
	})
}
