package transport

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() { waysIn["poller"] = upgradePolled }

// host is a Greeter that answers at once. What becomes of its newcomers it tells.
type host struct {
	done chan upgraded
	u    *Upgrader
	told atomic.Int32
}

func (h *host) Asked(n *Newcomer) {
	h.told.Add(1)
	var authorize func(*Request) error
	if h.u != nil {
		authorize = h.u.Authorize
	}
	c, r, err := n.Answer(false, authorize)
	if err != nil {
		go h.refuse(n, r, err)
		return
	}
	h.done <- upgraded{c, r, nil}
}

func (h *host) Gone(n *Newcomer, err error) {
	h.told.Add(1)
	go h.refuse(n, nil, err)
}

func (h *host) refuse(n *Newcomer, r *Request, err error) {
	n.Refuse(err)
	h.done <- upgraded{nil, r, err}
}

// welcome makes a Newcomer of the server's end of a new connection.
func welcome(t *testing.T, p *Poller) (client net.Conn, n *Newcomer) {
	t.Helper()
	client, server := tcpPair(t)
	t.Cleanup(func() { _ = client.Close() })
	if n = Welcome(server, p); n == nil {
		t.Fatal("the poller does not take it")
	}
	return client, n
}

func upgradePolled(t *testing.T, u *Upgrader, raw string) (*http.Response, string, error) {
	t.Helper()
	if err := u.Check(); err != nil { // whoever has a Newcomer has done that before
		return upgradeRaw(t, u, raw)
	}
	client, n := welcome(t, newTestPoller(t, PollerOptions{}))
	h := &host{done: make(chan upgraded, 1), u: u}
	if err := n.Start(u, h); err != nil {
		t.Fatal(err)
	}
	resp, rest := exchange(t, client, raw)
	_ = client.Close()
	got := wait(t, h.done)
	closeConn(t, got.c)
	if got.err == nil != (resp.StatusCode == 101) {
		t.Errorf("status %d and error %v", resp.StatusCode, got.err)
	}
	return resp, rest, got.err
}

func TestAPolledHandshakeRefusesWhatAnUpgraderDoes(t *testing.T) {
	for _, c := range badHandshakes() {
		t.Run(c.name, func(t *testing.T) {
			resp, body, err := upgradePolled(t, &Upgrader{}, c.raw)
			checkRefusal(t, resp, body, err, c.status)
		})
	}
}

