package actorstest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// Fault is one sort of misfortune of a [Peer.Chaos].
type Fault string

// The faults. Each hits one connection that lives.
const (
	ChaosCut         Fault = "cut"         // reset
	ChaosTorn        Fault = "torn"        // half a frame, then reset
	ChaosHalfOpen    Fault = "half open"   // it looks alive, and nothing arrives
	ChaosStall       Fault = "stall"       // nothing arrives for a while; then all does
	ChaosClose       Fault = "close"       // closed with 1001, 1011, 1012 or 1013
	ChaosRefuse      Fault = "refuse"      // reset, and the next 1 to 4 dials are refused
	ChaosUnavailable Fault = "unavailable" // reset, and the next 1 to 4 handshakes get 503
	ChaosSilence     Fault = "silence"     // reset, and the next handshake gets no answer
	ChaosGarbage     Fault = "garbage"     // bytes that are no frame: a client may well stop for that
)

// survivable are the faults from which every client should come back.
var survivable = []Fault{
	ChaosCut, ChaosTorn, ChaosHalfOpen, ChaosStall, ChaosClose, ChaosRefuse, ChaosUnavailable, ChaosSilence,
}

// ChaosOptions says how bad it gets. The zero value is good.
type ChaosOptions struct {
	// Every is the mean time between two faults; each comes after half of it to
	// one and a half. Default, also for negative values: 10 s.
	Every time.Duration
	// Faults are those that happen, all equally often; one that is named twice,
	// twice as often. Default: all but ChaosGarbage.
	Faults []Fault
}

// blow is one fault of a plan. n is random in [0, 4), for faults that come in
// several strengths; whom chooses among the connections.
type blow struct {
	after time.Duration
	fault Fault
	n     int
	whom  int
}

// plan returns a function that returns blow after blow, the same ones for the
// same seed and options.
func (o ChaosOptions) plan(seed uint64) func() blow {
	r := rand.New(rand.NewPCG(seed, seed))
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	if len(o.Faults) == 0 {
		o.Faults = survivable
	}
	return func() blow {
		return blow{
			after: o.Every/2 + time.Duration(r.Int64N(int64(o.Every))),
			fault: o.Faults[r.IntN(len(o.Faults))],
			n:     r.IntN(4),
			whom:  r.IntN(1 << 16),
		}
	}
}

// Chaos hits the connections of the Peer with one random fault after the other,
// until stop is called or the test ends. The same seed and options give the same
// faults at the same times; zero draws a seed. A test that fails shows the seed
// and what was done.
//
// stop heals everything, returns when the last fault is over, and may be called
// again: stalls end, half-open connections are reset, and the refusals that are
// left are forgotten. What a client must have come back to is then tested in
// peace.
func (p *Peer) Chaos(seed uint64, o ChaosOptions) (stop func()) {
	if seed == 0 {
		seed = rand.Uint64()
	}
	over, done := make(chan struct{}), make(chan struct{})
	c := &chaos{p: p, over: over, note: -1, seed: seed}
	p.s.update(c.tellLocked)
	if !p.s.do(func() {
		defer close(done)
		c.rage(o.plan(seed))
	}) {
		close(done)
	}
	var once sync.Once
	end := func() { once.Do(func() { close(over) }) }
	p.s.atEnd(end)
	return func() {
		end()
		<-done
		c.heal()
	}
}

type chaos struct {
	p    *Peer
	seed uint64
	over chan struct{}

	// Under the stage's lock.
	note  int // in the stage's notes; -1: not yet
	count int
	log   transcript
}

// tellLocked keeps what a failure shows up to date.
func (c *chaos) tellLocked() {
	s := c.p.s
	if c.note < 0 {
		c.note, c.log.began = len(s.notes), s.began
		s.notes = append(s.notes, "")
	}
	s.notes[c.note] = fmt.Sprintf("the chaos had seed %d, and %d faults:%s", c.seed, c.count, c.log.String())
}

func (c *chaos) rage(next func() blow) {
	for {
		b := next()
		if !c.wait(b.after) {
			return
		}
		c.strike(b)
	}
}

// wait reports false when the chaos is over.
func (c *chaos) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.over:
		return false
	}
}

// strike does what a blow says, if there is a connection to hit.
func (c *chaos) strike(b blow) {
	var victim *PeerConn
	c.p.s.update(func() {
		if victim = c.victimLocked(b.whom); victim == nil {
			c.log.add("%s hits nobody", b.fault)
		} else {
			c.count++
			c.log.add("%s hits %s", b.fault, victim)
		}
		c.tellLocked()
	})
	if victim == nil {
		return
	}
	switch b.fault {
	case ChaosTorn:
		c.p.s.update(func() { victim.strikeLocked("torn frame", victim.torn()) })
		c.p.s.await(time.Second, victim.takenWholly)
		victim.Cut()
	case ChaosGarbage:
		c.p.s.update(func() { victim.strikeLocked("garbage", garbage) })
	case ChaosHalfOpen:
		victim.HalfOpen()
	case ChaosStall:
		victim.Stall()
		c.wait(time.Duration(b.n+1) * time.Second)
		victim.Unstall()
	case ChaosClose:
		c.p.s.update(func() {
			victim.ours = true
			victim.closeLocked([...]transport.CloseCode{
				transport.GoingAway, transport.InternalError, transport.ServiceRestart, transport.TryAgainLater,
			}[b.n], "chaos")
		})
	default:
		c.p.then(hindrances(b)...)
		victim.Cut()
	}
}

// strikeLocked sends bytes that a test did not ask for.
func (c *PeerConn) strikeLocked(what string, p []byte) {
	c.ours = true
	if c.lost == nil && !c.closeSent {
		c.writeLocked(what, p)
	}
}

func (c *PeerConn) takenWholly() bool { return len(c.queue) == 0 || c.lost != nil }

// hindrances are what the attempts behind a cut meet.
func hindrances(b blow) (steps []step) {
	for range b.n + 1 {
		switch b.fault {
		case ChaosRefuse:
			steps = append(steps, step{kind: refuse, chaos: true})
		case ChaosUnavailable:
			s := statusStep(http.StatusServiceUnavailable)
			s.chaos = true
			steps = append(steps, s)
		case ChaosSilence:
			return []step{{kind: silence, chaos: true}}
		}
	}
	return steps
}

// victimLocked chooses a connection that lives and is not half open.
func (c *chaos) victimLocked(whom int) *PeerConn {
	var alive []*PeerConn
	for _, v := range c.p.s.conns {
		if v.lost == nil && !v.halfOpen && !v.closeSent {
			alive = append(alive, v)
		}
	}
	if len(alive) == 0 {
		return nil
	}
	return alive[whom%len(alive)]
}

// heal takes away what still hinders.
func (c *chaos) heal() {
	c.p.s.update(func() {
		kept := c.p.steps[:0:0]
		for _, s := range c.p.steps {
			if !s.chaos {
				kept = append(kept, s)
			}
		}
		c.p.steps = kept
		for _, v := range c.p.s.conns {
			if v.halfOpen {
				v.cutLocked("cut, as the chaos is over")
			}
		}
	})
}
