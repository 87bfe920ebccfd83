//go:build linux

package siege

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
)

// slow is a crowd of sockets that send a request so slowly that it never ends.
type slow struct {
	began machine
	socks []net.Conn
	done  chan parting
	over  chan struct{}
	wg    sync.WaitGroup
	leave func() // ends them
}

// slowness is the time between two pieces on one socket.
const slowness = 100 * time.Millisecond

// crowd connects n of them; each sends one piece after the other, and the last again
// and again, so that its request is legal as far as it has come.
func crowd(t *testing.T, addr string, n int, pieces []string) *slow {
	t.Helper()
	s := &slow{began: now(), done: make(chan parting, n), over: make(chan struct{})}
	for range n {
		nc, err := dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		s.socks = append(s.socks, nc)
		began := time.Now()
		s.wg.Go(func() {
			status := lastStatus(nc)
			s.done <- parting{status, time.Since(began)}
		})
	}
	s.wg.Go(func() { // one for all: the attacker is lean
		const groups = 10 // that do not all send at the same moment
		tick := time.NewTicker(slowness / groups)
		defer tick.Stop()
		for i := 0; ; i++ {
			for k := i % groups; k < len(s.socks); k += groups {
				_, _ = io.WriteString(s.socks[k], pieces[min(i/groups, len(pieces)-1)]) // it may have been closed
			}
			select {
			case <-tick.C:
			case <-s.over:
				return
			}
		}
	})
	s.leave = sync.OnceFunc(func() {
		for _, nc := range s.socks {
			_ = nc.Close()
		}
		close(s.over)
		s.wg.Wait()
	})
	t.Cleanup(s.leave)
	return s
}

// lastStatus reads nc to its end and returns the status of what was answered.
func lastStatus(nc net.Conn) (status int) {
	var b [64]byte
	n, err := nc.Read(b[:])
	_, _ = fmt.Sscanf(string(b[:n]), "HTTP/1.1 %d ", &status)
	for err == nil {
		_, err = nc.Read(b[:])
	}
	return status
}

// Byte by byte, and line by line: no line of these is the last.
var (
	byteWise = strings.Split(strings.TrimSuffix(request("/", "X-Padding: "+strings.Repeat("x", 1000)), "\r\n"), "")
	lineWise = append(strings.SplitAfter(strings.TrimSuffix(request("/"), "\r\n"), "\r\n"), "X: y\r\n")
)

// helloWise is the beginning of a TLS handshake.
var helloWise = strings.Split("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+strings.Repeat("x", 100), "")

// testSlowTLS is testSlowloris for those who do not even finish the handshake of TLS.
func testSlowTLS(t *testing.T) {
	f := start(t, actors.ServerOptions{
		HandshakeTimeout: shakeTimeout, TLSConfig: &tls.Config{Certificates: certificate(t)},
	})
	base, m, n := f.figures(), f.measure(), scale(500)
	s := crowd(t, f.lean, n, helloWise)
	checkPartings(t, "TLS", s, n, []int{0})
	s.leave()
	m.report("TLS, byte by byte", shakeMemory)
	f.quietFor(base, glance)
}

func testSlowloris(t *testing.T) {
	f := start(t, actors.ServerOptions{HandshakeTimeout: shakeTimeout, Handshakes: 4096})
	base, n := f.figures(), scale(1000)
	for _, c := range []struct {
		name, addr string
		pieces     []string
		statuses   []int // net/http closes without an answer, or with 400 for half a line
	}{
		{"Serve, byte by byte", f.lean, byteWise, []int{408}},
		{"Serve, line by line", f.lean, lineWise, []int{408}},
		{"net/http, byte by byte", f.web, byteWise, []int{0, 400}},
		{"net/http, line by line", f.web, lineWise, []int{0, 400}},
	} {
		m, steady := f.measure(), f.control(c.addr, "/")
		s := crowd(t, c.addr, n, c.pieces)
		healthy := f.newcomers(c.addr, "/")
		checkPartings(t, c.name, s, n, c.statuses)
		healthy().check(t, c.name+": handshakes meanwhile", 20, shakeHealthy)
		steady.check(50 * time.Millisecond)
		s.leave()
		m.report(c.name, shakeMemory)
	}
	f.quiet(base)
}

// checkPartings waits for all of a crowd to be sent away, with one of the
// statuses, and not much before or after the deadline.
func checkPartings(t *testing.T, way string, s *slow, n int, statuses []int) {
	t.Helper()
	const deadline = shakeTimeout
	first, last, answers, late := time.Hour, time.Duration(0), map[int]int{}, 0
	for range n {
		select {
		case p := <-s.done:
			first, last = min(first, p.took), max(last, p.took)
			answers[p.status]++
			if p.late(s.began) {
				late++
			}
		case <-time.After(patience):
			t.Fatalf("%s: slow sockets are still open", way)
		}
	}
	t.Logf("%s: %d slow sockets closed after %v to %v", way, n, first.Round(time.Millisecond), last.Round(time.Millisecond))
	if late > 0 {
		t.Errorf("%s: %d slow sockets were closed more than a tenth after the deadline of %v", way, late, deadline)
	}
	if first < deadline*9/10 {
		t.Errorf("%s: a slow socket was closed after %v already, the deadline is %v", way, first, deadline)
	}
	for status := range answers {
		tooLate := status == 0 && s.began.others() > crowded // to answer within the tenth
		if !slices.Contains(statuses, status) && !tooLate {
			t.Errorf("%s: the slow sockets were answered with %v, want %v", way, answers, statuses)
		}
	}
}

// testSlowlorisAtTheCap has more sockets than the server has places: those that it
// has waited for longest make room, whether they send nothing whole or do not take
// note of their refusal. Each wave is larger than all places, so it may wash somebody
// away whose request is still on its way; he tries again, and that counts as his time.
func testSlowlorisAtTheCap(t *testing.T) {
	const places, waves = 64, 10
	f := start(t, actors.ServerOptions{HandshakeTimeout: shakeTimeout, Handshakes: places})
	base, n := f.figures(), scale(1000)/waves
	m, steady, again := f.measure(), f.control(f.lean, "/"), 0
	healthy := repeat(beat, func() error {
		p, err := meet(f.lean, "/")
		for try := 0; err != nil && try < 5; try++ {
			again++
			p, err = meet(f.lean, "/")
		}
		if err == nil {
			p.reset()
		}
		return err
	})
	var all []*slow
	for range waves {
		all = append(all, crowd(t, f.lean, n/2, byteWise), crowd(t, f.lean, n-n/2, []string{"x\r\n\r\n", ""}))
		pause(shakeTimeout / waves)
	}
	answers := map[int]int{}
	for i, s := range all {
		for range len(s.socks) {
			select {
			case p := <-s.done:
				answers[p.status]++
				if p.late(s.began) {
					t.Errorf("wave %d: closed after %v", i/2, p.took)
				}
			case <-time.After(patience):
				t.Fatal("slow sockets are still open")
			}
		}
		s.leave()
	}
	t.Logf("%d sockets at %d places, by the status that they got (0: cut): %v", n*waves, places, answers)
	if answers[http.StatusSwitchingProtocols] > 0 || answers[0] == 0 && !raceEnabled {
		t.Error("none was cut, or one got in")
	}
	healthy().check(t, "handshakes meanwhile", 20, shakeHealthy)
	t.Logf("of these, tries that were in vain: %d", again)
	steady.check(50 * time.Millisecond)
	m.report("slowloris at the cap", shakeMemory)
	f.quietFor(base, glance)
}
