package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// oneLoop returns a Poller whose connections all share one loop.
func oneLoop(t *testing.T, patience time.Duration) *Poller {
	t.Helper()
	return newTestPoller(t, PollerOptions{Loops: 1, Patience: patience})
}

// turns is what the loops of p have done so far.
func turns(p *Poller) (sum uint64) {
	for _, l := range p.loops {
		sum += l.watchdog.now.Load()
	}
	return sum
}

// pause lets the kernel and the loops do what they would do. It is for tests
// that show that nothing is done, where no virtual time can help.
func pause() { <-time.After(50 * time.Millisecond) }

// assertQuiet fails if the loops of p never stop doing things or keep a watchdog
// running. A busy machine may need several looks.
func assertQuiet(t *testing.T, p *Poller) {
	t.Helper()
	var steps uint64
	var armed bool
	for range 20 {
		before := turns(p)
		pause()
		steps, armed = turns(p)-before, false
		for _, l := range p.loops {
			armed = armed || l.watchdog.armed.Load()
		}
		if steps == 0 && !armed {
			return
		}
	}
	t.Errorf("while nothing happens the loops make %d steps; the watchdog runs: %v", steps, armed)
}

// pingPong sends a message and waits for its echo.
func pingPong(t testing.TB, peer net.Conn, message string) {
	t.Helper()
	_ = peer.SetDeadline(time.Now().Add(patience))
	if _, err := peer.Write(clientFrame(opText, message)); err != nil {
		t.Fatal(err)
	}
	want := serverFrame(opText, message)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(peer, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestAHandlerThatBlocksDelaysNobodyElseOnItsLoop(t *testing.T) {
	p := oneLoop(t, 0)
	release := make(chan struct{})
	blocked := make(chan struct{}, 1)
	_, stuck := rawServer(t, p, funcs{readable: func(c *Conn) {
		blocked <- struct{}{}
		<-release
		b, _ := c.Read()
		if b != nil {
			b.Release()
		}
	}})
	_, other := rawServer(t, p, &echo{})
	if _, err := stuck.Write(clientFrame(opText, "x")); err != nil {
		t.Fatal(err)
	}
	wait(t, blocked)
	// Its own events must not call it again, nor keep the loop busy.
	if _, err := stuck.Write(clientFrame(opText, "y")); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		pingPong(t, other, fmt.Sprint(i))
	}
	assertQuiet(t, p)
	if p.Handoffs() == 0 {
		t.Error("no hand-off was counted")
	}
	if len(blocked) != 0 {
		t.Error("Readable overlapped itself")
	}
	close(release)
	pingPong(t, other, "after")
}

func TestABlockedWritableDelaysNobodyElse(t *testing.T) {
	p := oneLoop(t, 0)
	release, blocked := make(chan struct{}), make(chan struct{}, 1)
	c, stuck := rawServer(t, p, funcs{writable: func(c *Conn) {
		fillSocket(c) // wants the next Writable at once
		blocked <- struct{}{}
		<-release
	}})
	_, other := rawServer(t, p, &echo{})
	fillSocket(c)
	go func() { _, _ = io.Copy(io.Discard, stuck) }()
	wait(t, blocked)
	for i := range 100 {
		pingPong(t, other, fmt.Sprint(i))
	}
	assertQuiet(t, p)
	if len(blocked) != 0 {
		t.Error("Writable overlapped itself")
	}
	close(release)
	wait(t, blocked)
	_ = c.Close()
}

// fillSocket writes until the socket is full, however fast its peer reads.
func fillSocket(c *Conn) {
	p := make([]byte, 1<<20)
	for {
		if n, err := c.Write(p); n < len(p) || err != nil {
			return
		}
	}
}

func TestManyHandlersMayBlockOnOneLoop(t *testing.T) {
	p := oneLoop(t, 0)
	const n = 20
	release, blocked := make(chan struct{}), make(chan struct{}, n)
	for range n {
		_, peer := rawServer(t, p, funcs{readable: func(c *Conn) {
			blocked <- struct{}{}
			<-release
			_ = c.Close()
		}})
		if _, err := peer.Write(clientFrame(opText, "x")); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		wait(t, blocked)
	}
	_, other := rawServer(t, p, &echo{})
	pingPong(t, other, "still there")
	close(release)
}

func TestNegativePatienceNeverHandsOff(t *testing.T) {
	p := oneLoop(t, -1)
	_, peer := rawServer(t, p, funcs{readable: func(c *Conn) {
		pause()
		_ = c.Close()
	}})
	_, _ = peer.Write([]byte("x"))
	_, _ = io.Copy(io.Discard, peer)
	if p.Handoffs() != 0 {
		t.Fatalf("%d hand-offs", p.Handoffs())
	}
}

func TestIdleConnectionsCostNothing(t *testing.T) {
	p := newTestPoller(t, PollerOptions{})
	rawServer(t, p, &echo{}) // starts the loops
	goroutines := runtime.NumGoroutine()
	var peers []net.Conn
	var conns []*Conn
	for range 200 {
		c, peer := rawServer(t, p, &echo{})
		pingPong(t, peer, "warm")
		peers, conns = append(peers, peer), append(conns, c)
	}
	assertQuiet(t, p)
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines for %d idle connections", n-goroutines, len(peers))
	}
	for _, c := range conns {
		s := c.s.(*pollStream)
		if ok, err := s.beginRead(); !ok {
			t.Fatal(err)
		}
		if c.part != nil || c.d.whole != nil || s.ch != nil {
			t.Error("an idle connection holds memory")
		}
		s.endRead(false, false)
	}
	if size := unsafe.Sizeof(polledConn{}); size > 300 {
		t.Errorf("an idle connection has %d bytes", size)
	}
}

