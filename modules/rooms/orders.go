package rooms

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// errLeft is the cause that OnLeave gets of a member whose connection has ended.
var errLeft = fmt.Errorf("rooms: the connection has ended: %w", actors.ErrStopped)

// join makes a connection a member.
type join struct {
	seat *seat
	*ticket
}

func (*join) cost() int { return 0 } // somebody waits for each

func (j *join) perform(h *host) {
	if !j.begin() {
		return
	}
	err := h.place.admit(j.seat)
	j.answer(Result{}, err)
	if err == nil {
		h.joined(j.seat)
	}
}

// leave ends the membership of a connection.
type leave struct {
	conn *actors.Conn
	*ticket
}

func (*leave) cost() int { return 0 }

func (l *leave) perform(h *host) {
	if !l.begin() {
		return
	}
	s := h.place.rooms.crowd.find(l.conn, h.place)
	if s == nil || !s.is(seated) {
		l.refuse(ErrNotMember)
		return
	}
	h.place.rooms.crowd.dismiss(s)
	gone := h.expel(s)
	l.answer(Result{}, nil)
	gone(nil)
}

// vanish ends the membership of a connection that has ended.
type vanish struct{ seat *seat }

func (*vanish) cost() int    { return 0 }
func (*vanish) refuse(error) {}

func (v *vanish) perform(h *host) {
	if v.seat.is(seated) {
		h.expel(v.seat)(errLeft)
	}
}

// broadcast sends a message to all members.
type broadcast struct {
	message *transport.Prepared
	except  []*actors.Conn
	detail  bool // somebody wants to know whom it did not reach
	*ticket

	result Result
	failed uint64
}

var broadcasts = sync.Pool{New: func() any { return new(broadcast) }}

// newBroadcast makes an order of a message; except is copied.
func newBroadcast(m *transport.Prepared, except []*actors.Conn, t *ticket) *broadcast {
	b := broadcasts.Get().(*broadcast)
	b.message, b.except, b.detail, b.ticket = m, append(b.except, except...), t != nil, t
	return b
}

// free makes the order's memory that of another one.
func (b *broadcast) free() {
	clear(b.except)
	*b = broadcast{except: b.except[:0]}
	broadcasts.Put(b)
}

func (b *broadcast) cost() int { return len(b.message.Payload()) + orderCost }

func (*broadcast) perform(*host) {} // a volley does it

// single sends a message to one member.
type single struct {
	id      string
	message *transport.Prepared
	*ticket
}

func (s *single) cost() int { return len(s.message.Payload()) + orderCost }

func (s *single) perform(h *host) {
	if !s.begin() {
		return
	}
	first := h.place.byID[s.id]
	if first == nil {
		s.refuse(ErrNotMember)
		return
	}
	b := &broadcast{message: s.message, detail: true}
	var d delivery
	d.load(h.place.rooms, b)
	whole := 0
	for seat := first; seat != nil; seat = seat.next {
		d.to(seat, &whole)
	}
	d.unload(whole)
	if b.result.Reached > 0 {
		s.answer(b.result, nil)
	} else {
		s.refuse(b.result.Failed[0].Err)
	}
	h.bury(d.gone)
}

// tell tells the presence that has changed.
type tell struct{}

func (*tell) cost() int       { return 0 }
func (*tell) refuse(error)    {}
func (*tell) perform(h *host) { h.tell() }

// dissolve has all members leave a room that was deleted.
type dissolve struct{}

func (*dissolve) cost() int    { return 0 }
func (*dissolve) refuse(error) {}

func (*dissolve) perform(h *host) {
	h.place.mu.Lock()
	h.place.doomed--
	h.place.mu.Unlock()
	for _, s := range append([]*seat(nil), h.place.seats...) {
		if s != nil {
			h.place.rooms.crowd.dismiss(s)
			h.expel(s)(ErrDeleted)
		}
	}
}

// lost reports whether a connection takes nothing any more because it has ended.
func lost(err error) bool { return errors.Is(err, actors.ErrStopped) }
