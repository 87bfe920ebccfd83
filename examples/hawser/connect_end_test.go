package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

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
