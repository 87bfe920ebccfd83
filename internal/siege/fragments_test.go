//go:build linux

package siege

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// stream sends head, and then piece as often as it takes to make n of them, however
// the server takes it.
func (p *peer) stream(head, piece []byte, n int) {
	const batch = 4096
	chunk := bytes.Repeat(piece, min(batch, n))
	_, err := p.nc.Write(head)
	for ; err == nil && n > 0; n -= batch {
		_, err = p.nc.Write(chunk[:min(batch, n)*len(piece)])
	}
}

// fragments are the continuation frames of the tests.
var (
	emptyFragment   = appendFrame(nil, opContinuation, nil)
	oneByteFragment = appendFrame(nil, opContinuation, []byte("x"))
)

func testMillionFragments(t *testing.T) {
	f := start(t, actors.ServerOptions{CloseTimeout: time.Second})
	base, n, steady := f.figures(), million(), f.control(f.lean, "/")
	for what, piece := range map[string][]byte{"empty fragments": emptyFragment, "one-byte fragments": oneByteFragment} {
		c := f.many(fmt.Sprintf("%d %s", n, what), func(p *peer) (fault string) {
			go p.stream(appendFrame(nil, opText, nil), piece, n)
			if e := p.end(); e.code != 1009 || e.messages > 0 {
				return fmt.Sprintf("%v; want 1009 and no message", e)
			}
			return ""
		})
		if each := c.cpu / attackers; each > slack(time.Second) {
			t.Errorf("%s: %v of CPU for each attacker, must be 1 s at most", what, each)
		}
	}
	steady.check(50 * time.Millisecond)
	f.quiet(base)
}

// Who lifts the limit gets them all, and pays for their bytes, not for their number.
func testFragmentsWithoutLimit(t *testing.T) {
	n := scale(1_000_000)
	f := start(t, actors.ServerOptions{Limits: transport.Limits{MaxFragments: -1, MaxMessage: 1 << 20}})
	base := f.figures()
	for what, c := range map[string]struct {
		piece []byte
		size  int
	}{"empty": {emptyFragment, 0}, "one-byte": {oneByteFragment, n}} {
		p := f.join(f.lean, "/")
		m := f.measure()
		go func() {
			p.stream(appendFrame(nil, opBinary, nil), c.piece, n)
			_ = p.write(appendFrame(nil, fin|opContinuation, nil))
		}()
		got, err := p.message()
		if err != nil || len(got) != c.size {
			t.Errorf("%s: %d bytes came back: %v", what, len(got), err)
		}
		used := m.report(fmt.Sprintf("%d %s fragments, all taken", n, what), 4*attackerMemory+uint64(2*c.size))
		if used.cpu > slack(time.Second) {
			t.Errorf("%s: %v of CPU, must be 1 s at most", what, used.cpu)
		}
		p.reset()
	}
	f.quietFor(base, glance)
}
