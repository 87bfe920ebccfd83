//go:build linux

package siege

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
)

// A peer that pings and never reads makes us hold pongs. They do not pile up, they do
// not keep us from reading, and when the socket has taken nothing for the write
// deadline the peer is cut.
func testNeverReads(t *testing.T) {
	const deadline = time.Second
	f := start(t, actors.ServerOptions{Rates: actors.Rates{Controls: -1}, WriteTimeout: deadline})
	narrow := f.narrow()
	base, steady := f.figures(), f.control(narrow, "/")
	peers := make([]*peer, max(4, scale(attackers)))
	for i := range peers {
		peers[i] = f.join(narrow, "/")
		_ = peers[i].nc.SetReadBuffer(4096)
	}
	m, began, full := f.measure(), now(), watchQueues()
	var all sync.WaitGroup
	for _, p := range peers {
		all.Go(func() {
			cut, sent := p.pingsForEver()
			took, late := cut.Sub(full.since(p)), deadline+began.allow(500*time.Millisecond)
			early := took < deadline*9/10 && began.others() < crowded // else we may have looked too late
			if early || took > late {
				t.Errorf("cut %v after the socket was full (%d pings), want %v", took, sent, deadline)
			}
		})
	}
	all.Wait()
	full.stop()
	m.report(fmt.Sprintf("%d peers that ping and do not read", len(peers)), attackers*attackerMemory)
	steady.check(50 * time.Millisecond)
	for _, p := range peers {
		p.reset()
	}
	f.quietFor(base, glance)
}

// pingsForEver pings without reading, until the connection is cut.
func (p *peer) pingsForEver() (cut time.Time, sent int) {
	chunk := bytes.Repeat(appendFrame(nil, fin|opPing, pad(125)), 100)
	var err error
	for ; err == nil; sent += 100 {
		_, err = p.nc.Write(chunk)
		pause(10 * time.Millisecond) // the peers are no load of their own then
	}
	return time.Now(), sent
}

// queues are what the server's sockets have not got rid of, as the kernel tells it.
type queues struct {
	mu   sync.Mutex
	most map[int]uint64    // bytes, by the port of the peer
	at   map[int]time.Time // since when they hold that much
	stop func()
}

// watchQueues looks at them all the time until stop.
func watchQueues() *queues {
	q := &queues{most: map[int]uint64{}, at: map[int]time.Time{}}
	over, done := make(chan struct{}), make(chan struct{})
	q.stop = sync.OnceFunc(func() { close(over); <-done })
	go func() {
		defer close(done)
		for {
			q.look()
			select {
			case <-over:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	return q
}

// look notes which queues have grown.
func (q *queues) look() {
	b, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for line := range strings.Lines(string(b)) {
		var n, local, localPort, remote, port, state int
		var waiting uint64
		_, err := fmt.Sscanf(line, "%d: %x:%x %x:%x %x %x:", &n, &local, &localPort, &remote, &port, &state, &waiting)
		if err == nil && waiting > q.most[port] {
			q.most[port], q.at[port] = waiting, time.Now()
		}
	}
}

// since returns when the queue for a peer last grew.
func (q *queues) since(p *peer) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.at[p.nc.LocalAddr().(*net.TCPAddr).Port]
}
