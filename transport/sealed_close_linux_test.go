package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestCloseFromInsideHandlersEndsTheSealedConn(t *testing.T) {
	cases := map[string]funcs{
		"Readable before Read": {readable: func(c *Conn) { _ = c.Close() }},
		"Readable after Read":  {readable: func(c *Conn) { _, _ = c.Read(); _ = c.Close() }},
		"Readable, then all": {readable: func(c *Conn) {
			_ = c.Close()
			_, r := c.Read()
			_, w := c.Write([]byte("x"))
			for _, err := range []error{r, w, c.CloseWrite()} {
				if !errors.Is(err, ErrClosed) {
					panic(fmt.Sprint("after Close: ", err))
				}
			}
		}},
		"Writable": {writable: func(c *Conn) { _ = c.Close() }},
	}
	k := newSealing(t, newTestPoller(t, PollerOptions{}), tls.VersionTLS13)
	for name, h := range cases {
		t.Run(name, func(t *testing.T) {
			k.eachRole(t, func(t *testing.T, e *sealedEnd) {
				e.c.Start(h)
				if h.writable != nil {
					fillSocket(e.c)
				}
				e.say(t, e.frame("go"))
				_, _ = io.Copy(io.Discard, e.wire) // ends when the socket is closed
				wait(t, e.c.Done())
			})
		})
	}
}

func TestSealedCloseGivesBackWhatWaits(t *testing.T) {
	eachSealed(t, func(t *testing.T, e *sealedEnd) {
		readable := make(chan struct{}, 1)
		e.c.Start(funcs{readable: func(*Conn) { readable <- struct{}{} }})
		fillSocket(e.c)
		fragment := e.frame("first fragment")
		fragment[0] &^= 0x80 // not the last one
		next := e.frame(string(make([]byte, 50000)))[:3]
		next[0] = 0x80 | opContinuation
		e.say(t, append(fragment, next...))
		for e.c.part == nil || e.c.d.whole == nil {
			wait(t, readable)
			if b, err := e.c.Read(); b != nil || err != nil {
				t.Fatal(b, err)
			}
		}
		s := e.c.s.(*sealedStream)
		for n, _ := e.waiting(); n == 0; n, _ = e.waiting() {
			fillSocket(e.c)
		}
		if s.in != nil {
			t.Error("what the socket has brought is kept")
		}
		start := time.Now()
		_ = e.c.Close()
		wait(t, e.c.Done())
		if d := time.Since(start); d > 3*time.Second { // tls.Conn.Close takes five
			t.Errorf("a peer that does not read delays Close by %v", d)
		}
		if s.cipher != nil || s.in != nil || e.c.part != nil || e.c.d.whole != nil {
			t.Error("a closed connection holds memory")
		}
	})
}

func TestSealedConnsMayBeUsedAndClosedByAllAtOnce(t *testing.T) {
	eachVersion(t, func(t *testing.T, k *sealing) {
		much := pattern(1 << 20)
		for i := range 30 {
			e := k.asServer(t)
			if i%2 == 1 {
				e = k.asClient(t)
			}
			out := &sender{}
			in := newInbox()
			e.c.Start(funcs{in.Readable, out.writable})
			e.say(t, e.frame("hello"))
			wait(t, in.messages)
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = io.Copy(io.Discard, e.peer) })
			wg.Go(func() {
				for range 1000 {
					if _, err := e.peer.Write(e.frame("more")); err != nil {
						return
					}
				}
			})
			wg.Go(func() { out.send(e.c, much) })
			wait(t, in.messages)
			for _, f := range []func(){
				e.c.Pause, e.c.Resume,
				func() { _ = e.c.CloseWrite() },
				func() { _ = e.c.Exhausted() },
				func() { _ = e.c.Close() },
				func() { _ = e.c.Reset() },
				func() { <-e.c.Done() },
			} {
				wg.Go(f)
			}
			wg.Wait()
			if s := e.c.s.(*sealedStream); s.cipher != nil || s.in != nil || e.c.part != nil {
				t.Error("a closed connection holds memory")
			}
		}
	})
}

func TestIdleSealedConnectionsCostNoGoroutineAndNoBuffer(t *testing.T) {
	p := newTestPoller(t, PollerOptions{})
	k := newSealing(t, p, tls.VersionTLS13)
	k.asServer(t).c.Start(&echo{}) // starts the loops
	assertQuiet(t, p)
	goroutines := runtime.NumGoroutine()
	var ends []*sealedEnd
	for i := range 200 {
		e := k.asServer(t)
		if i%2 == 1 {
			e = k.asClient(t)
		}
		in := newInbox()
		e.c.Start(in)
		e.say(t, e.frame("warm"))
		wait(t, in.messages)
		if _, err := e.c.Write([]byte("warm")); err != nil {
			t.Fatal(err)
		}
		e.hear(t, []byte("warm"))
		ends = append(ends, e)
	}
	assertQuiet(t, p)
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines for %d idle connections", n-goroutines, len(ends))
	}
	for _, e := range ends {
		s := e.c.s.(*sealedStream)
		if ok, err := s.beginRead(); !ok {
			t.Fatal(err)
		}
		if n, held := e.waiting(); n+held > 0 || s.in != nil || e.c.part != nil {
			t.Error("an idle connection holds memory")
		}
		s.endRead(false, false)
	}
}

func TestPollerCloseClosesSealedConnsToo(t *testing.T) {
	eachVersion(t, func(t *testing.T, k *sealing) {
		ends := []*sealedEnd{k.asServer(t), k.asClient(t)}
		for _, e := range ends {
			e.c.Start(newInbox())
		}
		if err := k.p.Close(); err != nil {
			t.Fatal(err)
		}
		for _, e := range ends {
			wait(t, e.c.Done())
			if _, err := io.Copy(io.Discard, e.wire); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestSealedCloseSaysGoodbye(t *testing.T) {
	eachSealed(t, func(t *testing.T, e *sealedEnd) {
		e.c.Start(newInbox())
		if _, err := e.c.Write([]byte("all before")); err != nil {
			t.Fatal(err)
		}
		e.hear(t, []byte("all before"))
		_ = e.c.Close()
		rest, err := io.ReadAll(e.wire.TCPConn)
		if len(rest) < 7 || err != nil { // an alert of two bytes and its header
			t.Fatalf("behind the data came %d bytes, %v", len(rest), err)
		}
	})
}
