package rooms

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// turn is how many orders a host performs before it looks whether it is to stop.
const turn = 64

// work says that there are orders in the queue of a host's place. Whoever pushed the
// first of them → Host
type work struct{}

// retired says that a host has nothing to do any more. It is the hall that stops it:
// when a server ends all rooms become empty, and the hall stops its hosts itself. If
// they ended of their own, that would make dead letters. Host → Hall
type retired struct{ host *actor.PID }

// host is the actor of a room: it performs the orders of its place. All that must
// outlive it is in the place.
type host struct {
	place   *place
	retired bool // its place is nobody's, or another host's
}

func (h *host) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		if o := h.place.failed(); o != nil {
			o.refuse(ErrFailed) // the host before has failed at it
		}
		h.work(ctx)
	case *work:
		if !h.retired {
			h.work(ctx)
		}
	default:
		// nobody else has anything to say to it
	}
}

// work performs what is in the queue, for at most a turn.
func (h *host) work(ctx actor.Context) {
	for range turn {
		o := h.place.next()
		if o == nil {
			h.rest(ctx)
			return
		}
		o.perform(h)
		h.place.done()
	}
	ctx.Send(ctx.Self(), &work{})
}

// rest ends the host if its room is empty.
func (h *host) rest(ctx actor.Context) {
	if h.place.count() == 0 && h.place.rooms.retire(h.place) {
		h.retired = true
		ctx.Send(ctx.Parent(), &retired{host: ctx.Self()})
	}
}

// delivery begins the delivery of a message.
func (h *host) delivery(m *transport.Prepared) delivery {
	return delivery{rooms: h.place.rooms, message: m}
}

// deliver sends the message to all members that have none of the flags.
func (h *host) deliver(d *delivery, without uint32) {
	for _, s := range h.place.seats {
		if s != nil && s.flags.Load()&without == 0 {
			d.to(s)
		}
	}
	d.count()
}

// bury has those leave whose connections were found to have ended: all of them before
// anybody is told, or telling the others of each would find the next.
func (h *host) bury(d *delivery) {
	var told []func(error)
	for _, s := range d.gone {
		if s.is(seated) {
			h.place.rooms.crowd.dismiss(s)
			told = append(told, h.expel(s))
		}
	}
	for _, tell := range told {
		tell(errLeft)
	}
}

// joined does what follows a join.
func (h *host) joined(s *seat) {
	p, r := h.place, h.place.rooms
	h.note(s, false)
	if r.options.OnJoin != nil {
		_ = r.guard("OnJoin", p.name, func() { r.options.OnJoin(p.room, s.conn, s.member()) })
	}
	h.changed()
}

// expel takes a member out, and returns what follows: it is told why.
func (h *host) expel(s *seat) (told func(cause error)) {
	p, r := h.place, h.place.rooms
	m := s.member()
	if s.is(fresh) {
		p.newly--
	}
	last := p.expel(s)
	if last {
		h.note(s, true)
	}
	return func(cause error) {
		if r.options.OnLeave != nil {
			_ = r.guard("OnLeave", p.name, func() { r.options.OnLeave(p.room, s.conn, m, cause) })
		}
		h.changed()
	}
}

// changed sees to it that the presence is told: at once if it is not to be collected,
// or if nobody is left who could wait for it.
func (h *host) changed() {
	p := h.place
	every := p.rooms.options.PresenceEvery
	switch {
	case p.changes == nil && p.newly == 0:
	case every < 0 || p.count() == 0:
		h.tell()
	default:
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.timer == nil && !p.shut {
			p.timer = time.AfterFunc(every, func() { p.pushPrivate(&tell{}) })
		}
	}
}