func TestAPolledHandshakeMayComeByteByByteWithMessagesBehindIt(t *testing.T) {
	client, n := welcome(t, newTestPoller(t, PollerOptions{}))
	h := &host{done: make(chan upgraded, 1)}
	if err := n.Start(&Upgrader{}, h); err != nil {
		t.Fatal(err)
	}
	raw := goodRequest + "\r\n" + string(AppendFrame(nil, opText, []byte("early"), true))
	frame := []byte(raw[len(goodRequest)+2:])
	SealFrame(frame)
	for _, b := range []byte(goodRequest + "\r") {
		if _, err := client.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Write(append([]byte("\n"), frame...)); err != nil {
		t.Fatal(err)
	}
	got := wait(t, h.done)
	if got.err != nil || got.r.Path != "/chat" || got.r.Header.Get("Sec-Websocket-Version") != "13" {
		t.Fatalf("%+v", got)
	}
	defer closeConn(t, got.c)
	in := newInbox()
	got.c.Start(in)
	if m := wait(t, in.messages); m != "early" {
		t.Errorf("%q came", m)
	}
}

func TestAPrivateRequestHasNoHeaderAfterwards(t *testing.T) {
	client, n := welcome(t, newTestPoller(t, PollerOptions{}))
	seen := ""
	answered := make(chan upgraded, 1)
	h := greeterFunc(func(n *Newcomer) {
		c, r, err := n.Answer(true, func(r *Request) error {
			seen = r.Header.Get("Sec-Websocket-Version")
			return nil
		})
		answered <- upgraded{c, r, err}
	})
	if err := n.Start(&Upgrader{}, h); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(client, goodRequest+"\r\n")
	got := wait(t, answered)
	defer closeConn(t, got.c)
	if seen != "13" || got.r.Header != nil || got.r.Path != "/chat" {
		t.Errorf("authorize saw version %q; afterwards %+v", seen, got.r)
	}
}

type greeterFunc func(*Newcomer)

func (f greeterFunc) Asked(n *Newcomer)         { f(n) }
func (f greeterFunc) Gone(n *Newcomer, _ error) { n.Refuse(nil) }

// How a handshake ends that the peer does not finish.
func TestAnUnfinishedPolledHandshakeEndsOnce(t *testing.T) {
	for name, c := range map[string]struct {
		sent   string
		end    func(n *Newcomer, client net.Conn)
		answer string // the beginning
		cause  error
	}{
		"time is over":             {"GET / HTTP/1.1\r\n", func(n *Newcomer, _ net.Conn) { n.Expire() }, "HTTP/1.1 408 ", nil},
		"nothing came":             {"", func(n *Newcomer, _ net.Conn) { n.Expire() }, "HTTP/1.1 408 ", nil},
		"it makes room":            {"GET / HTTP/1.1\r\n", func(n *Newcomer, _ net.Conn) { _ = n.Close() }, "", net.ErrClosed},
		"the peer leaves":          {"GET / HTTP/1.1\r\n", func(_ *Newcomer, nc net.Conn) { _ = nc.(*net.TCPConn).CloseWrite() }, "HTTP/1.1 400 ", nil},
		"the peer leaves silently": {"", func(_ *Newcomer, nc net.Conn) { _ = nc.(*net.TCPConn).CloseWrite() }, "", io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestPoller(t, PollerOptions{})
			client, n := welcome(t, p)
			h := &host{done: make(chan upgraded, 1)}
			if err := n.Start(&Upgrader{}, h); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(client, c.sent); err != nil {
				t.Fatal(err)
			}
			c.end(n, client)
			got := wait(t, h.done)
			var e *HandshakeError
			if !errors.As(got.err, &e) || c.cause != nil && !errors.Is(got.err, c.cause) {
				t.Errorf("%v", got.err)
			}
			_ = client.SetDeadline(time.Now().Add(patience))
			answer, err := io.ReadAll(client)
			if !strings.HasPrefix(string(answer), c.answer) || c.answer == "" && len(answer) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%.100q, %v", answer, err)
			}
			n.Expire()
			_ = n.Close()
			if told := h.told.Load(); told != 1 {
				t.Errorf("the greeter was told %d times", told)
			}
		})
	}
}

func TestANewcomerThatIsClosedBeforeItsStartIsGone(t *testing.T) {
	client, n := welcome(t, newTestPoller(t, PollerOptions{}))
	h := &host{done: make(chan upgraded, 1)}
	_ = n.Close()
	if err := n.Start(&Upgrader{}, h); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Start = %v", err)
	}
	_ = client.SetDeadline(time.Now().Add(patience))
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the peer reads %v", err)
	}
	if h.told.Load() != 0 {
		t.Error("the greeter was told")
	}
}

func TestNewcomersHoldNoBufferWhileNothingCame(t *testing.T) {
	p := oneLoop(t, 0)
	client, n := welcome(t, p)
	h := &host{done: make(chan upgraded, 1)}
	if err := n.Start(&Upgrader{}, h); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(client, "GET"); err != nil {
		t.Fatal(err)
	}
	held := func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.head.buf != nil
	}
	for end := time.Now().Add(patience); !held(); pause() {
		if time.Now().After(end) {
			t.Fatal("what came is not kept")
		}
	}
	_ = n.Close()
	if held() {
		t.Error("a closed newcomer keeps its buffer")
	}
	wait(t, h.done)
}

// keeper is a Door that hands the sockets on, as many as it has room for.
type keeper struct {
	room atomic.Int32
	came chan *Newcomer
	errs chan error
}

func (k *keeper) Arrived(n *Newcomer, err error) bool {
	if err != nil {
		k.errs <- err
		return false
	}
	k.came <- n
	return k.room.Add(-1) > 0
}