// What has no taker must not be reported over and over again.
func TestEventsWithoutATakerDoNotKeepTheLoopBusy(t *testing.T) {
	ignore := funcs{}
	cases := map[string]func(t *testing.T, p *Poller){
		"data while paused": func(t *testing.T, p *Poller) {
			c, peer := rawServer(t, p, newInbox())
			c.Pause()
			_, _ = peer.Write(clientFrame(opText, "x"))
		},
		"reset while paused": func(t *testing.T, p *Poller) {
			c, peer := rawServer(t, p, newInbox())
			c.Pause()
			_ = peer.SetLinger(0)
			_ = peer.Close()
		},
		"half close while paused": func(t *testing.T, p *Poller) {
			c, peer := rawServer(t, p, newInbox())
			c.Pause()
			_ = peer.CloseWrite()
		},
		"data that is never read": func(t *testing.T, p *Poller) {
			_, peer := rawServer(t, p, ignore)
			_, _ = peer.Write(clientFrame(opText, "x"))
		},
		"half close after it was read": func(t *testing.T, p *Poller) {
			in := newInbox()
			_, peer := rawServer(t, p, in)
			_ = peer.CloseWrite()
			wait(t, in.failed)
		},
		"reset after it was read": func(t *testing.T, p *Poller) {
			in := newInbox()
			_, peer := rawServer(t, p, in)
			_ = peer.SetLinger(0)
			_ = peer.Close()
			wait(t, in.failed)
		},
		"both ends closed for writing": func(t *testing.T, p *Poller) {
			in := newInbox()
			c, peer := rawServer(t, p, in)
			_ = c.CloseWrite()
			_ = peer.CloseWrite()
			wait(t, in.failed)
		},
		"room to write that nobody uses": func(t *testing.T, p *Poller) {
			c, peer := rawServer(t, p, ignore)
			fillSocket(c)
			go func() { _, _ = io.Copy(io.Discard, peer) }()
		},
		"reset while a write waits": func(t *testing.T, p *Poller) {
			c, peer := rawServer(t, p, ignore)
			c.Pause()
			fillSocket(c)
			_ = peer.SetLinger(0)
			_ = peer.Close()
		},
		"data before Start": func(t *testing.T, p *Poller) {
			peer, nc := tcpPair(t)
			connOn(t, nc, ConnOptions{Server: true, Poller: p})
			_, _ = peer.Write(clientFrame(opText, "x"))
			_ = peer.SetLinger(0)
			_ = peer.Close()
		},
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			p := oneLoop(t, 0)
			f(t, p)
			assertQuiet(t, p)
		})
	}
}

func TestPausedConnHearsOfAResetAfterResume(t *testing.T) {
	p := oneLoop(t, 0)
	in := newInbox()
	c, peer := rawServer(t, p, in)
	c.Pause()
	_ = peer.SetLinger(0)
	_ = peer.Close()
	pause()
	c.Resume()
	if err := wait(t, in.failed); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("got %v", err)
	}
}

// Descriptors are given away again at once. No connection may ever see what
// belongs to one that had its number before.
func TestReusedDescriptorsNeverMixConnections(t *testing.T) {
	p := newTestPoller(t, PollerOptions{Loops: 2})
	var wrong atomic.Int32
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 150 {
				name := fmt.Sprintf("worker %d connection %d", w, i)
				a, b := tcpPair(t)
				c := NewConn(b, ConnOptions{Server: true, Poller: p})
				got := make(chan struct{})
				var once sync.Once
				c.Start(funcs{readable: func(c *Conn) {
					batch, err := c.Read()
					if batch != nil {
						for _, m := range batch.Messages {
							if string(m.Payload) != name {
								wrong.Add(1)
							}
						}
						batch.Release()
					}
					if batch != nil || err != nil {
						once.Do(func() { close(got) })
					}
				}})
				_, _ = a.Write(clientFrame(opText, name))
				if i%3 != 0 {
					<-got
				}
				// Others use it while it goes away.
				wg.Go(func() { _, _ = c.Write(serverFrame(opText, name)) })
				wg.Go(c.Resume)
				_ = c.Close()
				if all, _ := io.ReadAll(a); len(all) > 0 && !bytes.Equal(all, serverFrame(opText, name)) {
					wrong.Add(1)
				}
				_ = a.Close()
			}
		})
	}
	wg.Wait()
	if wrong.Load() > 0 {
		t.Fatalf("%d connections got what belongs to others", wrong.Load())
	}
}

