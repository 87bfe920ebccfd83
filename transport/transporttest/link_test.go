package transporttest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// bubble runs f with a new link in a synctest bubble.
func bubble(t *testing.T, f func(t *testing.T, l *Link)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := NewLink()
		defer l.Close()
		f(t, l)
	})
}

func write(t *testing.T, nc net.Conn, s string) {
	t.Helper()
	if n, err := nc.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("Write: %d, %v", n, err)
	}
}

func read(t *testing.T, nc net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got, err, want)
	}
}

func TestBytesArriveInOrderBothWays(t *testing.T) {
	bubble(t, func(t *testing.T, l *Link) {
		want := make([]byte, 5*capacity+7)
		for i := range want {
			want[i] = byte(i * 7)
		}
		var wg sync.WaitGroup
		for _, way := range [][2]net.Conn{{l.Client(), l.Server()}, {l.Server(), l.Client()}} {
			wg.Go(func() {
				if n, err := way[0].Write(want); n != len(want) || err != nil {
					t.Errorf("Write: %d, %v", n, err)
				}
			})
			wg.Go(func() {
				got := make([]byte, len(want))
				if _, err := io.ReadFull(way[1], got); err != nil || !bytes.Equal(got, want) {
					t.Errorf("other bytes, %v", err)
				}
			})
		}
		wg.Wait()
	})
}

func TestCutDeliversExactlySoManyBytesAndResetsBothEnds(t *testing.T) {
	const text = "0123456789"
	for after := range len(text) + 1 {
		bubble(t, func(t *testing.T, l *Link) {
			write(t, l.Client(), "before")
			read(t, l.Server(), "before")
			l.Cut(ToServer, after)
			if after > 0 { // what lies behind the cut seems to succeed
				write(t, l.Client(), text)
			}
			got, err := io.ReadAll(l.Server())
			if string(got) != text[:after] || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("after %d: read %q, %v", after, got, err)
			}
			if _, err := l.Client().Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("after %d: the writer's Read: %v", after, err)
			}
			if _, err := l.Client().Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("after %d: the writer's Write: %v", after, err)
			}
		})
	}
}

func TestStallHoldsBytesAndTheEndBack(t *testing.T) {
	bubble(t, func(t *testing.T, l *Link) {
		l.Stall(ToServer)
		write(t, l.Client(), "held")
		_ = l.Client().Close()
		got := make(chan string)
		go func() {
			all, err := io.ReadAll(l.Server())
			if err != nil {
				t.Error(err)
			}
			got <- string(all)
		}()
		time.Sleep(time.Hour)
		select {
		case s := <-got:
			t.Fatalf("got %q through a stalled link", s)
		default:
		}
		l.Unstall(ToServer)
		if s := <-got; s != "held" {
			t.Fatalf("got %q", s)
		}
	})
}

func TestAStalledWriterBlocksWhenTheBufferIsFull(t *testing.T) {
	bubble(t, func(t *testing.T, l *Link) {
		l.Stall(ToClient)
		_ = l.Server().SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := l.Server().Write(make([]byte, capacity+1))
		if n != capacity || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%d, %v", n, err)
		}
		if l.Sent(ToClient) != capacity || l.Unread(ToClient) != capacity {
			t.Fatalf("sent %d, unread %d", l.Sent(ToClient), l.Unread(ToClient))
		}
	})
}

func TestTrickleDeliversSomeBytesPerTick(t *testing.T) {
	bubble(t, func(t *testing.T, l *Link) {
		l.Trickle(ToServer, 2, time.Second)
		start := time.Now()
		write(t, l.Client(), "0123456789")
		for i := range 5 {
			p := make([]byte, 10)
			if n, err := l.Server().Read(p); n != 2 || err != nil || time.Since(start) != time.Duration(i+1)*time.Second {
				t.Fatalf("tick %d: %d bytes, %v, after %v", i, n, err, time.Since(start))
			}
		}
		l.Trickle(ToServer, 0, 0)
		write(t, l.Client(), "at once")
		read(t, l.Server(), "at once")
	})
}

func TestCorruptChangesOneByte(t *testing.T) {
	bubble(t, func(t *testing.T, l *Link) {
		write(t, l.Client(), "ab")
		l.Corrupt(ToServer, 1, 'x'^'d')
		write(t, l.Client(), "c")
		write(t, l.Client(), "de")
		read(t, l.Server(), "abcxe")
	})
}

func TestReadDeadlineEndsAWaitAndCanBeMoved(t *testing.T) {
	bubble(t, func(t *testing.T, l *Link) {
		nc := l.Client()
		start := time.Now()
		_ = nc.SetReadDeadline(start.Add(time.Hour))
		go func() {
			time.Sleep(time.Minute)
			_ = nc.SetReadDeadline(start.Add(2 * time.Minute))
		}()
		_, err := nc.Read(make([]byte, 1))
		var ne net.Error
		if !errors.As(err, &ne) || !ne.Timeout() || time.Since(start) != 2*time.Minute {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
		_ = nc.SetDeadline(time.Time{})
		write(t, l.Server(), "alive")
		read(t, nc, "alive")
	})
}

func TestHalfCloseLeavesTheOtherDirection(t *testing.T) {
	bubble(t, func(t *testing.T, l *Link) {
		_ = l.Client().(interface{ CloseWrite() error }).CloseWrite()
		if _, err := l.Server().Read(make([]byte, 1)); err != io.EOF {
			t.Fatal(err)
		}
		if _, err := l.Client().Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Fatal(err)
		}
		write(t, l.Server(), "answer")
		read(t, l.Client(), "answer")
	})
}

func TestCloseEndsLikeASocket(t *testing.T) {
	cases := []struct {
		name   string
		unread string // what the closing end has not read
		linger bool
		want   error
	}{
		{name: "clean", want: nil},
		{name: "unread bytes", unread: "x", want: syscall.ECONNRESET},
		{name: "linger 0", linger: true, want: syscall.ECONNRESET},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, l *Link) {
				if c.unread != "" {
					write(t, l.Client(), c.unread)
				}
				if c.linger {
					_ = l.Server().(interface{ SetLinger(int) error }).SetLinger(0)
				}
				_ = l.Server().Close()
				if _, err := io.ReadAll(l.Client()); !errors.Is(err, c.want) {
					t.Errorf("the peer's Read: %v", err)
				}
				if _, err := l.Server().Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Read after Close: %v", err)
				}
				_, _ = l.Client().Write([]byte("x")) // the first may still seem to work
				if _, err := l.Client().Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("the peer's second Write: %v", err)
				}
			})
		})
	}
}

func TestCloseWakesWhoWaits(t *testing.T) {
	bubble(t, func(t *testing.T, l *Link) {
		failed := make(chan error, 2)
		go func() { _, err := l.Client().Read(make([]byte, 1)); failed <- err }()
		go func() { _, err := l.Client().Write(make([]byte, 2*capacity)); failed <- err }()
		synctest.Wait()
		_ = l.Client().Close()
		for range 2 {
			if err := <-failed; !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
		}
	})
}