func listenTest(t *testing.T, network, address string) *Listener {
	t.Helper()
	l, err := Listen(network, address)
	if err != nil {
		t.Skip(err) // no such address here
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestAPollerAcceptsTheSocketsOfAListener(t *testing.T) {
	for network, address := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0", "tcp": ":0"} {
		t.Run(network, func(t *testing.T) {
			p := newTestPoller(t, PollerOptions{})
			l := listenTest(t, network, address)
			k := &keeper{came: make(chan *Newcomer, 8), errs: make(chan error, 1)}
			k.room.Store(100)
			if err := l.Attach(p, k); err != nil {
				t.Fatal(err)
			}
			_, port, _ := net.SplitHostPort(l.Addr().String())
			to := map[string]string{"tcp6": "[::1]:"}[network]
			if to == "" {
				to = "127.0.0.1:"
			}
			for range 3 {
				client, err := net.Dial("tcp", to+port)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				n := wait(t, k.came)
				if got := n.s.remoteAddr().String(); !strings.HasSuffix(client.LocalAddr().String(), got[strings.LastIndexByte(got, ':'):]) {
					t.Errorf("the peer of %v is %v", client.LocalAddr(), got)
				}
				if got := n.s.local.Port(); int(got) != l.Addr().(*net.TCPAddr).Port || !n.s.local.Addr().IsValid() || n.s.local.Addr().IsUnspecified() {
					t.Errorf("its own address is %v", n.s.local)
				}
				h := &host{done: make(chan upgraded, 1)}
				if err := n.Start(&Upgrader{}, h); err != nil {
					t.Fatal(err)
				}
				if resp, _ := exchange(t, client, goodRequest+"\r\n"); resp.StatusCode != 101 {
					t.Errorf("answered %s", resp.Status)
				}
				got := wait(t, h.done)
				closeConn(t, got.c)
			}
		})
	}
}

func TestAListenerRestsUntilItIsResumed(t *testing.T) {
	p := newTestPoller(t, PollerOptions{})
	l := listenTest(t, "tcp4", "127.0.0.1:0")
	k := &keeper{came: make(chan *Newcomer, 8), errs: make(chan error, 1)}
	k.room.Store(1)
	if err := l.Attach(p, k); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		client, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
	}
	first := wait(t, k.came)
	pause()
	if len(k.came) > 0 {
		t.Error("a second socket was accepted")
	}
	k.room.Store(100)
	l.Resume()
	second := wait(t, k.came)
	for _, n := range []*Newcomer{first, second} {
		_ = n.Close()
		_ = n.Start(&Upgrader{}, nil)
	}
}

// hasty is a Door that has its listener resumed before it has told it to rest.
type hasty struct {
	l    *Listener
	came chan *Newcomer
}

func (h *hasty) Arrived(n *Newcomer, _ error) bool {
	h.came <- n
	h.l.Resume()
	return false
}

func TestAListenerMayBeResumedBeforeItRests(t *testing.T) {
	l := listenTest(t, "tcp4", "127.0.0.1:0")
	h := &hasty{l, make(chan *Newcomer, 8)}
	if err := l.Attach(newTestPoller(t, PollerOptions{}), h); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		client, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		n := wait(t, h.came)
		_ = n.Close()
		_ = n.Start(&Upgrader{}, nil)
	}
}

func TestAListenerTellsThatDescriptorsRanOut(t *testing.T) {
	p := newTestPoller(t, PollerOptions{})
	l := listenTest(t, "tcp4", "127.0.0.1:0")
	k := &keeper{came: make(chan *Newcomer, 8), errs: make(chan error, 1)}
	k.room.Store(100)
	if err := l.Attach(p, k); err != nil {
		t.Fatal(err)
	}
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(client) }()
	withoutDescriptors(t, func() {
		addr := l.local.Addr().As4()
		if err := unix.Connect(client, &unix.SockaddrInet4{Port: int(l.local.Port()), Addr: addr}); err != nil {
			t.Fatal(err)
		}
		if err := wait(t, k.errs); !errors.Is(err, unix.EMFILE) {
			t.Errorf("Arrived got %v", err)
		}
	})
	l.Resume()
	n := wait(t, k.came)
	_ = n.Close()
	_ = n.Start(&Upgrader{}, nil)
}

func TestAListenerIsAnOrdinaryOneToo(t *testing.T) {
	l := listenTest(t, "tcp", "127.0.0.1:0")
	served := make(chan error, 1)
	go func() {
		served <- http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "hello" {
		t.Errorf("%q", body)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := wait(t, served); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve = %v", err)
	}
	select {
	case <-l.Done():
	default:
		t.Error("Done is not closed")
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v", err)
	}
	if err := l.Attach(newTestPoller(t, PollerOptions{}), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Attach = %v", err)
	}
	again, err := Listen("tcp", l.Addr().String()) // the port is free
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}
