package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main() // in a child of a test
		return
	}
	// protoactor's throttle of dead letters outlives its system by some seconds.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1"))
}

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
	out := newWatched()
	return startWith(t, out, out, args...)
}

// startWith runs it with another stdout than the one that the test looks at.
func startWith(t *testing.T, seen *watched, stdout io.Writer, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	p := &program{t: t, in: w, out: seen, err: newWatched(), signal: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.status = run(ctx, args, stdio{in: r, out: stdout, err: p.err})
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
