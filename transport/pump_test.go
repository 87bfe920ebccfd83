package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// log is a Handler that reads at once and notes what happened.
type log struct {
	mu sync.Mutex
	entries
	rest []byte // not written
}

type entries struct {
	messages []string
	err      error // why reading ended
	wire     error // Batch.Err
	wrote    int
	left     int // len(rest)
	writeErr error
}

// sofar returns what has been noted when everyone waits.
func (g *log) sofar() entries {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.entries
}

func (g *log) Readable(c *transport.Conn) {
	b, err := c.Read()
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.err = err
	}
	if b == nil {
		return
	}
	defer b.Release()
	for _, m := range b.Messages {
		g.messages = append(g.messages, string(m.Payload))
	}
	if b.Err != nil {
		g.wire = b.Err
	}
}

func (g *log) Writable(c *transport.Conn) { g.write(c, nil) }

func (g *log) write(c *transport.Conn, p []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rest = append(g.rest, p...)
	n, err := c.Write(g.rest)
	g.rest = g.rest[n:]
	g.wrote += n
	g.left = len(g.rest)
	if err != nil {
		g.writeErr = err
	}
}

// pumped runs f in a bubble with a started server Conn over a link; f plays the
// client on the link's other end.
func pumped(t *testing.T, f func(t *testing.T, c *transport.Conn, g *log, l *transporttest.Link)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := transporttest.NewLink()
		c := transport.NewConn(l.Server(), transport.ConnOptions{Server: true})
		g := &log{}
		c.Start(g)
		defer func() {
			_ = c.Close()
			<-c.Done()
			l.Close()
		}()
		f(t, c, g, l)
	})
}

func masked(payload string) []byte {
	p := transport.AppendFrame(nil, byte(transport.Text), []byte(payload), true)
	transport.SealFrame(p)
	return p
}

func send(t *testing.T, w io.Writer, p []byte) {
	t.Helper()
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
}

func TestACutAtAnyByteDeliversWholeMessagesOnly(t *testing.T) {
	var wire []byte
	var ends []int
	texts := []string{"one", "", "three", string(make([]byte, 200)), "five"}
	for _, text := range texts {
		wire = append(wire, masked(text)...)
		ends = append(ends, len(wire))
	}
	for cut := range len(wire) + 1 {
		pumped(t, func(t *testing.T, _ *transport.Conn, g *log, l *transporttest.Link) {
			l.Cut(transporttest.ToServer, cut)
			_, _ = l.Client().Write(wire)
			synctest.Wait()
			whole := 0
			for whole < len(ends) && ends[whole] <= cut {
				whole++
			}
			if !slices.Equal(g.sofar().messages, texts[:whole]) {
				t.Errorf("cut at %d: got %q", cut, g.sofar().messages)
			}
			var re *transport.ReadError
			if !errors.As(g.sofar().err, &re) || !errors.Is(g.sofar().err, syscall.ECONNRESET) {
				t.Errorf("cut at %d: %v", cut, g.sofar().err)
			}
		})
	}
}

func TestAStalledPeerIsSilenceAndNothingMore(t *testing.T) {
	pumped(t, func(t *testing.T, _ *transport.Conn, g *log, l *transporttest.Link) {
		l.Stall(transporttest.ToServer)
		send(t, l.Client(), masked("late"))
		time.Sleep(24 * time.Hour)
		if g.sofar().err != nil || len(g.sofar().messages) > 0 {
			t.Fatalf("%q, %v", g.sofar().messages, g.sofar().err)
		}
		l.Unstall(transporttest.ToServer)
		if !slices.Equal(g.sofar().messages, []string{"late"}) {
			t.Fatalf("%q", g.sofar().messages)
		}
	})
}

