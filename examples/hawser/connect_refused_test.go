package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/echo"
)

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
