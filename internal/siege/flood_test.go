//go:build linux

package siege

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
)

// never is a rate at which nothing comes back within a test: only the burst counts,
// and that must be exact.
const never = 0.001

// TestFloods is about peers that send what they may, but too much of it.
func TestFloods(t *testing.T) {
	t.Run("beyond the rates", testBeyondTheRates)
	t.Run("at the default rates", testDefaultRates)
	t.Run("the bucket of a key", testBucketOfAKey)
	t.Run("without rates", testFloodWithoutRates)
	t.Run("a peer that pings and never reads", testNeverReads)
	t.Run("connects", testConnects)
}

// flood is a kind of frame that is sent a million times.
type flood struct {
	name  string
	piece []byte
	rates actors.Rates
	burst int  // how many are within the rate
	back  byte // the opcode of what comes back for each; 0: nothing
}

func floods() []flood {
	const burst = 100
	return []flood{
		{"pings", appendFrame(nil, fin|opPing, nil), actors.Rates{Controls: never, ControlBurst: burst}, burst, opPong},
		{"pongs", appendFrame(nil, fin|opPong, nil), actors.Rates{Controls: never, ControlBurst: burst}, burst, 0},
		{"one-byte messages", appendFrame(nil, fin|opBinary, []byte("x")), actors.Rates{Messages: never, MessageBurst: burst}, burst, opBinary},
		{"bytes", appendFrame(nil, fin|opBinary, pad(10)), actors.Rates{Bytes: never, ByteBurst: 10 * burst}, burst, opBinary},
		{"messages of one key", appendFrame(nil, fin|opBinary, []byte("x")), actors.Rates{KeyMessages: never, KeyMessageBurst: burst}, burst, opBinary},
	}
}

func testBeyondTheRates(t *testing.T) {
	n := million()
	for _, c := range floods() {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, actors.ServerOptions{
				Rates: c.rates, CloseTimeout: time.Second,
				Modules: []actors.Module{echo("/")},
			})
			base, m := f.figures(), f.measure()
			exact := f.join(f.lean, "/")
			f.home = "127.0.0.3" // another key
			atOnce := f.join(f.lean, "/")
			f.home = "127.0.0.4"
			flooder := f.join(f.lean, "/")
			if fault := c.exact(exact); fault != "" {
				t.Errorf("one more than %d: %s", c.burst, fault)
			}
			if fault := c.atOnce(atOnce); fault != "" {
				t.Errorf("%d at once: %s", c.burst+1, fault)
			}
			go func() {
				flooder.stream(nil, c.piece, n)
				_ = flooder.write(appendFrame(nil, fin|opClose, []byte{0x03, 0xe8})) // if it gets so far
			}()
			came, e := c.until(flooder)
			exact.reset()
			atOnce.reset()
			exactly := came == c.burst || c.back == opPong && came <= c.burst // the latest may be answered for all
			if e.code != 1008 || !exactly && c.back != 0 {
				t.Errorf("%d of %d came back, then %v; want %d and 1008", came, n, e, c.burst)
			}
			flooder.reset()
			m.report(fmt.Sprintf("%d %s", n, c.name), 4*attackerMemory)
			f.quietFor(base, glance)
		})
	}
}

// exact sends as many as are within the rate, and then one more.
func (c *flood) exact(p *peer) (fault string) {
	for i := range c.burst {
		if err := p.write(c.piece); err != nil {
			return err.Error()
		}
		if c.back == 0 {
			continue
		}
		if f, err := p.next(); err != nil || f.op != c.back {
			return fmt.Sprintf("within the rate, for number %d came opcode %d: %v", i, f.op, err)
		}
	}
	return c.beyond(p, c.piece)
}

// atOnce sends one more than are within the rate, in one write.
func (c *flood) atOnce(p *peer) (fault string) {
	return c.beyond(p, bytes.Repeat(c.piece, c.burst+1))
}

