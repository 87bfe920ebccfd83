package actors

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/gobwas/ws"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// peer is somebody else's WebSocket at the other end of a connection. It writes
// what it likes, and reads frames with gobwas and checks that they are legal.
type peer struct {
	t      testing.TB
	nc     net.Conn
	in     io.Reader
	client bool // it masks its frames, and ours must not be
}

// meet connects a foreign client.
func meet(t testing.TB, dial func(context.Context, string, string) (net.Conn, error), path string) *peer {
	t.Helper()
	nc, early, _, err := ws.Dialer{NetDial: dial, Timeout: 10 * time.Second}.Dial(t.Context(), "ws://hawser.test"+path)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, nc: nc, in: bufio.NewReader(nc), client: true}
	if early != nil {
		p.in = io.MultiReader(io.LimitReader(early, int64(early.Buffered())), p.in)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return p
}

func (w *world) meet(path string) *peer { return meet(w.t, w.listener.Dial, path) }

// write sends pieces in one write.
func (p *peer) write(pieces ...piece) {
	p.t.Helper()
	var b []byte
	for _, x := range pieces {
		b = append(b, x.bytes(p.client)...)
	}
	_ = p.nc.SetWriteDeadline(time.Now().Add(time.Minute))
	if _, err := p.nc.Write(b); err != nil {
		p.t.Errorf("write: %v", err)
	}
}

// readFrame reads a frame of at most 32 MiB.
func readFrame(r io.Reader) (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(r); err != nil {
		return f, err
	}
	if f.Header.Length > 32<<20 {
		return f, fmt.Errorf("frame of %d bytes", f.Header.Length)
	}
	f.Payload = make([]byte, f.Header.Length)
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}

// next reads a frame and says what it is. The end is "EOF", "reset", or "nothing"
// after a minute. Pings are answered on the way.
func (p *peer) next() string {
	p.t.Helper()
	_ = p.nc.SetReadDeadline(time.Now().Add(time.Minute))
	for {
		f, err := readFrame(p.in)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return "nothing"
		case errors.Is(err, syscall.ECONNRESET):
			return "reset"
		case err != nil:
			_ = p.nc.Close() // as a polite peer does
			return err.Error()
		case f.Header.Masked == p.client || !f.Header.Fin || f.Header.Rsv != 0:
			p.t.Errorf("illegal frame: %+v", f.Header)
		}
		f = ws.UnmaskFrameInPlace(f)
		if f.Header.OpCode != ws.OpPing {
			return show(f.Header.OpCode, string(f.Payload))
		}
		p.write(piece{head: pong, body: string(f.Payload)})
	}
}

var opNames = map[ws.OpCode]string{ws.OpText: "text", ws.OpBinary: "binary", ws.OpClose: "close", ws.OpPong: "pong"}

func show(op ws.OpCode, s string) string {
	switch {
	case op == ws.OpClose && len(s) >= 2:
		s = fmt.Sprint(binary.BigEndian.Uint16([]byte(s)), " ", s[2:])
	case len(s) > 200:
		s = fmt.Sprintf("of %d bytes, %x", len(s), crc32.ChecksumIEEE([]byte(s)))
	}
	return strings.TrimSpace(opNames[op] + " " + s)
}

// expect reads what must come. What ends with a blank is only the beginning.
func (p *peer) expect(want ...string) bool {
	p.t.Helper()
	for i, s := range want {
		got := p.next()
		if got != s && (!strings.HasSuffix(s, " ") || !strings.HasPrefix(got, s)) {
			p.t.Errorf("%d: got %.200q, want %.200q", i, got, s)
			return false
		}
	}
	return true
}

// leave ends the connection in order.
func (p *peer) leave() {
	p.t.Helper()
	p.write(piece{head: bye, body: closeBody(1000, "")})
	p.expect("close 1000", "EOF")
}

func (w *world) connections(want int) {
	w.t.Helper()
	synctest.Wait()
	if n := w.server.Connections(); n != want {
		w.t.Errorf("%d connections, want %d", n, want)
	}
}

func TestAnyActorCanWriteToAndCloseAServersConnectionByItsPID(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		conns := make(chan *Conn, 1)
		w.serve(ServerOptions{Modules: []Module{introduce(conns)}})
		p := w.meet("/")
		p.text("hello")
		c := <-conns
		request := func(payload string, want error) {
			t.Helper()
			answer, err := w.system.Root.RequestFuture(c.PID(), &Send{Kind: transport.Text, Payload: []byte(payload)}, time.Minute).Result()
			if sent, ok := answer.(*Sent); ok {
				err = sent.Err
			}
			if !errors.Is(err, want) {
				t.Errorf("%q is answered with %v, want %v", payload, err, want)
			}
		}
		request("by PID", nil)
		request("\xff", ErrInvalidUTF8)
		w.system.Root.Send(c.PID(), &Close{Code: 4000, Reason: "by PID"})
		p.expect("text by PID", "close 4000 by PID")
		request("while it closes", ErrStopped)
		p.write(piece{head: bye, body: closeBody(4000, "")})
		p.expect("EOF")
		w.connections(0)
		request("to a stale PID", actor.ErrDeadLetter)
		if _, err := c.Send(transport.Text, nil); !errors.Is(err, ErrStopped) {
			t.Errorf("a stale Conn answers %v", err)
		}
		w.end()
	})
}

