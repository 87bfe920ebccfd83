package rooms

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// volleyBytes and volleyMessages bound what is brought to the members together:
	// about what one write takes.
	volleyBytes, volleyMessages = 64 << 10, 64
	// blockSize is how many seats somebody takes on at a time.
	blockSize = 32
	// sharedFrom is for how many members the shards help: for fewer of them it takes
	// longer to wake another thread than it would help.
	sharedFrom = 256
	// restAfter is behind how many blocks, about a millisecond, others get the processor.
	restAfter = 4
	// lull is how long the host of a big room waits for more at most, for each member: half
	// a hundredth of what it takes to reach it.
	lull = 25 * time.Nanosecond
)

// volley is broadcasts that stood one behind the other in the queue of a room, on their
// way to its members: each member gets all of them at once. It is an order of its own,
// the current one of its place until it has reached everybody; nothing else is done in
// the room meanwhile, so the members do not change.
//
// In a big room the host shares the seats with the shards: whoever is free takes the
// next block. So nobody is waited for who has not begun, and if there is no shard, or it
// is killed, the others do its part.
type volley struct {
	late
	delivery
	place   *place
	bytes   int  // what its orders take of the queue
	begun   bool // the shards have been told
	seats   []*seat
	spared  []*seat // those of members whom a message excepts
	next    atomic.Int32
	left    atomic.Int32 // blocks that are not done
	reached atomic.Int64 // members who have accepted everything
	holders atomic.Int32 // the host, and the shards that have been told
}

var volleys = sync.Pool{New: func() any { return new(volley) }}

// collect returns when no more broadcasts come for a moment. The host may have been woken
// by the first message of a burst: one that it does not wait for costs each member a write
// more, and in a big room that takes longer than to wait for it.
func (p *place) collect() {
	members := p.count()
	if members < sharedFrom {
		return
	}
	began := time.Now()
	for quiet, before := 0, 0; quiet < members/8 && time.Since(began) < time.Duration(members)*lull; quiet++ {
		p.mu.Lock()
		_, ok := p.queue.first().(*broadcast)
		n, busy := p.queue.len(), p.current != nil
		p.mu.Unlock()
		if !ok || busy || n >= volleyMessages {
			return
		}
		if n > before {
			quiet, before = 0, n
		}
		runtime.Gosched()
	}
}

// gather makes a volley of a broadcast and those that follow it directly in the queue;
// p is locked.
func (p *place) gather(o order) order {
	b, ok := o.(*broadcast)
	if !ok {
		return o
	}
	v := volleys.Get().(*volley)
	v.place = p
	v.holders.Store(1)
	for size := 0; ; {
		v.bytes += b.cost()
		if size += len(b.message.Payload()); b.begin() {
			v.messages = append(v.messages, b)
		}
		if b, ok = p.queue.first().(*broadcast); !ok || size+len(b.message.Payload()) > volleyBytes || len(v.messages) >= volleyMessages {
			return v
		}
		p.queue.pop()
	}
}

func (v *volley) cost() int { return v.bytes }

func (v *volley) refuse(err error) {
	for _, b := range v.messages {
		b.refuse(err)
	}
}

// perform does what there is to do for the host. It may be called several times, also by
// different hosts: each goes on where the one before has ended.
func (v *volley) perform(h *host) {
	if !v.begun {
		v.begin()
	}
	h.effort += v.share()
	if h.waits = v.place.awaits(v); !h.waits {
		v.end(h)
	}
}

func (v *volley) begin() {
	v.begun = true
	p := v.place
	v.load(p.rooms)
	for _, b := range v.messages {
		for _, c := range b.except {
			if s := p.rooms.seatOf(c, p); s != nil {
				s.flags.Or(spared)
				v.spared = append(v.spared, s)
			}
		}
	}
	v.seats = p.seats
	v.left.Store(int32((len(v.seats) + blockSize - 1) / blockSize))
	if p.count() >= sharedFrom {
		p.rooms.rally(v)
	}
}

// share takes on one block after the other, until none is left. It returns how many.
// Others get the processor now and then: a volley may take long, and no block waits for
// anything.
func (v *volley) share() (blocks int) {
	for int(v.next.Load())*blockSize < len(v.seats) {
		if blocks%restAfter == restAfter-1 {
			runtime.Gosched()
		}
		from := int(v.next.Add(1)-1) * blockSize
		if from >= len(v.seats) {
			break
		}
		v.block(v.seats[from:min(from+blockSize, len(v.seats))])
		blocks++
	}
	return blocks
}

// block brings everything to some of the seats.

func (v *volley) block(seats []*seat) {
	whole := 0
	defer func() { // whatever happens: the others wait for it
		v.reached.Add(int64(whole))
		if v.left.Add(-1) == 0 {
			v.place.landed()
		}
	}()
	for _, s := range seats {
		if s != nil {
			v.to(s, &whole)
		}
	}
}

// end tells what has become of the volley.
func (v *volley) end(h *host) {
	v.unload(int(v.reached.Load()))
	for _, s := range v.spared {
		s.flags.And(^spared)
	}
	gone := v.gone
	if !v.place.done() {
		return // the room is closed, and everybody knows
	}
	for _, b := range v.messages {
		b.answer(b.result, nil)
	}
	v.release()
	h.bury(gone)
}

// release is called by each holder when it will not look at the volley any more. Its
// memory is that of another one then.
func (v *volley) release() {
	if v.holders.Add(-1) > 0 {
		return
	}
	for _, b := range v.messages {
		b.free()
	}
	clear(v.messages)
	clear(v.prepared)
	clear(v.spared)
	*v = volley{
		delivery: delivery{messages: v.messages[:0], prepared: v.prepared[:0]},
		spared:   v.spared[:0],
	}
	volleys.Put(v)
}

// awaits reports whether some blocks are still under way elsewhere. Who ends the last of
// them wakes the host.
func (p *place) awaits(v *volley) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = v.left.Load() > 0
	return p.waiting
}

// landed wakes the host that waits for the end of a volley.
func (p *place) landed() {
	p.mu.Lock()
	waiting, host := p.waiting && !p.shut, p.host
	p.waiting = false
	p.mu.Unlock()
	if waiting {
		p.rooms.call(p, host)
	}
}

// bury has those leave whose connections were found to have ended: all of them before
// anybody is told, or telling the others of each would find the next.
func (h *host) bury(gone []*seat) {
	if len(gone) > 1 { // shards have found them
		slices.SortFunc(gone, func(a, b *seat) int { return cmp.Compare(a.index, b.index) })
	}
	var told []func(error)
	for _, s := range gone {
		if s.is(seated) {
			h.place.rooms.crowd.dismiss(s)
			told = append(told, h.expel(s))
		}
	}
	for _, tell := range told {
		tell(errLeft)
	}
}