// beyond sends what is too much.
func (c *flood) beyond(p *peer, last []byte) (fault string) {
	if err := p.write(last); err != nil {
		return err.Error()
	}
	_ = p.nc.SetReadDeadline(time.Now().Add(2 * time.Second)) // if nothing happens
	if _, e := c.until(p); e.code != 1008 {
		return fmt.Sprintf("%v; want 1008", e)
	}
	return ""
}

// until counts what comes back, to the end.
func (c *flood) until(p *peer) (came int, e ending) {
	e = p.end()
	if c.back == opPong {
		return p.pongs, e
	}
	return e.messages, e
}

// What a server does that sets no rates: some pings and pongs, and not more.
func testDefaultRates(t *testing.T) {
	f, n := start(t, actors.ServerOptions{CloseTimeout: time.Second}), million()
	base, steady, m := f.figures(), f.control(f.lean, "/"), f.measure()
	for _, c := range floods()[:2] {
		p, began := f.join(f.lean, "/"), time.Now()
		go func() {
			p.stream(nil, c.piece, n)
			_ = p.write(appendFrame(nil, fin|opClose, []byte{0x03, 0xe8})) // if it gets so far
		}()
		came, e := c.until(p)
		took := time.Since(began)
		t.Logf("%d %s: closed after %v, %d came back", n, c.name, took.Round(time.Millisecond), came)
		if within := 200 + int(50*took.Seconds()) + 1; e.code != 1008 || came > within {
			t.Errorf("%s: %d came back, then %v; want at most %d and 1008", c.name, came, e, within)
		}
		p.reset()
	}
	m.report("two floods", 4*attackerMemory)
	steady.check(50 * time.Millisecond)
	f.quietFor(base, glance)
}

// A new connection does not get a fresh bucket.
func testBucketOfAKey(t *testing.T) {
	f := start(t, actors.ServerOptions{Rates: actors.Rates{KeyMessages: never, KeyMessageBurst: 80}})
	base := f.figures()
	first := f.join(f.lean, "/")
	for i := range 50 {
		if err := first.echoed(fmt.Sprint(i)); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if err := first.leave(); err != nil {
		t.Error(err)
	}
	f.await("the first has left", func() bool { return f.Connections() == 0 })
	second := f.join(f.web, "/")
	if err := second.write(bytes.Repeat(appendFrame(nil, fin|opText, []byte("x")), 50)); err != nil {
		t.Error(err)
	}
	if e := second.end(); e.code != 1008 || e.messages != 30 {
		t.Errorf("the second connection: %v; want 30 messages and 1008", e)
	}
	second.reset()
	f.home = "127.0.0.2"
	other := f.join(f.lean, "/")
	if err := errors.Join(other.echoed("somebody else"), other.leave()); err != nil {
		t.Error(err)
	}
	f.quietFor(base, glance)
}

// Where no rate is set, a flood is served: it takes its turn among the others, and
// no reader gets stuck.
func testFloodWithoutRates(t *testing.T) {
	n := scale(1_000_000)
	f := start(t, actors.ServerOptions{Rates: actors.Rates{Controls: -1}, Outbox: actors.OutboxLimits{Bytes: 16 << 20, Messages: n}})
	base, m, steady := f.figures(), f.measure(), f.control(f.lean, "/")
	var all sync.WaitGroup
	for _, c := range floods()[:3] {
		p := f.join(f.lean, "/")
		all.Go(func() {
			p.stream(nil, c.piece, n)
			_ = p.write(appendFrame(nil, fin|opClose, []byte{0x03, 0xe8}))
		})
		all.Go(func() {
			began := time.Now()
			came, e := c.until(p)
			p.reset()
			t.Logf("%d %s: %d came back in %v", n, c.name, came, time.Since(began).Round(time.Millisecond))
			lost := c.back == opBinary && came != n || c.back == opPong && came == 0
			if e.code != 1000 || e.err != io.EOF || lost {
				t.Errorf("%s: %d came back, then %v", c.name, came, e)
			}
		})
	}
	all.Wait()
	steady.check(50 * time.Millisecond)
	m.report("three floods", 64<<20) // what waits for three peers, and garbage
	f.quiet(base)
}