func TestEventsOfAnEarlierGenerationFindNobody(t *testing.T) {
	p := oneLoop(t, 0)
	old, _ := rawServer(t, p, funcs{})
	stale := old.s.(*pollStream).event()
	_ = old.Close()
	fresh, _ := rawServer(t, p, funcs{})
	s := fresh.s.(*pollStream)
	if s.slot != stale.Fd {
		t.Fatalf("slot %d was not used again, got %d", stale.Fd, s.slot)
	}
	var found [2]*pollStream
	s.l.find([]unix.EpollEvent{stale, s.event()}, found[:])
	if found[0] != nil || found[1] != s {
		t.Fatalf("found %v", found)
	}
}

func TestEchoOverManyConnectionsAtOnce(t *testing.T) {
	p := newTestPoller(t, PollerOptions{Loops: 2})
	var wg sync.WaitGroup
	for i := range 300 {
		_, peer := rawServer(t, p, &echo{})
		wg.Go(func() {
			for j := range 10 {
				pingPong(t, peer, fmt.Sprint(i, j))
			}
		})
	}
	wg.Wait()
}

func TestPollerCloseClosesWhatIsLeft(t *testing.T) {
	p, err := NewPoller(PollerOptions{Loops: 2})
	if err != nil {
		t.Fatal(err)
	}
	c, peer := rawServer(t, p, &echo{})
	pingPong(t, peer, "x")
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Fatal(err)
	}
	wait(t, c.Done())
	if _, err := io.ReadAll(peer); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutAPlaceInThePollerAGoroutineReads(t *testing.T) {
	closed, err := NewPoller(PollerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	live := newTestPoller(t, PollerOptions{})
	cases := map[string]func(nc net.Conn) *Conn{
		"closed poller": func(nc net.Conn) *Conn {
			return NewConn(nc, ConnOptions{Server: true, Poller: closed})
		},
		"no descriptors": func(nc net.Conn) (c *Conn) {
			withoutDescriptors(t, func() { c = NewConn(nc, ConnOptions{Server: true, Poller: live}) })
			return c
		},
		"wrapped": func(nc net.Conn) *Conn {
			return NewConn(struct{ net.Conn }{nc}, ConnOptions{Server: true, Poller: live})
		},
	}
	for name, adopt := range cases {
		t.Run(name, func(t *testing.T) {
			peer, nc := tcpPair(t)
			defer peer.Close()
			c := adopt(nc)
			defer func() { _ = c.Close(); wait(t, c.Done()) }()
			if c.Polled() {
				t.Fatal("it is polled")
			}
			c.Start(&echo{})
			pingPong(t, peer, "hello")
		})
	}
}

// withoutDescriptors runs f while the process may open no more of them.
func withoutDescriptors(t *testing.T, f func()) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	next, err := syscall.Dup(0) // the lowest number that is free
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.Close(next)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(next), Max: was.Max}); err != nil {
		t.Skip("may not lower the limit: ", err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

func TestFailedDialsAndClosesLeakNoDescriptors(t *testing.T) {
	p := newTestPoller(t, PollerOptions{})
	count := func() int {
		fd, err := syscall.Dup(0)
		if err != nil {
			t.Fatal(err)
		}
		_ = syscall.Close(fd)
		return fd
	}
	before := count()
	for range 50 {
		a, b := tcpPair(t)
		c, d := NewConn(a, ConnOptions{Poller: p}), NewConn(b, ConnOptions{Server: true, Poller: p})
		c.Start(newInbox())
		_ = c.Close()
		_ = d.Close()
	}
	if after := count(); after > before+2 {
		t.Fatalf("the lowest free descriptor went from %d to %d", before, after)
	}
}

func BenchmarkPingPong64Bytes(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			var p *Poller
			if k.polled {
				p, _ = NewPoller(PollerOptions{})
				defer p.Close()
			}
			_, peer := rawServer(b, p, &echo{})
			frame := clientFrame(opBinary, string(make([]byte, 64)))
			in := make([]byte, len(frame)-4)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = peer.Write(frame)
				_, _ = io.ReadFull(peer, in)
			}
		})
	}
}
