package main

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// desk takes orders. It decides at once, but answers as late as it likes, so that
// answers overtake one another and some are on their way when a connection is lost.
type desk struct {
	sessions *sessions
	market   *market

	mu       sync.Mutex
	chance   *rand.Rand
	pace     window
	verdicts map[string]verdict // by ref
	twice    int                // orders with a ref that was there already
	position map[string]int     // by symbol
	late     sync.WaitGroup     // answers that have not left
}

const (
	tooFast     = "too many orders in a second"
	noLiquidity = "nobody sells at that price"
)

func newDesk(s *sessions, m *market, seed uint64) *desk {
	return &desk{
		sessions: s, market: m,
		chance:   rand.New(rand.NewPCG(seed, 1000)), //nolint:gosec // a simulation
		pace:     window{most: 30, in: time.Second},
		verdicts: map[string]verdict{}, position: map[string]int{},
	}
}

func (d *desk) module() actors.Module {
	return modules.Define("desk", func(r *modules.Routes) {
		modules.On(r, typeOrder, func(c *modules.Ctx, o order) error {
			if !d.sessions.knows(c.Conn()) {
				return c.ReplyError(typeOrder, "log in first")
			}
			v := d.decide(o)
			d.answer(c.Conn(), answer(typeOrder, c.ID(), v.Reason, v))
			return nil
		})
		modules.On(r, typeStatus, func(c *modules.Ctx, q query) error {
			d.answer(c.Conn(), answer(typeStatus, c.ID(), "", d.find(q.Ref)))
			return nil
		})
	})
}

// decide fills an order or rejects it, once for each ref.
func (d *desk) decide(o order) verdict {
	costs := d.market.price(o.Symbol)
	d.mu.Lock()
	defer d.mu.Unlock()
	if v, known := d.verdicts[o.Ref]; known {
		if v.Result != absent {
			d.twice++
		}
		return v
	}
	v := verdict{Ref: o.Ref, Result: filled, Price: costs}
	_, slow := d.pace.allows(time.Now())
	switch {
	case !slow:
		v = verdict{Ref: o.Ref, Result: rejected, Reason: tooFast}
	case d.chance.IntN(12) == 0:
		v = verdict{Ref: o.Ref, Result: rejected, Reason: noLiquidity}
	default:
		d.position[o.Symbol] += o.Quantity
	}
	d.verdicts[o.Ref] = v
	return v
}

// find returns what became of an order. One that has not come by then will not be
// taken any more, so that the answer stays true: it may be on its way on a connection
// that is lost.
func (d *desk) find(ref string) verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, known := d.verdicts[ref]
	if !known {
		v = verdict{Ref: ref, Result: absent}
		d.verdicts[ref] = v
	}
	return v
}

// answer sends an answer in a while. If the connection has ended by then, nobody
// gets it: whoever wanted it must ask again.
func (d *desk) answer(conn *actors.Conn, m transport.Message) {
	d.mu.Lock()
	wait := 5*time.Millisecond + time.Duration(d.chance.Int64N(int64(70*time.Millisecond)))
	d.mu.Unlock()
	d.late.Add(1)
	time.AfterFunc(wait, func() {
		defer d.late.Done()
		_, _ = conn.Send(m.Kind, m.Payload)
	})
}
