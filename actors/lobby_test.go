package actors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// call opens a socket to the server and says something.
func (w *world) call(said string) net.Conn {
	w.t.Helper()
	nc, err := w.listener.Dial(w.t.Context(), "", "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = nc.Close() })
	if _, err := io.WriteString(nc, said); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(60 * time.Millisecond) // so long may those stay whose place it wants
	synctest.Wait()
	return nc
}

// cutOff reports whether a socket has been closed on the other side.
func cutOff(nc net.Conn) bool {
	_ = nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := nc.Read(make([]byte, 1))
	var late net.Error
	return err != nil && (!errors.As(err, &late) || !late.Timeout())
}

// hello is a whole request.
func hello(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: hawser.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
}

func TestNewcomersTakeThePlaceOfThoseWhoHaveBeenWaitedForLongest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Handshakes: 3})
		var slow []net.Conn
		for i := range 5 {
			slow = append(slow, w.call("GET / HT"))
			for j, nc := range slow {
				if cut := cutOff(nc); cut != (j < i-2) {
					t.Errorf("with %d there: %d is cut: %v", i+1, j, cut)
				}
			}
		}
		w.meet("/").leave() // whoever does not dally gets through
		if !cutOff(slow[2]) || cutOff(slow[3]) || cutOff(slow[4]) {
			t.Error("a whole handshake did not cost exactly the oldest")
		}
		if st := w.server.Stats(); st.Refused[0] != 3 {
			t.Errorf("refused: %v", st.Refused)
		}
		w.end()
	})
}

func TestThoseWhoHaveSaidAllAreNotCut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		answer := make(chan error)
		w.serve(ServerOptions{Handshakes: 2, Authorize: func(r *transport.Request) error {
			if r.Path == "/slow" {
				return <-answer
			}
			return nil
		}})
		in := []net.Conn{w.call(hello("/slow")), w.call(hello("/slow"))}
		third := w.call(hello("/"))
		time.Sleep(4 * time.Second)
		for i, nc := range in {
			if cutOff(nc) {
				t.Errorf("%d was cut while it was decided on", i)
			}
		}
		if n := w.server.Connections(); n != 0 || cutOff(third) {
			t.Errorf("%d connections; the third is to wait", n)
		}
		answer <- nil
		w.connections(2)
		answer <- errKilled
		w.connections(2)
		w.end()
	})
}

func TestARefusedOneGivesWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		answer := make(chan error)
		w.serve(ServerOptions{Handshakes: 2, Authorize: func(r *transport.Request) error {
			switch r.Path {
			case "/never":
				return errKilled
			case "/slow":
				return <-answer
			}
			return nil
		}})
		w.call(hello("/slow"))
		refused := w.call(hello("/never")) // it stays to read the answer, half a second
		w.call(hello("/"))
		if w.connections(1); !cutOff(drained(refused)) {
			t.Error("it did not give way")
		}
		answer <- nil
		w.connections(2)
		w.end()
	})
}

// drained is a socket of which everything has been read that is there.
func drained(nc net.Conn) net.Conn {
	_ = nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, _ = io.Copy(io.Discard, nc)
	return nc
}

func TestCloseEndsALobbyThatIsFull(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		answer := make(chan error)
		w.serve(ServerOptions{Handshakes: 1, Authorize: func(*transport.Request) error { return <-answer }})
		w.call(hello("/"))
		waiting := w.call(hello("/")) // Serve has it, and waits for room
		closed := make(chan error, 1)
		go func() { closed <- w.server.Close(context.Background()) }()
		synctest.Wait()
		if err := <-w.served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("serve returned %v", err)
		}
		if !cutOff(waiting) {
			t.Error("the one that waited is still there")
		}
		answer <- nil
		if err := <-closed; err != nil {
			t.Error(err)
		}
		w.served <- ErrServerClosed
		w.end()
	})
}

func TestAHandshakeThatIsDecidedOnWhenTheServerEndsIsToldSo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		answer := make(chan error)
		w.serve(ServerOptions{Authorize: func(*transport.Request) error { return <-answer }})
		go func() {
			time.Sleep(time.Second)
			answer <- nil
		}()
		go func() {
			time.Sleep(time.Second / 2)
			_ = w.server.Close(context.Background())
		}()
		if answer := w.refused(http.StatusServiceUnavailable, "1.1.1.1:1"); answer.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		w.end()
	})
}

func TestEverybodyWhoWaitsForThoseWhoJoinIsTold(t *testing.T) {
	l := newLobby(1, 0)
	l.accept()
	l.accept()
	told := 0
	for range 3 {
		l.whenJoined(func() { told++ })
	}
	if l.joined(); told != 0 {
		t.Errorf("%d told with one to come", told)
	}
	if l.joined(); told != 3 {
		t.Errorf("%d of 3 told", told)
	}
	if l.whenJoined(func() { told++ }); told != 4 {
		t.Error("with nobody to come it is not told at once")
	}
}

// TestALobbyIsNeverOverfullNorStuck: sockets come and go in all the ways there are, and
// then the server ends.
func TestALobbyIsNeverOverfullNorStuck(t *testing.T) {
	for round := range 20 {
		const room = 4
		l := newLobby(room, 0)
		var all sync.WaitGroup
		shut := make(chan struct{})
		for g := range 16 {
			all.Go(func() {
				r := rand.New(rand.NewPCG(uint64(round), uint64(g)))
				for range 200 {
					if !l.visit(r, t) {
						<-shut // it said so only because it is
						return
					}
				}
			})
		}
		all.Go(func() {
			for range rand.IntN(2000) {
				l.isShut()
			}
			close(shut)
			l.close()
		})
		all.Wait()
		if l.inside != 0 || l.order.Len() != 0 || len(l.awaited) != 0 || l.vacancy != nil || l.joining != 0 {
			t.Fatalf("%d inside, %d in order, %d awaited, %d joining", l.inside, l.order.Len(), len(l.awaited), l.joining)
		}
	}
}

// visit is one handshake, as Serve and its goroutine do it.
func (l *lobby) visit(r *rand.Rand, t *testing.T) bool {
	nc := transporttest.NewLink().Server()
	if !l.enter(nc) {
		return false
	}
	l.mu.Lock()
	if l.inside > l.room {
		t.Errorf("%d inside", l.inside)
	}
	l.mu.Unlock()
	heard := r.IntN(4) > 0 && l.heard(nc)
	if heard && r.IntN(3) == 0 {
		heard = false
		l.refused(nc)
	}
	accepted := heard && l.accept()
	l.leave(nc, heard)
	if accepted {
		l.joined()
	}
	return true
}

func TestServingOnSeveralListenersSharesTheRoom(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Handshakes: 2})
		ln, served := transporttest.NewListener(), make(chan error, 1)
		go func() { served <- w.server.Serve(ln) }()
		var sockets []net.Conn
		for i := range 6 {
			dial := []*transporttest.Listener{w.listener, ln}[i%2].Dial
			nc, err := dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = nc.Close() }()
			sockets = append(sockets, nc)
			time.Sleep(60 * time.Millisecond)
		}
		left := ""
		for i, nc := range sockets {
			if !cutOff(nc) {
				left += fmt.Sprint(i, " ")
			}
		}
		if left != "4 5 " {
			t.Errorf("left: %s; want the last two", left)
		}
		w.end()
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Error(err)
		}
	})
}
