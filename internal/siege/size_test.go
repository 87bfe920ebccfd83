//go:build linux

package siege

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// attackers is how many do the same thing at a time: what they cost is divided by
// it, so that the garbage of a small heap does not count as an attacker's.
const attackers = 16

// attackerMemory is what one of them may cost.
const attackerMemory = 2 << 20

// TestSizeLimits is about peers that send more than they may.
func TestSizeLimits(t *testing.T) {
	t.Run("at the limit and beyond", testAtTheLimit)
	t.Run("declared lengths", testDeclaredLengths)
	t.Run("half a message for ever", testHalfAMessage)
	t.Run("inflated", testInflatedSizes)
	t.Run("a million fragments", testMillionFragments)
	t.Run("a million fragments without a limit", testFragmentsWithoutLimit)
}

// sizeLimits of the tests. All differ, so that one cannot stand in for another.
var sizeLimits = transport.Limits{MaxFrame: 40_000, MaxMessage: 100_000, MaxFragments: 50}

// attempt is what a peer sends, and what must become of it.
type attempt struct {
	name string
	send []byte
	code int // 0: it is echoed
	size int // of the echo
}

func testAtTheLimit(t *testing.T) {
	f := start(t, actors.ServerOptions{Limits: sizeLimits})
	base, m, count := f.figures(), f.measure(), 0
	for _, addr := range f.ways() {
		steady := f.control(addr, "/")
		for _, c := range limitAttempts() {
			count++
			p := f.join(addr, "/")
			if fault := c.try(p); fault != "" {
				t.Errorf("%s: %s", c.name, fault)
			}
			p.reset()
		}
		steady.check(50 * time.Millisecond)
	}
	m.report(fmt.Sprintf("%d attempts at the limits", count), attackers*attackerMemory)
	f.quietFor(base, glance)
}

