package main

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 §4.2.2 asks for it
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit is how long anything in a test may take that should take no time.
const limit = 20 * time.Second

// watched is an output that can be waited for.
type watched struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newWatched() *watched { return &watched{changed: make(chan struct{})} }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
	return w.text.Write(p)
}

func (w *watched) now() (string, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String(), w.changed
}

// program is a run of hawser inside the test.
type program struct {
	t        *testing.T
	in       *io.PipeWriter
	out, err *watched
	signal   context.CancelFunc
	ended    chan struct{}
	status   int
}

// start runs hawser with these arguments until it ends or the test does.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	p := &program{t: t, in: w, out: newWatched(), err: newWatched(), signal: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.status = run(ctx, args, stdio{in: r, out: p.out, err: p.err})
	}()
	t.Cleanup(func() {
		cancel()
		_ = w.Close()
		<-p.ended
	})
	return p
}

// call runs hawser to its end, with this input.
func call(t *testing.T, input string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	p := start(t, args...)
	p.typed(input)
	_ = p.in.Close()
	status = p.wait()
	return status, p.stdout(), p.stderr()
}

func (p *program) stdout() string { s, _ := p.out.now(); return s }
func (p *program) stderr() string { s, _ := p.err.now(); return s }

// typed writes to the input. It does not matter if the program has ended.
func (p *program) typed(s string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.WriteString(p.in, s)
	}()
	select {
	case <-done:
	case <-p.ended:
		_ = p.in.Close()
		<-done
	case <-time.After(limit):
		p.t.Fatalf("nobody reads the input\nstdout: %.2000s\nstderr: %.2000s", p.stdout(), p.stderr())
	}
}

// wait returns the exit status.
func (p *program) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.status
	case <-time.After(limit):
		p.t.Fatalf("it does not end\nstdout: %.2000s\nstderr: %.2000s", p.stdout(), p.stderr())
		return 0
	}
}

// until waits until an output fulfils a condition, and returns it.
func (p *program) until(w *watched, what string, ok func(string) bool) string {
	p.t.Helper()
	deadline := time.After(limit)
	for {
		text, changed := w.now()
		if ok(text) {
			return text
		}
		select {
		case <-changed:
		case <-deadline:
			p.t.Fatalf("waited in vain for %s\nstdout: %.2000s\nstderr: %.2000s", what, p.stdout(), p.stderr())
		}
	}
}

func (p *program) untilOut(want string) {
	p.t.Helper()
	p.until(p.out, want, func(s string) bool { return strings.Contains(s, want) })
}

// event is any line of JSON that hawser writes.
type event struct {
	Event   string  `json:"event"`
	ID      int     `json:"id"`
	Reason  string  `json:"reason"`
	Kind    string  `json:"kind"`
	Data    *string `json:"data"`
	Name    string  `json:"name"`
	Attempt int     `json:"attempt"`
	DelayMS int64   `json:"delay_ms"`
	Cause   string  `json:"cause"`
	Status  int     `json:"status"`
	Code    int     `json:"code"`
}

// events parses JSON lines; each line must be one object.
func events(t *testing.T, text string) (list []event) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e event
		if !strings.HasSuffix(line, "\n") {
			break // not whole yet
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in line %.200q", err, line)
		}
		list = append(list, e)
	}
	return list
}

// untilEvent waits for a JSON event and returns it.
func (p *program) untilEvent(what string, ok func(event) bool) (found event) {
	p.t.Helper()
	p.until(p.out, what, func(s string) bool {
		for _, e := range events(p.t, s) {
			if ok(e) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

func state(name string) func(event) bool {
	return func(e event) bool { return e.Event == "state" && e.Name == name }
}

func recv(data string) func(event) bool {
	return func(e event) bool { return e.Event == "recv" && *e.Data == data }
}

// serve starts "hawser serve" and returns its address.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	p := start(t, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	p.untilOut("\n")
	line, _, _ := strings.Cut(p.stdout(), "\n")
	return line
}

// listen serves TCP connections with a function, which may keep a connection
// until the test ends. It returns the address.
func listen(t *testing.T, handle func(n int, nc net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		conns []net.Conn
	)
	wg.Go(func() {
		for n := 0; ; n++ {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, nc)
			mu.Unlock()
			wg.Go(func() {
				defer func() { _ = nc.Close() }()
				handle(n, nc)
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, nc := range conns {
			_ = nc.Close()
		}
		wg.Wait()
	})
	return ln.Addr().String()
}

// answering is a server that refuses every handshake with these bytes.
func answering(t *testing.T, answer string) string {
	return "ws://" + listen(t, func(_ int, nc net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(nc)); err == nil {
			_, _ = io.WriteString(nc, answer)
		}
	})
}

// peer is the server's end of a WebSocket, as plain as it can be.
type peer struct {
	nc  net.Conn
	r   *bufio.Reader
	req *http.Request
}

// upgrade does the opening handshake (RFC 6455 §4.2.2).
func upgrade(nc net.Conn) (*peer, error) {
	p := &peer{nc: nc, r: bufio.NewReader(nc)}
	req, err := http.ReadRequest(p.r)
	if err != nil {
		return nil, err
	}
	p.req = req
	sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	_, err = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "+base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
	return p, err
}

// frame reads a frame of at most 64 KiB.
func (p *peer) frame() (op byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(head[1] & 0x7f)
	if n == 126 {
		var long [2]byte
		if _, err := io.ReadFull(p.r, long[:]); err != nil {
			return 0, nil, err
		}
		n = int(binary.BigEndian.Uint16(long[:]))
	}
	body := make([]byte, 4+n)
	if _, err := io.ReadFull(p.r, body); err != nil {
		return 0, nil, err
	}
	for i := range body[4:] {
		body[4+i] ^= body[i%4]
	}
	return head[0] & 0x0f, body[4:], nil
}

// send writes a short frame.
func (p *peer) send(op byte, payload string) {
	_, _ = p.nc.Write(append([]byte{0x80 | op, byte(len(payload))}, payload...))
}

// closeCode is what stands in the payload of a close frame.
func closeCode(payload []byte) int {
	if len(payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(payload))
}

// closing reads until a close frame, answers it, and returns its code.
func (p *peer) closing() int {
	for {
		op, payload, err := p.frame()
		if err != nil {
			return 1006
		}
		if op == 8 {
			p.send(8, string(payload))
			_, _, _ = p.frame() // until the client has closed
			return closeCode(payload)
		}
	}
}