func TestAStalePIDNeverReachesAStranger(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		conns := make(chan *Conn, 1)
		w.serve(ServerOptions{Shards: 1, Modules: []Module{introduce(conns)}})
		var stale []*actor.PID
		for range 50 {
			p := w.meet("/")
			p.text("hello")
			pid := (<-conns).PID()
			if slices.ContainsFunc(stale, pid.Equal) {
				t.Fatalf("%v is used twice", pid)
			}
			for _, old := range stale {
				w.system.Root.Send(old, &Send{Kind: transport.Text, Payload: []byte("for somebody else")})
				w.system.Root.Send(old, &Close{})
			}
			stale = append(stale, pid)
			p.leave()
		}
		w.end()
	})
}

func TestTheReasonOfACloseIsCutAtARune(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Modules: []Module{module("bye", "", func(ctx *Context, m transport.Message) {
			ctx.Conn().Close(4001, string(m.Payload))
		})}})
		for reason, want := range map[string]string{
			strings.Repeat("a", 124):       strings.Repeat("a", 123),
			strings.Repeat("é", 62):        strings.Repeat("é", 61),
			"ab" + strings.Repeat("🚢", 40): "ab" + strings.Repeat("🚢", 30),
		} {
			p := w.meet("/")
			p.text(reason)
			p.expect("close 4001 " + want)
			_ = p.nc.(interface{ CloseWrite() error }).CloseWrite() // a half close in place of an answer
			p.expect("EOF")
		}
		w.end()
	})
}

func TestAPeerThatDoesNotAnswerACloseIsReset(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		p, start, closed := w.meet("/"), time.Now(), make(chan error, 1)
		w.connections(1)
		go func() { closed <- w.server.Close(context.Background()) }()
		p.expect("close 1001 server is going away", "reset")
		if took := time.Since(start); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("reset after %v, want 5 s", took)
		}
		if err := <-closed; err != nil {
			t.Errorf("close: %v", err)
		}
		w.end()
	})
}

func TestRepliesLeaveBeforeTheAnswerToTheCloseOfThePeer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{})
		p := w.meet("/")
		var want []string
		for i := range 60 { // more than the link holds while nobody reads
			s := fmt.Sprint(i, strings.Repeat(".", 4000))
			want = append(want, show(ws.OpText, s))
			p.text(s)
		}
		p.write(piece{head: bye, body: closeBody(3000, "bye")}, piece{head: text, body: "behind the close frame"})
		synctest.Wait()
		if b := w.server.Books(); b.InFlight == 0 {
			t.Errorf("nothing waits any more: %v", b)
		}
		p.expect(append(want, "close 3000", "EOF")...)
		w.connections(0)
		if got := w.received(); len(got) != 60 {
			t.Errorf("the module got %d messages, want the 60 before the close frame", len(got))
		}
		w.end()
	})
}

func TestAModuleThatIsFullActsByItsPolicy(t *testing.T) {
	const size, room, sent = 9000, 10, 30
	for policy, want := range map[OverflowPolicy][2]int{Block: {0, sent}, DropOldest: {sent - room, sent}, DropNewest: {0, room}, CloseSlow: {0, room}} {
		inWorld(t, func(t *testing.T, w *world) {
			release, got, rest := make(chan struct{}), []string(nil), []byte(nil)
			full := module("full", "", func(_ *Context, m transport.Message) { <-release; got = append(got, string(m.Payload)) })
			full.Overflow, full.QueueBytes = policy, room*(size+messageCost)
			w.serve(ServerOptions{Modules: []Module{full}})
			w.meet("/").text("keeps the module busy")
			w.connections(1)
			all, p := []string{"keeps the module busy"}, w.meet("/")
			for i := range sent {
				s := fmt.Sprintf("%0*d", size, i)
				if i >= want[0] && i < want[1] {
					all = append(all, s)
				}
				rest = append(rest, piece{head: text, body: s}.bytes(true)...)
				_ = p.nc.SetWriteDeadline(time.Now().Add(time.Second))
				n, _ := p.nc.Write(rest)
				rest = rest[n:]
				synctest.Wait()
			}
			if (len(rest) > 0) != (policy == Block) {
				t.Errorf("policy %d: %d bytes are held back", policy, len(rest))
			}
			close(release)
			_ = p.nc.SetWriteDeadline(time.Time{})
			_, _ = p.nc.Write(rest)
			if policy == CloseSlow {
				p.expect("close 1013 the server does not keep up")
			}
			synctest.Wait()
			if lost := int(w.server.s.counters.discarded.Load()); !slices.Equal(got, all) || lost != sent-(want[1]-want[0]) {
				t.Errorf("policy %d: %d messages came, %d were counted as lost", policy, len(got), lost)
			}
			w.end()
		})
	}
}

func TestAConnectionThatJoinsWhileTheServerClosesIsToldSo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		asked, answer := make(chan struct{}), make(chan struct{})
		w.serve(ServerOptions{Metadata: func(*transport.Request) any {
			close(asked)
			<-answer
			return nil
		}})
		c := w.dial(ClientOptions{Restart: supervisor.Temporary})
		<-asked
		closed := make(chan error, 1)
		go func() { closed <- w.server.Close(context.Background()) }()
		synctest.Wait()
		close(answer)
		err := c.WaitStopped(context.Background())
		frame, ok := errors.AsType[*transport.CloseError](err)
		if !ok || frame.Code != transport.GoingAway {
			t.Errorf("the client ended with %v; want 1001", err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
		w.end()
	})
}