func TestAMessageThatTricklesArrivesWithItsLastByte(t *testing.T) {
	pumped(t, func(t *testing.T, _ *transport.Conn, g *log, l *transporttest.Link) {
		l.Trickle(transporttest.ToServer, 1, time.Second)
		wire := masked("slowly, slowly")
		send(t, l.Client(), wire)
		time.Sleep(time.Duration(len(wire))*time.Second - time.Millisecond)
		if len(g.sofar().messages) > 0 {
			t.Fatal("it came too early")
		}
		time.Sleep(time.Millisecond)
		if !slices.Equal(g.sofar().messages, []string{"slowly, slowly"}) {
			t.Fatalf("%q", g.sofar().messages)
		}
	})
}

func TestACorruptHeaderIsAProtocolError(t *testing.T) {
	pumped(t, func(t *testing.T, _ *transport.Conn, g *log, l *transporttest.Link) {
		wire := append(masked("good"), masked("bad")...)
		l.Corrupt(transporttest.ToServer, len(masked("good")), 0x70) // reserved bits
		send(t, l.Client(), wire)
		send(t, l.Client(), masked("lost"))
		_ = l.Client().Close()
		synctest.Wait()
		var pe *transport.ProtocolError
		if !errors.As(g.sofar().wire, &pe) || pe.Code != transport.ProtocolFailure {
			t.Errorf("got %v", g.sofar().wire)
		}
		if !slices.Equal(g.sofar().messages, []string{"good"}) {
			t.Errorf("messages: %q", g.sofar().messages)
		}
		if !errors.Is(g.sofar().err, io.EOF) {
			t.Errorf("the end: %v", g.sofar().err)
		}
	})
}

func TestPauseHoldsThePumpAndThePeer(t *testing.T) {
	pumped(t, func(t *testing.T, c *transport.Conn, g *log, l *transporttest.Link) {
		c.Pause()
		var peer sync.WaitGroup
		const n = 200
		peer.Go(func() {
			for range n {
				_, _ = l.Client().Write(masked(string(make([]byte, 1000))))
			}
		})
		time.Sleep(time.Hour)
		if len(g.sofar().messages) > 0 || l.Sent(transporttest.ToServer) > 100<<10 {
			t.Errorf("%d messages, %d bytes sent", len(g.sofar().messages), l.Sent(transporttest.ToServer))
		}
		c.Resume()
		peer.Wait()
		if len(g.sofar().messages) != n {
			t.Errorf("%d messages", len(g.sofar().messages))
		}
	})
}

func TestThePumpReadsOnOnlyWhenReadHasTakenWhatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := transporttest.NewLink()
		defer l.Close()
		c := transport.NewConn(l.Server(), transport.ConnOptions{Server: true})
		told := 0
		c.Start(handler{readable: func(*transport.Conn) { told++ }})
		wire := masked(string(make([]byte, 5000)))
		send(t, l.Client(), wire)
		time.Sleep(time.Hour)
		synctest.Wait()
		if told != 1 || l.Unread(transporttest.ToServer) < 4000 {
			t.Errorf("told %d times, %d bytes unread", told, l.Unread(transporttest.ToServer))
		}
		for b, err := c.Read(); b == nil; b, err = c.Read() {
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		_ = c.Close()
		<-c.Done()
	})
}

// handler is a Handler of functions.
type handler struct{ readable, writable func(*transport.Conn) }

func (h handler) Readable(c *transport.Conn) { h.readable(c) }
func (h handler) Writable(c *transport.Conn) { h.writable(c) }

func TestAByteCountsAsWrittenWhenTheSocketTookIt(t *testing.T) {
	pumped(t, func(t *testing.T, c *transport.Conn, g *log, l *transporttest.Link) {
		l.Stall(transporttest.ToClient)
		want := bytes.Repeat([]byte("0123456789"), 20000)
		g.write(c, want)
		time.Sleep(time.Hour)
		if sent := l.Sent(transporttest.ToClient); g.sofar().wrote != sent || g.sofar().left != len(want)-sent {
			t.Fatalf("%d bytes counted, %d written", g.sofar().wrote, sent)
		}
		l.Unstall(transporttest.ToClient)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(l.Client(), got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("other bytes, %v", err)
		}
		if g.sofar().wrote != len(want) || g.sofar().left > 0 || g.sofar().writeErr != nil {
			t.Fatalf("%d written, %d left, %v", g.sofar().wrote, g.sofar().left, g.sofar().writeErr)
		}
	})
}

