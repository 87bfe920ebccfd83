package rooms

import (
	"errors"

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
	p.queue = append(p.queue, o)
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
	p.queue = append(p.queue, o)
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

// next takes the next order out of the queue, or says that there is none: then the
// host has to be told of the one that comes.
func (p *place) next() order {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.awake = false
		return nil
	}
	o := p.queue[0]
	p.queue[0] = nil
	if p.queue = p.queue[1:]; len(p.queue) == 0 {
		p.queue = nil // a burst's memory is given back
	}
	p.current = o
	return o
}

// done ends the current order.
func (p *place) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		p.waits = max(0, p.waits-p.current.cost())
		p.current = nil
	}
}

// failed takes the order at which the host before failed, or nil.
func (p *place) failed() order {
	p.mu.Lock()
	o := p.current
	p.mu.Unlock()
	p.done()
	return o
}

// needed reports whether there is something to do that needs a host; p is locked.
func (p *place) needed() bool { return len(p.queue) > 0 || p.count() > 0 || p.current != nil }

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
