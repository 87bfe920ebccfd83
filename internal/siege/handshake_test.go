//go:build linux

package siege

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
)

// Promises for the time before there is a connection.
const (
	shakeTimeout = time.Second
	shakeMemory  = 32 << 20
	shakeHealthy = 100 * time.Millisecond // p99 of a good handshake meanwhile
)

// TestHandshakeAttacks is about peers that do not want a connection, but our time
// and our memory.
func TestHandshakeAttacks(t *testing.T) {
	t.Run("slowloris", testSlowloris)
	t.Run("slowloris in TLS", testSlowTLS)
	t.Run("slowloris at the cap", testSlowlorisAtTheCap)
	t.Run("endless headers", testEndlessHeaders)
	t.Run("malformed and smuggling requests", testBadRequests)
}

// parting is how a socket ended that never became a connection.
type parting struct {
	status int           // 0: there was no answer
	took   time.Duration // from the connect to the end
}

// late says whether it ended after the deadline and its tenth. began is when the
// attack did.
func (p parting) late(began machine) bool {
	return p.took > shakeTimeout+began.allow(shakeTimeout/10)
}

// torrent sends a request whose header does not end: head, and then text as often as
// it takes to send size bytes of it. It returns how the server took it.
func torrent(addr, text string, size int) (sent int, p parting, err error) {
	nc, err := dial(addr)
	if err != nil {
		return 0, p, err
	}
	defer nc.Close()
	began, wrote := time.Now(), make(chan int, 1)
	go func() {
		chunk, n := []byte(strings.Repeat(text, 64<<10/len(text))), 0
		_, err := io.WriteString(nc, strings.TrimSuffix(request("/"), "\r\n"))
		for err == nil && n < size {
			var k int
			k, err = nc.Write(chunk)
			n += k
		}
		wrote <- n
	}()
	p.status = lastStatus(nc)
	p.took = time.Since(began)
	_ = nc.Close()
	return <-wrote, p, nil
}

func testEndlessHeaders(t *testing.T) {
	f := start(t, actors.ServerOptions{HandshakeTimeout: shakeTimeout})
	base := f.figures()
	const headers = 1_000_000
	for _, c := range []struct {
		what, text string
		size       int
	}{
		{"a header line of 64 MiB", strings.Repeat("X", 1024), 64 << 20},
		{"10^6 header lines", "X: y\r\n", headers * len("X: y\r\n")},
	} {
		for way, addr := range f.ways() {
			m, healthy, steady, began := f.measure(), f.newcomers(addr, "/"), f.control(addr, "/"), now()
			var wg sync.WaitGroup
			var count atomic.Int64
			for range 10 {
				wg.Go(func() {
					for end := time.Now().Add(400 * time.Millisecond); time.Now().Before(end); pause(10 * time.Millisecond) {
						count.Add(1)
						sent, p, err := torrent(addr, c.text, c.size)
						if err != nil || p.status != http.StatusRequestHeaderFieldsTooLarge || p.late(began) {
							t.Errorf("%s, %s: answered %d after %v and %d bytes, want 431: %v", way, c.what, p.status, p.took, sent, err)
							return
						}
					}
				})
			}
			wg.Wait()
			m.report(fmt.Sprintf("%s: %d × %s, 10 at a time", way, count.Load(), c.what), shakeMemory)
			healthy().check(t, way+": handshakes meanwhile", 20, shakeHealthy)
			steady.check(50 * time.Millisecond)
		}
	}
	f.quietFor(base, glance)
}

func testBadRequests(t *testing.T) {
	f := start(t, actors.ServerOptions{HandshakeTimeout: shakeTimeout})
	base, m := f.figures(), f.measure()
	var hidden []string
	rows := badRequests()
	for _, way := range []string{"Serve", "net/http"} {
		healthy := f.newcomers(f.ways()[way], "/")
		for _, c := range rows {
			want := c.status
			if way == "net/http" {
				if c.hidden {
					hidden = append(hidden, c.name)
					continue
				}
				if c.web != 0 {
					want = c.web
				}
			}
			if fault := refused(f.ways()[way], c.raw, want); fault != "" {
				t.Errorf("%s: %s: %s", way, c.name, fault)
			}
		}
		healthy().check(t, way+": handshakes meanwhile", 20, shakeHealthy)
	}
	m.report(fmt.Sprintf("%d malformed requests, %d of them also through net/http", len(rows), len(rows)-len(hidden)), shakeMemory)
	t.Logf("net/http reads as good, and does not show us: %s", strings.Join(hidden, ", "))
	f.quietFor(base, glance)
}

// refused sends raw and says what is wrong with what comes back.
func refused(addr, raw string, want int) (fault string) {
	nc, err := dial(addr)
	if err != nil {
		return err.Error()
	}
	defer nc.Close()
	machine, began := now(), time.Now()
	if _, err := io.WriteString(nc, raw); err != nil {
		return err.Error()
	}
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		return fmt.Sprintf("no answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	p := parting{resp.StatusCode, time.Since(began)}
	switch {
	case resp.StatusCode != want:
		return fmt.Sprintf("answered %s, want %d", resp.Status, want)
	case err != nil || !resp.Close:
		return fmt.Sprintf("the socket is not closed: %v", err)
	case p.late(machine):
		return fmt.Sprintf("it took %v", p.took)
	case strings.Contains(string(body), "hunter2"):
		return "the answer holds the token"
	}
	return ""
}
