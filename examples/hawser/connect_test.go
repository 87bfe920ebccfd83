package main

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/echo"
)

// fast makes reconnecting quick enough for tests.
var fast = []string{"--backoff-min", "1ms", "--backoff-max", "5ms"}

func connect(t *testing.T, args ...string) *program {
	t.Helper()
	return start(t, append([]string{"connect"}, args...)...)
}

func TestALineTypedIsAMessageSentAndTheEchoIsPrinted(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := call(t, "hello\n\nlast line", "connect", serve(t)+"/echo")
	if status != 0 || stdout != "hello\n\nlast line\n" {
		t.Errorf("status %d, stdout %q", status, stdout)
	}
	for _, want := range []string{"connecting", "ready", "stopped"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
}

func TestInJSONEveryLineHasItsEvents(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := call(t, "one\n\xff\ntwo <&>\r\n", "connect", "--json", serve(t)+"/echo")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	var lines, received []string
	for _, e := range events(t, stdout) {
		switch e.Event {
		case "recv":
			received = append(received, e.Kind+" "+*e.Data)
		case "state":
		default:
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s %s", e.ID, e.Event, e.Reason)))
		}
	}
	slices.SortStableFunc(lines, func(a, b string) int { return int(a[0]) - int(b[0]) })
	if want := []string{"1 accepted", "1 written", "2 dropped invalid-utf8", "3 accepted", "3 written"}; !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
	if want := []string{"text one", "text two <&>"}; !slices.Equal(received, want) {
		t.Errorf("%q", received)
	}
	if !strings.Contains(stdout, `"data":"two <&>"`) {
		t.Error("the text was escaped for HTML")
	}
}

// Many lines: each has one acceptance and one outcome, in this order, and what
// comes back keeps its order. Every line of stdout is one whole object.
func TestThousandsOfLinesAreAccountedFor(t *testing.T) {
	t.Parallel()
	const n = 20000
	var in strings.Builder
	for i := range n {
		fmt.Fprintln(&in, i+1)
	}
	status, stdout, _ := call(t, in.String(), "connect", "--json", serve(t)+"/echo")
	if status != 0 {
		t.Fatalf("status %d", status)
	}
	accepted, settled := map[int]bool{}, map[int]bool{}
	back := 0
	for _, e := range events(t, stdout) {
		switch e.Event {
		case "accepted":
			if accepted[e.ID] {
				t.Fatalf("line %d was accepted twice", e.ID)
			}
			accepted[e.ID] = true
		case "written", "dropped", "unknown":
			if !accepted[e.ID] || settled[e.ID] {
				t.Fatalf("line %d: %s too early or twice", e.ID, e.Event)
			}
			settled[e.ID] = true
		case "recv":
			if back++; *e.Data != fmt.Sprint(back) {
				t.Fatalf("got %s as number %d", *e.Data, back)
			}
		}
	}
	if len(accepted) != n || len(settled) != n || back != n {
		t.Errorf("%d accepted, %d settled, %d back", len(accepted), len(settled), back)
	}
}

func TestBinaryMessagesArePrintedAsBase64OrSummary(t *testing.T) {
	t.Parallel()
	addr := listen(t, func(_ int, nc net.Conn) {
		p, err := upgrade(nc)
		if err != nil {
			return
		}
		p.send(2, "\x00\x01\xff")
		p.send(2, "")
		p.send(1, "text")
		p.closing()
	})
	p := connect(t, "ws://"+addr, "--json")
	p.untilEvent("text", recv("text"))
	var got []string
	for _, e := range events(t, p.stdout()) {
		if e.Event == "recv" {
			got = append(got, e.Kind+" "+*e.Data)
		}
	}
	if want := []string{"binary " + base64.StdEncoding.EncodeToString([]byte{0, 1, 255}), "binary ", "text text"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	p = connect(t, "ws://"+addr)
	p.untilOut("text\n")
	if got := p.stdout(); got != "<3 bytes binary: 0001ff>\n<0 bytes binary>\ntext\n" {
		t.Errorf("%q", got)
	}
}

func TestEchoSendsBackTheSameKindAndReadsNoInput(t *testing.T) {
	t.Parallel()
	got := make(chan string, 2)
	addr := listen(t, func(_ int, nc net.Conn) {
		p, err := upgrade(nc)
		if err != nil {
			return
		}
		p.send(1, "text")
		p.send(2, "bin\x00")
		for range 2 {
			op, payload, _ := p.frame()
			got <- fmt.Sprint(op, " ", string(payload))
		}
		p.send(8, "\x03\xe8")
		p.closing()
	})
	p := connect(t, "ws://"+addr, "--echo", "--once", "--json")
	_ = p.in.CloseWithError(io.ErrUnexpectedEOF) // would be told if anybody read it
	for _, want := range []string{"1 text", "2 bin\x00"} {
		if g := <-got; g != want {
			t.Errorf("%q", g)
		}
	}
	if status := p.wait(); status != 0 || p.stderr() != "" {
		t.Errorf("status %d, stderr %q", status, p.stderr())
	}
	for _, e := range events(t, p.stdout()) {
		if e.Event != "recv" && e.Event != "state" {
			t.Errorf("an echo is no line: %+v", e)
		}
	}
}

func TestEndOfInputClosesWith1000AndASignalWith1001(t *testing.T) {
	t.Parallel()
	code := make(chan int, 1)
	addr := listen(t, func(_ int, nc net.Conn) {
		if p, err := upgrade(nc); err == nil {
			code <- p.closing()
		}
	})
	for want, end := range map[int]func(*program){
		1000: func(p *program) { _ = p.in.Close() },
		1001: func(p *program) { p.signal() },
	} {
		p := connect(t, "ws://"+addr, "--json")
		p.untilEvent("ready", state("ready"))
		end(p)
		if status := p.wait(); status != 0 {
			t.Errorf("status %d", status)
		}
		if got := <-code; got != want {
			t.Errorf("closed with %d, want %d", got, want)
		}
	}
}

// A server that answers nothing any more does not keep us: 5 s is the limit.
func TestASilentServerDelaysTheEndNoLongerThanTheDeadline(t *testing.T) {
	t.Parallel()
	addr := listen(t, func(_ int, nc net.Conn) {
		if p, err := upgrade(nc); err == nil {
			for err == nil {
				_, _, err = p.frame() // the close frame is not answered
			}
		}
	})
	p := connect(t, "ws://"+addr, "--json")
	p.untilEvent("ready", state("ready"))
	begun := time.Now()
	p.signal()
	if status := p.wait(); status != 0 {
		t.Errorf("status %d, stderr %s", status, p.stderr())
	}
	if took := time.Since(begun); took > leaveTime+forceTime {
		t.Errorf("it took %s", took)
	}
}

func TestOfflineAtTheEndOfInputTheRestIsDroppedAndTold(t *testing.T) {
	t.Parallel()
	addr := unused(t)
	begun := time.Now()
	status, stdout, _ := call(t, "a\nb\n", append([]string{"connect", "--json", "ws://" + addr}, fast...)...)
	if took := time.Since(begun); took > leaveTime+forceTime {
		t.Errorf("it took %s", took)
	}
	if status != 0 {
		t.Errorf("status %d", status)
	}
	var dropped []string
	for _, e := range events(t, stdout) {
		if e.Event == "dropped" {
			dropped = append(dropped, fmt.Sprint(e.ID, " ", e.Reason))
		}
	}
	if !slices.Equal(dropped, []string{"1 closed", "2 closed"}) {
		t.Errorf("%q", dropped)
	}
}

// unused is an address where nobody listens.
func unused(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

func TestItReconnectsAndHeldLinesGoOut(t *testing.T) {
	t.Parallel()
	got := make(chan string, 2)
	resume := make(chan struct{})
	addr := listen(t, func(n int, nc net.Conn) {
		if n == 1 || n == 2 {
			<-resume // and then cut
			return
		}
		p, err := upgrade(nc)
		if err != nil {
			return
		}
		_, payload, _ := p.frame()
		got <- string(payload)
		if n > 0 {
			p.closing()
		}
	})
	p := connect(t, append(fast, "--json", "ws://"+addr)...)
	p.typed("first\n")
	if g := <-got; g != "first" {
		t.Errorf("%q", g)
	}
	p.untilEvent("a cause", func(e event) bool { return state("disconnected")(e) && e.Cause != "" })
	p.typed("second\n")
	p.untilEvent("acceptance", func(e event) bool { return e.Event == "accepted" && e.ID == 2 })
	close(resume)
	if g := <-got; g != "second" {
		t.Errorf("%q", g)
	}
	p.untilEvent("the outcome", func(e event) bool { return e.Event == "written" && e.ID == 2 })
	p.untilEvent("attempt 3", func(e event) bool { return state("ready")(e) && e.Attempt == 3 })
	p.untilEvent("reconnected", state("reconnected"))
}

func TestARefusedHandshakeIsToldWithItsStatus(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		status       int
		end          bool // for good
	}{
		{"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, true},
		{"401", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 401, true},
		{"403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, true},
		{"302", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 302, true},
		{"HTML", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", 200, false},
		{"500", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", 500, false},
		{"no HTTP", "SSH-2.0-OpenSSH\r\n", 0, false},
		{"cut", "", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := append(fast, "--json", answering(t, c.answer))
			if !c.end {
				args = append(args, "--max-attempts", "2")
			}
			p := connect(t, args...)
			if status := p.wait(); status != 1 {
				t.Errorf("exit status %d", status)
			}
			e := p.untilEvent("the end", state("stopped"))
			if e.Status != c.status || e.Cause == "" {
				t.Errorf("%+v", e)
			}
			if !strings.Contains(p.stderr(), e.Cause) {
				t.Errorf("the cause %q is not in stderr %q", e.Cause, p.stderr())
			}
			if !c.end {
				p.untilEvent("giving up", state("reconnect-failed"))
			}
		})
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	t.Parallel()
	p := connect(t, append(fast, "--json", answering(t, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"))...)
	e := p.untilEvent("a delay", state("reconnecting"))
	if e.Status != 429 || e.DelayMS < 7000 || e.DelayMS > 7700 || e.Attempt != 2 {
		t.Errorf("%+v", e)
	}
	p.signal() // in the middle of a backoff
	if status := p.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestARefusedConnectionIsTriedAgainUntilToldOtherwise(t *testing.T) {
	t.Parallel()
	p := connect(t, append(fast, "--json", "--max-attempts=3", "ws://"+unused(t))...)
	if status := p.wait(); status != 1 || !strings.Contains(p.stderr(), "refused") {
		t.Errorf("status %d, stderr %s", status, p.stderr())
	}
	n := 0
	for _, e := range events(t, p.stdout()) {
		if state("reconnecting")(e) {
			n++
			if e.Attempt != n+1 || !strings.Contains(e.Cause, "refused") {
				t.Errorf("%+v", e)
			}
		}
	}
	if n != 2 || !strings.Contains(p.stderr(), "gave up after 3 attempts") {
		t.Errorf("%d reconnects, stderr %s", n, p.stderr())
	}
}

func TestOnceNeverReconnects(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		status      int
	}{
		{"closed with 1000", "\x03\xe8bye", 0},
		{"closed without a status", "", 0},
		{"closed with 1012", "\x03\xf4", 1},
		{"cut", "CUT", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr := listen(t, func(_ int, nc net.Conn) {
				p, err := upgrade(nc)
				if err != nil || c.frame == "CUT" {
					return
				}
				p.send(8, c.frame)
				p.closing()
			})
			p := connect(t, "--once", "--json", "ws://"+addr)
			if status := p.wait(); status != c.status {
				t.Errorf("status %d, stderr %s", status, p.stderr())
			}
			for _, e := range events(t, p.stdout()) {
				if e.Name == "reconnecting" {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

func TestHeadersAndSubprotocolsAreSentAndNeverShown(t *testing.T) {
	t.Parallel()
	const secret, token = "s3cret-value", "t0ken-value"
	requests := make(chan string, 1)
	addr := listen(t, func(_ int, nc net.Conn) {
		p, err := upgrade(nc)
		if err != nil {
			return
		}
		h := p.req.Header
		requests <- fmt.Sprintf("%s %s %s %s", h["X-Token"], h["X-List"], h["Sec-Websocket-Protocol"], p.req.URL.Query()["t"])
		p.send(8, "\x0f\xa0no "+secret+" "+token) // 4000, and it tells on us
		p.closing()
	})
	p := connect(t, "ws://"+addr+"/?t="+token, "--header", "x-token: "+secret, "--header=X-List:a", "--header", "X-List: b",
		"--subprotocol", "v2", "--subprotocol", "v1", "--once")
	if got, want := <-requests, "["+secret+"] [a b] [v2, v1] ["+token+"]"; got != want {
		t.Errorf("%s", got)
	}
	if status := p.wait(); status != 1 {
		t.Errorf("status %d", status)
	}
	all := p.stdout() + p.stderr()
	if strings.Contains(all, secret) || strings.Contains(all, token) || !strings.Contains(all, "no [hidden] [hidden]") {
		t.Errorf("%s", all)
	}
}

// secure is an echo server with TLS. It returns its URL and a file with its
// certificate.
func secure(t *testing.T) (url, ca string) {
	t.Helper()
	system, logger := newSystem(t.Output())
	server, err := actors.NewServer(system, actors.ServerOptions{Modules: []actors.Module{echo.New("/echo", 1)}, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(server)
	h.Config.ErrorLog = log.New(io.Discard, "", 0) // it does not like clients that are wrong on purpose
	h.StartTLS()
	t.Cleanup(func() {
		h.Close()
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	ca = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return "wss://" + h.Listener.Addr().String() + "/echo", ca
}

func TestTLSIsTrustedByFileOrNotAtAll(t *testing.T) {
	url, ca := secure(t)
	for _, trust := range [][]string{{"--ca", ca}, {"--insecure"}} {
		status, stdout, stderr := call(t, "hello\n", append([]string{"connect", url}, trust...)...)
		if status != 0 || stdout != "hello\n" {
			t.Errorf("%q: status %d, stdout %q, stderr %s", trust, status, stdout, stderr)
		}
	}
	status, _, stderr := call(t, "hello\n", "connect", url)
	if status != 1 || !strings.Contains(stderr, "certificate") {
		t.Errorf("status %d, stderr %s", status, stderr)
	}
}

func TestTLSToAPlainPortAndPlainToATLSPortAreTold(t *testing.T) {
	t.Parallel()
	plain := strings.Replace(serve(t), "ws://", "wss://", 1) + "/echo"
	p := connect(t, append(fast, "--max-attempts", "1", "--json", plain)...)
	if e := p.untilEvent("the end", state("stopped")); !strings.Contains(e.Cause, "TLS") {
		t.Errorf("%+v", e)
	}
	url, _ := secure(t)
	p = connect(t, append(fast, "--max-attempts", "1", "--json", strings.Replace(url, "wss://", "ws://", 1))...)
	if e := p.untilEvent("the end", state("stopped")); !strings.Contains(e.Cause, "TLS") {
		t.Errorf("%+v", e)
	}
}

func TestWhatTheServerSendsIsLimited(t *testing.T) {
	for name, c := range map[string]struct {
		flag   string
		frames func(*peer)
	}{
		"message":   {"--max-message=5", func(p *peer) { p.send(1, "123456") }},
		"fragments": {"--max-fragments=2", func(p *peer) { _, _ = p.nc.Write([]byte{1, 1, 'a', 0, 1, 'b', 0x80, 1, 'c'}) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code := make(chan int, 1)
			addr := listen(t, func(_ int, nc net.Conn) {
				if p, err := upgrade(nc); err == nil {
					p.send(1, "12345")
					c.frames(p)
					code <- p.closing()
				}
			})
			p := connect(t, "--json", "--once", c.flag, "ws://"+addr)
			if got := <-code; got != 1009 {
				t.Errorf("closed with %d", got)
			}
			if status := p.wait(); status != 1 {
				t.Errorf("status %d", status)
			}
			p.untilEvent("what was good", recv("12345"))
		})
	}
}

// While the connection is down the outbox has a bound, and what is beyond it is
// refused rather than accepted and lost.
func TestLinesBeyondTheOutboxAreDroppedWhileOffline(t *testing.T) {
	t.Parallel()
	p := connect(t, "--json", "--backoff-min=1m", "--backoff-max=1m", "ws://"+unused(t))
	p.untilEvent("down", state("reconnecting"))
	long := strings.Repeat("x", 16<<20)
	for range 4 {
		p.typed(long + "\n")
	}
	e := p.untilEvent("a drop", func(e event) bool { return e.Event == "dropped" })
	if e.ID != 4 || e.Reason != "outbox-full" {
		t.Errorf("%+v", e)
	}
	p.typed(strings.Repeat("x", 65<<20) + "\nshort\n")
	p.untilEvent("the next line", func(e event) bool { return e.Event == "accepted" && e.ID == 6 })
	if e := p.untilEvent("too big", func(e event) bool { return e.ID == 5 }); e.Event != "dropped" || e.Reason != "too-big" {
		t.Errorf("%+v", e)
	}
	p.signal()
	if status := p.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
	outcomes := map[int]int{}
	for _, e := range events(t, p.stdout()) {
		if e.Event == "dropped" {
			outcomes[e.ID]++
		}
	}
	for id := 1; id <= 6; id++ {
		if outcomes[id] != 1 {
			t.Errorf("line %d has %d outcomes", id, outcomes[id])
		}
	}
}

// When stdout breaks, the connection is closed in order and the failure is told.
func TestABrokenStdoutEndsIt(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	_ = r.CloseWithError(os.ErrClosed)
	in, hold := io.Pipe()
	defer func() { _ = hold.Close() }()
	stderr := newWatched()
	status := run(t.Context(), []string{"connect", "--json", serve(t) + "/echo"}, stdio{in: in, out: w, err: stderr})
	if text, _ := stderr.now(); status != 1 || !strings.Contains(text, "cannot write to stdout") {
		t.Errorf("status %d, stderr %s", status, text)
	}
}

// Who pipes nothing into us still wants to know whether the server is there.
func TestEndOfInputWaitsForTheFirstConnection(t *testing.T) {
	t.Parallel()
	url := answering(t, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	if status, _, stderr := call(t, "", "connect", url); status != 1 || !strings.Contains(stderr, "404") {
		t.Errorf("status %d, stderr %s", status, stderr)
	}
	status, _, stderr := call(t, "", "connect", serve(t)+"/echo")
	if status != 0 || !strings.Contains(stderr, "ready") {
		t.Errorf("status %d, stderr %s", status, stderr)
	}
}

func TestALineThatIsNoTextIsRefusedWhileConnected(t *testing.T) {
	t.Parallel()
	p := connect(t, "--json", serve(t)+"/echo")
	p.untilEvent("ready", state("ready"))
	p.typed("\xff\nok\n")
	p.untilEvent("the next line", recv("ok"))
	e := p.untilEvent("line 1", func(e event) bool { return e.ID == 1 })
	if e.Event != "dropped" || e.Reason != "invalid-utf8" {
		t.Errorf("%+v", e)
	}
}

// While the connection is up and slow, the input waits: a file that is piped in
// arrives whole.
func TestAFullOutboxMakesTheInputWaitWhileConnected(t *testing.T) {
	t.Parallel()
	slow := make(chan struct{})
	addr := listen(t, func(_ int, nc net.Conn) {
		if p, err := upgrade(nc); err == nil {
			<-slow
			_, _ = io.Copy(io.Discard, p.r)
		}
	})
	p := connect(t, "--json", "ws://"+addr)
	t.Cleanup(sync.OnceFunc(func() {
		select {
		case <-slow:
		default:
			close(slow)
		}
	}))
	p.untilEvent("ready", state("ready"))
	line := strings.Repeat("x", 16<<20) + "\n"
	for range 3 {
		p.typed(line)
	}
	p.untilEvent("three accepted", func(e event) bool { return e.Event == "accepted" && e.ID == 3 })
	p.typed(line) // it has been read, and there is no room for it
	close(slow)
	p.typed(line)
	p.untilEvent("five written", func(e event) bool { return e.Event == "written" && e.ID == 5 })
	for _, e := range events(t, p.stdout()) {
		if e.Event == "dropped" || e.Event == "unknown" {
			t.Errorf("%+v", e)
		}
	}
}