func TestAWriteThatFailsTellsHowFarItCame(t *testing.T) {
	pumped(t, func(t *testing.T, c *transport.Conn, g *log, l *transporttest.Link) {
		g.write(c, make([]byte, 100<<10)) // more than the link holds
		synctest.Wait()
		l.Reset()
		synctest.Wait()
		var we *transport.WriteError
		if !errors.As(g.sofar().writeErr, &we) || !errors.Is(g.sofar().writeErr, syscall.ECONNRESET) {
			t.Errorf("got %v", g.sofar().writeErr)
		}
		if g.sofar().wrote != 64<<10 {
			t.Errorf("%d bytes", g.sofar().wrote)
		}
	})
}

func TestCloseWriteComesBehindWhatIsBeingWritten(t *testing.T) {
	pumped(t, func(t *testing.T, c *transport.Conn, g *log, l *transporttest.Link) {
		l.Stall(transporttest.ToClient)
		g.write(c, make([]byte, 60<<10))
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		l.Unstall(transporttest.ToClient)
		got, err := io.ReadAll(l.Client())
		if len(got) != 60<<10 || err != nil {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	})
}

func TestCloseEndsABlockedWriteAndABlockedRead(t *testing.T) {
	pumped(t, func(t *testing.T, c *transport.Conn, g *log, l *transporttest.Link) {
		l.Stall(transporttest.ToClient)
		g.write(c, make([]byte, 200<<10))
		synctest.Wait()
		start := time.Now()
		_ = c.Close()
		<-c.Done()
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v", d)
		}
		if g.sofar().writeErr != nil || g.sofar().err != nil {
			t.Errorf("told after Close: %v, %v", g.sofar().writeErr, g.sofar().err)
		}
	})
}

func TestResetOverAWrappedConnection(t *testing.T) {
	pumped(t, func(t *testing.T, c *transport.Conn, _ *log, l *transporttest.Link) {
		_ = c.Reset()
		if _, err := l.Client().Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestWritableCallsNeverOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := transporttest.NewLink()
		defer l.Close()
		c := transport.NewConn(l.Server(), transport.ConnOptions{Server: true})
		var mu sync.Mutex
		calls := 0
		c.Start(handler{
			readable: func(*transport.Conn) {},
			writable: func(c *transport.Conn) {
				if !mu.TryLock() {
					t.Error("Writable overlaps itself")
					return
				}
				defer mu.Unlock()
				calls++
				if n, err := c.Write([]byte("xy")); n != 1 && calls > 1 || err != nil {
					t.Errorf("Write: %d, %v", n, err)
				}
				time.Sleep(time.Second) // the write is over long before
			},
		})
		_, _ = c.Write([]byte("x"))
		time.Sleep(10 * time.Second)
		_ = c.Close()
		<-c.Done()
		if calls < 2 {
			t.Errorf("%d calls", calls)
		}
	})
}

func TestTheStreamOfAPumpIsReadInPiecesOfAnySize(t *testing.T) {
	for _, size := range []int{1, 511, 512, 513, 16 << 10, 60 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			pumped(t, func(t *testing.T, _ *transport.Conn, g *log, l *transporttest.Link) {
				var want []string
				for i := range 50 {
					text := fmt.Sprint(i, string(make([]byte, size)))
					want = append(want, text)
					send(t, l.Client(), masked(text))
				}
				if !slices.Equal(g.sofar().messages, want) {
					t.Fatalf("%d messages, not %d", len(g.sofar().messages), len(want))
				}
			})
		})
	}
}

func TestAWriteThatEndedBeforeStartIsToldAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := transporttest.NewLink()
		defer l.Close()
		c := transport.NewConn(l.Server(), transport.ConnOptions{Server: true})
		g := &log{}
		g.write(c, []byte("early"))
		synctest.Wait()
		c.Start(g)
		if wrote := g.sofar().wrote; wrote != len("early") {
			t.Errorf("%d bytes", wrote)
		}
		_ = c.Close()
		<-c.Done()
	})
}
