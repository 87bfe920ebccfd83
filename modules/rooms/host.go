package rooms

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// turn is how many orders a host performs, and blocks of seats it brings messages to,
// before it looks whether it is to stop.
const turn = 64

// work says that there are orders in the queue of a host's place. Whoever pushed the
// first of them → Host
type work struct{ late }

// retired says that a host has nothing to do any more. It is the hall that stops it.
// Host → Hall
type retired struct {
	late
	host *actor.PID
}

// host is the actor of a room: it performs the orders of its place. All that must
// outlive it is in the place.
type host struct {
	place   *place
	retired bool // its place is nobody's, or another host's
	waits   bool // for the end of a volley, of which it will be told
	effort  int  // of this turn
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
	for h.effort = 0; h.effort < turn; h.effort++ {
		o := h.place.next()
		if o == nil {
			h.rest(ctx)
			return
		}
		if o.perform(h); h.waits {
			return
		}
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