// limitAttempts are at limit−1, limit and limit+1 of frame, message and fragments.
func limitAttempts() (all []attempt) {
	for by := -1; by <= 1; by++ {
		frame, message, fragments := sizeLimits.MaxFrame+by, sizeLimits.MaxMessage+by, sizeLimits.MaxFragments+by
		code := 0
		if by > 0 {
			code = 1009
		}
		third := sizeLimits.MaxMessage / 3
		for kind, op := range map[string]byte{"text": opText, "binary": opBinary} {
			all = append(
				all,
				attempt{fmt.Sprintf("%s frame, limit%+d", kind, by), appendFrame(nil, fin|op, pad(frame)), code, frame},
				attempt{fmt.Sprintf("%s message of 3, limit%+d", kind, by), fragmented(op, third, third, message-2*third), code, message},
				attempt{fmt.Sprintf("%s in fragments, limit%+d", kind, by), fragmented(op, times(fragments, 1)...), code, fragments},
				attempt{fmt.Sprintf("%s in empty fragments, limit%+d", kind, by), fragmented(op, times(fragments, 0)...), code, 0},
			)
		}
	}
	frame := sizeLimits.MaxFrame
	return append(
		all,
		attempt{"a fragment of limit+1", fragmented(opBinary, 10, frame+1, 10), 1009, 0},
		attempt{"three fragments of the limit", fragmented(opBinary, frame, frame, frame), 1009, 0},
		attempt{"a ping of 125", append(appendFrame(nil, fin|opPing, pad(125)), appendFrame(nil, fin|opText, pad(7))...), 0, 7},
		attempt{"a ping of 126", appendFrame(nil, fin|opPing, pad(126)), 1002, 0},
		attempt{"a ping in fragments", appendFrame(nil, opPing, pad(5)), 1002, 0},
		attempt{"5 bytes in 16 bits", []byte{fin | opText, 0x80 | 126, 0, 5, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'}, 1002, 0},
		attempt{"5 bytes in 64 bits", []byte{fin | opText, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'}, 1002, 0},
	)
}

func pad(n int) []byte { return bytes.Repeat([]byte{'x'}, max(0, n)) }

func times(n, size int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = size
	}
	return all
}

// fragmented is a message in frames of these sizes.
func fragmented(op byte, sizes ...int) (b []byte) {
	for i, n := range sizes {
		if i == len(sizes)-1 {
			op |= fin
		}
		b = appendFrame(b, op, pad(n))
		op = opContinuation
	}
	return b
}

// try makes the attempt and says what is wrong with the result. It returns once the
// server has ended the connection, or has answered on it.
func (a *attempt) try(p *peer) (fault string) {
	if err := p.write(a.send); err != nil {
		return err.Error()
	}
	if a.code == 0 {
		got, err := p.message()
		if err != nil || len(got) != a.size || strings.Trim(string(got), "x") != "" {
			return fmt.Sprintf("%d bytes came back, want %d: %v", len(got), a.size, err)
		}
		if err := p.leave(); err != nil {
			return fmt.Sprintf("and then it cannot leave: %v", err)
		}
		return ""
	}
	_ = p.nc.SetReadDeadline(time.Now().Add(3 * time.Second)) // if nothing happens
	if e := p.end(); e.code != a.code || e.messages > 0 {
		return fmt.Sprintf("%v; want %d and no message", e, a.code)
	}
	return ""
}

func testDeclaredLengths(t *testing.T) {
	f := start(t, actors.ServerOptions{Limits: transport.Limits{MaxMessage: 1 << 20}, CloseTimeout: time.Second})
	base, steady := f.figures(), f.control(f.lean, "/")
	for _, c := range []struct {
		name string
		size uint64
		code int
	}{
		{"the limit", 1 << 20, 0}, // and then nothing comes
		{"limit+1", 1<<20 + 1, 1009},
		{"2^31", 1 << 31, 1009},
		{"2^32", 1 << 32, 1009},
		{"2^62", 1 << 62, 1009},
		{"2^63-1", 1<<63 - 1, 1009},
		{"2^63", 1 << 63, 1002}, // RFC 6455 §5.2: the first bit must be 0
		{"2^64-1", 1<<64 - 1, 1002},
	} {
		for place, begin := range map[string][]byte{
			"first frame":  nil,
			"continuation": appendFrame(nil, opBinary, pad(10)),
		} {
			first := byte(fin | opBinary)
			if begin != nil {
				first = fin | opContinuation
				if c.code == 0 {
					c.size -= 10
				}
			}
			a := attempt{c.name + ", " + place, appendHeader(begin, first, c.size), c.code, 0}
			f.many(a.name, func(p *peer) (fault string) {
				if a.code != 0 {
					return a.try(p)
				}
				if err := p.write(a.send); err != nil {
					return err.Error()
				}
				if f, err := p.pinged(); err != nil || f.op != opPong {
					return "" // the ping is part of the payload that is awaited
				}
				return "answered a ping inside a frame"
			})
		}
	}
	steady.check(50 * time.Millisecond)
	f.quietFor(base, glance)
}

// The most that a peer can make us hold: a message that lacks its end.
func testHalfAMessage(t *testing.T) {
	const limit = 1 << 20
	f := start(t, actors.ServerOptions{Limits: transport.Limits{MaxMessage: limit, MaxFragments: -1}})
	base, steady := f.figures(), f.control(f.lean, "/")
	one := append(appendHeader(nil, fin|opBinary, limit), pad(limit-100)...)
	several := fragmented(opBinary, append(times(limit/100-1, 100), 1)...)
	several = several[:len(several)-7] // the last frame never comes
	for what, send := range map[string][]byte{"a frame": one, "fragments of 100 bytes": several} {
		f.many("1 MiB without its end, in "+what, func(p *peer) (fault string) {
			if err := p.write(send); err != nil {
				return err.Error()
			}
			if got, err := p.pinged(); what == "a frame" && err == nil {
				return fmt.Sprintf("opcode %d inside a frame", got.op)
			}
			return ""
		})
	}
	steady.check(50 * time.Millisecond)
	f.quietFor(base, glance)
}

// pinged sends a ping and waits a moment for what comes.
func (p *peer) pinged() (frame, error) {
	if err := p.write(appendFrame(nil, fin|opPing, nil)); err != nil {
		return frame{}, err
	}
	_ = p.nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	return p.next()
}

// many lets attackers do the same thing at the same time, and checks that each
// costs no more memory than it may.
func (f *fort) many(what string, attack func(*peer) (fault string)) cost {
	f.t.Helper()
	peers := make([]*peer, attackers)
	for i := range peers {
		peers[i] = f.join(f.lean, "/")
	}
	m := f.measure()
	var wg sync.WaitGroup
	for _, p := range peers {
		wg.Go(func() {
			if fault := attack(p); fault != "" {
				f.t.Errorf("%s: %s", what, fault)
			}
		})
	}
	wg.Wait()
	c := m.report(fmt.Sprintf("%d × %s", attackers, what), attackers*attackerMemory)
	for _, p := range peers {
		p.reset()
	}
	return c
}
