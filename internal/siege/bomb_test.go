//go:build linux

package siege

import (
	"bytes"
	"compress/flate"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// bombCPU is what one bomb may cost, its attacker included.
const bombCPU = 50 * time.Millisecond

// TestBombs is about messages that are small on the wire and large, or expensive,
// behind it.
func TestBombs(t *testing.T) {
	for name, takeover := range map[string]bool{"no context takeover": false, "context takeover": true} {
		t.Run(name, func(t *testing.T) { testBombs(t, takeover) })
	}
}

// bomb is a compressed message.
type bomb struct {
	name string
	send []byte // all of its frames
	code int    // 0: it is taken, and its echo is empty
}

// bombs are made once: it takes a while.
var bombs = sync.OnceValue(func() []bomb {
	size := 64 << 20
	if raceEnabled {
		size = 4 << 20 // everything about it takes ten times as long
	}
	zeros := deflated(size, 0)
	if len(zeros) > 64<<10 {
		panic("the bomb is larger than a message may be")
	}
	idle := append(bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 13_000), 0) // empty stored blocks
	final := bytes.Repeat([]byte{1, 0, 0, 0xff, 0xff}, 13_000)
	tables := codeTables(64 << 10)
	return []bomb{
		{"64 KiB of 64 MiB", appendFrame(nil, fin|rsv1|opBinary, zeros), 1009},
		{"8 KiB of 8 MiB of text", appendFrame(nil, fin|rsv1|opText, deflated(8<<20, ' ')), 1009},
		{"64 KiB of 64 MiB in fragments", inFragments(rsv1|opBinary, zeros, 1000), 1009},
		{"1000:1, 1 MiB", appendFrame(nil, fin|rsv1|opBinary, deflated(1<<20, 0)), 1009},
		{"64 KiB of nothing", appendFrame(nil, fin|rsv1|opBinary, idle), 0},
		{"64 KiB of code tables", appendFrame(nil, fin|rsv1|opBinary, tables), 0},
		{"64 KiB of ends", appendFrame(nil, fin|rsv1|opBinary, final), 1009},
	}
})

func testBombs(t *testing.T, takeover bool) {
	const message = 64 << 10
	f := start(t, actors.ServerOptions{
		Limits:       transport.Limits{MaxMessage: message}, // MaxInflated: ten times that
		Compression:  transport.Compression{Enabled: true, ContextTakeover: takeover},
		CloseTimeout: time.Second,
	})
	base, steady := f.figures(), f.control(f.lean, "/")
	for _, b := range bombs() {
		peers := make([]*peer, max(2, scale(attackers)))
		for i := range peers {
			peers[i] = f.join(f.lean, "/", offer)
			if !peers[i].deflate {
				t.Fatal("compression is not agreed on")
			}
			if err := peers[i].primed(); err != nil {
				t.Fatal(err)
			}
		}
		m := f.measure()
		var all sync.WaitGroup
		for _, p := range peers {
			all.Go(func() {
				if fault := b.drop(p); fault != "" {
					t.Errorf("%s: %s", b.name, fault)
				}
			})
		}
		all.Wait()
		c := m.report(fmt.Sprintf("%d × %s", len(peers), b.name), attackers*(10*message+1<<20))
		if each := c.cpu / time.Duration(len(peers)); each > slack(bombCPU) {
			t.Errorf("%s: %v of CPU, must be %v at most", b.name, each, slack(bombCPU))
		}
		t.Logf("%s: %v of CPU each", b.name, (c.cpu / time.Duration(len(peers))).Round(10*time.Microsecond))
		for _, p := range peers {
			p.reset()
		}
	}
	// Sixteen bombs of tables at once are a quarter of a second of CPU on two cores.
	steady.check(250 * time.Millisecond)
	f.quietFor(base, glance)
}

// primed sends an honest compressed message first, so that there is a window.
func (p *peer) primed() error {
	if err := p.write(appendFrame(nil, fin|rsv1|opText, deflated(1000, 'x'))); err != nil {
		return err
	}
	f, err := p.next()
	if err == nil && (f.op != opText || !f.fin) {
		err = illegal("opcode %d for an honest message", f.op)
	}
	return err
}

// drop sends the bomb and says what is wrong with what comes of it.
func (b *bomb) drop(p *peer) (fault string) {
	if err := p.write(b.send); err != nil {
		return err.Error()
	}
	_ = p.nc.SetReadDeadline(time.Now().Add(patience / 2)) // if nothing happens
	if b.code == 0 {
		if got, err := p.message(); err != nil || len(got) > 0 {
			return fmt.Sprintf("%d bytes came back: %v", len(got), err)
		}
		return ""
	}
	if e := p.end(); e.code != b.code || e.messages > 0 {
		return fmt.Sprintf("%v; want %d", e, b.code)
	}
	return ""
}

// deflated compresses n bytes of c as a message (RFC 7692 §7.2.1).
func deflated(n int, c byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression) // a good level
	chunk := bytes.Repeat([]byte{c}, 1<<16)
	for n > 0 {
		k := min(n, len(chunk))
		_, _ = w.Write(chunk[:k]) // a Buffer does not fail
		n -= k
	}
	_ = w.Flush()
	return b.Bytes()[:b.Len()-4]
}

// inFragments cuts a payload into frames of at most n bytes.
func inFragments(first byte, payload []byte, n int) (b []byte) {
	for ; len(payload) > n; payload = payload[n:] {
		b = appendFrame(b, first, payload[:n])
		first = opContinuation
	}
	return appendFrame(b, first|fin, payload)
}

// codeTables are blocks of dynamic Huffman codes that hold no data: all work and no
// output (RFC 1951 §3.2.7).
func codeTables(n int) []byte {
	var w bits
	for len(w.b) < n-64 {
		w.add(0, 1)  // not the last
		w.add(2, 2)  // dynamic codes
		w.add(0, 5)  // 257 literal codes
		w.add(0, 5)  // 1 distance code
		w.add(14, 4) // 18 code length codes, in the order of the RFC:
		for _, length := range []uint32{0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2} {
			w.add(length, 3)
		}
		w.add(3, 2) // literal 0 has 1 bit
		w.add(0, 1) // 138 have none
		w.add(127, 7)
		w.add(0, 1) // 117 have none
		w.add(106, 7)
		w.add(3, 2) // the end has 1 bit
		w.add(1, 2) // the distance has none (code 10, first bit first)
		w.add(1, 1) // the end
	}
	w.add(0, 3) // an empty stored block, of which the rest is left out
	w.align()
	return w.b
}

// bits are written least significant first.
type bits struct {
	b    []byte
	last uint32
	n    int
}

func (w *bits) add(v uint32, n int) {
	w.last |= v << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.b = append(w.b, byte(w.last))
		w.last >>= 8
	}
}

func (w *bits) align() {
	if w.n > 0 {
		w.add(0, 8-w.n)
	}
}
