package actors

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// messageCost is what a message that waits costs beside its payload, so that
// empty messages are bounded too.
const messageCost = 64

// target is one module actor as readers see it. It belongs to the stable plane:
// the module may restart, its target stays.
type target struct {
	module *Module
	side   *side
	box    *mailbox
	pid    *actor.PID
	name   string // of its first actor
	alone  bool   // no other module has messages of the same connections
	brake
	pace
	down   atomic.Bool // the module ended for good
	hooks  hookSet
	placed bool        // it has been in a route table
	works  atomic.Bool // it has handled a message since its last failure
	// current is what the module works at. Only its actor touches it; after a
	// failure the next incarnation goes on from there.
	current *delivery
}

// delivery is the part of a batch that one module wants.
//
//	Reader, Middleware → Module
type delivery struct {
	target *target
	conn   *Conn
	batch  *transport.Batch
	msgs   []transport.Message // what to deliver
	picked []transport.Message // memory for msgs that are not all those of the batch
	bytes  int64
	done   int  // messages handed to the handler
	waited bool // it went through the module's queue
}

func (*delivery) private() {}

var deliveries = sync.Pool{New: func() any { return new(delivery) }}

// newDelivery makes a delivery of messages of batch, which the caller puts in.
func newDelivery(t *target, c *Conn, batch *transport.Batch) *delivery {
	d := deliveries.Get().(*delivery)
	batch.Retain()
	d.target, d.conn, d.batch = t, c, batch
	return d
}

func (d *delivery) len() int                   { return len(d.msgs) }
func (d *delivery) at(i int) transport.Message { return d.msgs[i] }

// push hands the delivery to its module: within the turn if the module is idle,
// else through its queue, by the overflow policy.
func (d *delivery) push() {
	t := d.target
	if t.down.Load() {
		t.side.counters.unrouted.Add(uint64(d.len()))
		t.bereave(d.conn)
		d.drop()
		return
	}
	if !t.module.Async && t.quick() && t.box.tryRun(d) {
		return
	}
	d.enqueue()
}

// yield puts the messages that are left of a delivery into the module's queue, for
// another thread than the one that the module has just kept for too long.
func (d *delivery) yield() {
	d.target.box.moveOver()
	d.msgs, d.done = d.msgs[d.done:], 0
	d.enqueue()
}

// enqueue puts the delivery into the module's queue, by the overflow policy.
func (d *delivery) enqueue() {
	t := d.target
	d.bytes = cost(d.msgs)
	d.queued()
	if t.load(d.bytes) && !d.overflow() {
		return
	}
	t.box.PostUserMessage(d)
}

// queued marks a delivery that is handled outside the turn that brought it.
func (d *delivery) queued() {
	if !d.waited {
		d.waited = true
		d.conn.unanswered.Add(1)
	}
}

// overflow applies the module's policy to a delivery that found the queue full.
// It reports whether the delivery is still to be queued.
func (d *delivery) overflow() bool {
	t := d.target
	switch t.module.Overflow {
	case DropOldest:
		for t.waits.Load() > t.limit {
			old, ok := t.box.evict(isDelivery).(*delivery)
			if !ok {
				break
			}
			t.side.counters.discarded.Add(uint64(old.len() - old.done))
			old.release()
		}
		msgs, over := d.msgs, t.waits.Load()-t.limit
		for len(msgs) > 1 && over > 0 {
			over -= cost(msgs[:1])
			msgs = msgs[1:]
		}
		d.keep(msgs)
		return true
	case DropNewest:
		msgs, over := d.msgs, t.waits.Load()-t.limit
		for len(msgs) > 0 && over > 0 {
			over -= cost(msgs[len(msgs)-1:])
			msgs = msgs[:len(msgs)-1]
		}
		if d.keep(msgs); len(msgs) > 0 {
			return true
		}
		d.release()
		return false
	case CloseSlow:
		t.side.counters.discarded.Add(uint64(d.len()))
		d.conn.Close(transport.TryAgainLater, "the server does not keep up")
		d.release()
		return false
	default:
		t.park(d.conn)
		return true
	}
}

// keep gives up the other messages of the delivery.
func (d *delivery) keep(msgs []transport.Message) {
	less := d.bytes - cost(msgs)
	d.target.side.counters.discarded.Add(uint64(d.len() - len(msgs)))
	d.bytes -= less
	d.target.waits.Add(-less)
	d.msgs = msgs
}

// cost is what messages cost that wait.
func cost(msgs []transport.Message) (n int64) {
	for _, m := range msgs {
		n += int64(len(m.Payload)) + messageCost
	}
	return n
}

func isDelivery(msg any) bool {
	_, ok := msg.(*delivery)
	return ok
}

// finish ends a delivery that was handled, and writes the replies unless the
// turn that brought it will.
func (d *delivery) finish() {
	conn, waited := d.conn, d.waited
	d.release()
	if waited {
		conn.flush()
	}
}

// undelivered implements the outcome of a delivery whose module is gone.
func (d *delivery) undelivered() {
	d.target.side.counters.unrouted.Add(uint64(d.len() - d.done))
	d.target.bereave(d.conn)
	d.release()
}

// release gives back the delivery's credit and its share of the batch.
func (d *delivery) release() {
	d.target.unload(d.bytes)
	d.drop()
}

func (d *delivery) drop() {
	conn, waited := d.conn, d.waited
	d.batch.Release()
	d.free()
	if waited {
		conn.handled()
	}
}

func (d *delivery) free() {
	picked := d.picked[:0]
	if cap(picked) > 256 {
		picked = nil
	}
	clear(picked[:cap(picked)])
	*d = delivery{picked: picked}
	deliveries.Put(d)
}

// bereave ends a connection of a server that nobody would answer any more.
func (t *target) bereave(c *Conn) {
	if t.side.server && t.alone && !c.closing.Load() {
		c.Close(transport.InternalError, "the server has failed")
	}
}

// ended is called when the module's actor has stopped for good.
func (t *target) ended() {
	t.down.Store(true)
	t.hooks.none()
	if d := t.current; d != nil {
		t.current = nil
		t.side.counters.failed.Add(1)
		d.undelivered()
	}
	t.unpark()
}
