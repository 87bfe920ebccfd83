package rooms

import (
	"errors"
	"slices"

	"github.com/asynkron/protoactor-go/actor"
)

// orderCost is what an order that waits costs beside its payload.
const orderCost = 64

// errShut says that a place accepts nothing any more: its name may have another.
var errShut = errors.New("rooms: the room has ended")

// order is something that a room is to do. It waits in the queue of its place, where
// the end of a host does not harm it.
type order interface {
	// perform does it, in the host's thread.
	perform(h *host)
	// refuse says that it will not be done, or that nobody knows whether it was.
	refuse(err error)
	// cost is what it takes of the queue; 0 for what is bounded otherwise.
	cost() int
}

// keptOrders is for how many orders an empty queue keeps room.
const keptOrders = 32

// queue is the orders of one place, in the order in which they came.
type queue struct {
	orders []order
	head   int // those before it have been taken
}

func (q *queue) len() int { return len(q.orders) - q.head }

func (q *queue) push(o order) { q.orders = append(q.orders, o) }

// first returns the next order; nil if there is none.
func (q *queue) first() order {
	if q.len() == 0 {
		return nil
	}
	return q.orders[q.head]
}

// pop takes it out.
func (q *queue) pop() order {
	o := q.first()
	if o == nil {
		return nil
	}
	q.orders[q.head] = nil
	if q.head++; q.len() == 0 {
		q.orders, q.head = q.orders[:0], 0
		if cap(q.orders) > keptOrders {
			q.orders = nil // a burst's memory is given back
		}
	}
	return o
}

// all returns all of them, and empties the queue.
func (q *queue) all() []order {
	left := slices.Clone(q.orders[q.head:])
	*q = queue{}
	return left
}

// push puts an order in the queue. Errors are errShut and ErrBusy.
func (p *place) push(o order) error {
	cost := o.cost()
	p.mu.Lock()
	switch limit := p.rooms.options.QueueBytes; {
	case p.shut:
		p.mu.Unlock()
		return errShut
	case cost > 0 && p.waits > 0 && cost > limit-p.waits:
		p.mu.Unlock()
		p.rooms.counts.busy.Add(1)
		return ErrBusy
	}
	p.waits += cost
	p.queue.push(o)
	p.wake()
	return nil
}

// pushPrivate puts an order of our own in the queue, which a room that has ended does
// not need.
func (p *place) pushPrivate(o order) {
	p.mu.Lock()
	if p.shut {
		p.mu.Unlock()
		return
	}
	p.queue.push(o)
	p.wake()
}

// wake tells the host, or has one sent for, unless that has been done; it unlocks p.
func (p *place) wake() {
	host, told := p.host, p.awake
	p.awake = true
	p.mu.Unlock()
	if !told {
		p.rooms.call(p, host)
	}
}

// next returns the order that is under way, or takes the next one out of the queue, or
// says that there is none: then the host has to be told of the one that comes.
func (p *place) next() order {
	p.collect()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		return p.current
	}
	o := p.queue.pop()
	if o == nil {
		p.awake = false
		return nil
	}
	p.current = p.gather(o)
	return p.current
}

// done ends the current order. It reports false if there is none.
func (p *place) done() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil {
		return false
	}
	p.waits = max(0, p.waits-p.current.cost())
	p.current = nil
	return true
}

// failed takes the order at which the host before failed, or nil. A volley is none: it
// goes on.
func (p *place) failed() order {
	p.mu.Lock()
	o := p.current
	p.mu.Unlock()
	if _, ok := o.(*volley); ok {
		return nil
	}
	p.done()
	return o
}

// needed reports whether there is something to do that needs a host; p is locked.
func (p *place) needed() bool { return p.queue.len() > 0 || p.count() > 0 || p.current != nil }

// vacate notes the end of a host. It reports whether another one is needed.
func (p *place) vacate(host *actor.PID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if host != nil && (p.host == nil || !p.host.Equal(host)) {
		return false
	}
	p.host = nil
	if p.needed() {
		return true
	}
	p.awake = false
	return false
}

// retire ends the host's work when there is nobody to work for, and the room with it
// unless something keeps it. It reports whether it has.
func (r *Rooms) retire(p *place) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.needed() {
		return false
	}
	p.host, p.awake = nil, false
	if !p.kept() {
		p.shut = true
		delete(r.rooms, p.name)
	}
	return true
}
