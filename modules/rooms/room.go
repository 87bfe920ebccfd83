package rooms

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Room is a room by its name. All methods are safe for concurrent use.
type Room struct {
	rooms  *Rooms
	name   string
	inside bool // it was given to a function that runs in the room's thread
	place  atomic.Pointer[place]
}

// Name returns the name of the room.
func (m *Room) Name() string { return m.name }

// Join makes a connection a member, and the room if there is none. When it returns
// nil the member gets what is broadcast from now on, until it leaves or its
// connection ends. The connection must be one of a server on the same actor system.
//
// It waits for Options.Authorize and for what is in the room's queue. If ctx is done
// before, the connection has not joined. Errors are ErrMemberExists, *RefusedError,
// *LimitError, *NameError, ErrClosed, ErrNoServer, ErrNoConn, ErrInside, ErrFailed,
// actors.ErrStopped if the connection has ended, and ctx's.
func (m *Room) Join(ctx context.Context, c *actors.Conn, o Member) error {
	r := m.rooms
	switch {
	case m.inside:
		return ErrInside
	case c == nil || c.PID() == nil:
		return ErrNoConn
	}
	if err := r.check("room", m.name); err != nil {
		return err
	}
	if o.ID == "" {
		o.ID = "#" + strconv.FormatUint(c.ID(), 10)
	}
	if err := r.authorize(ctx, m.name, c, &o); err != nil {
		return &RefusedError{Room: m.name, Err: err}
	}
	if err := r.check("member", o.ID); err != nil {
		return err
	}
	for {
		p, err := r.open(m.name)
		if err != nil {
			return err
		}
		j := &join{seat: &seat{place: p, conn: c, id: o.ID, meta: o.Meta}, ticket: newTicket()}
		switch err = p.push(j); {
		case errors.Is(err, errShut):
			continue // it ended between the two; the next one is another room
		case err != nil:
			return err
		}
		return j.wait(ctx, r)
	}
}

// Leave ends the membership of a connection, behind what has been sent to the room.
// It waits for that; if ctx is done before, the connection may still be a member.
// Errors are ErrNotMember, ErrClosed, ErrInside, ErrFailed and ctx's.
func (m *Room) Leave(ctx context.Context, c *actors.Conn) error {
	if c == nil || c.PID() == nil {
		return ErrNoConn
	}
	l := &leave{conn: c, ticket: newTicket()}
	there, err := m.ask(l)
	switch {
	case err != nil:
		return err
	case !there:
		return ErrNotMember
	}
	return l.wait(ctx, m.rooms)
}

// Broadcast sends a message to all members but those excepted. It does not wait: nil
// means that it is in the room's queue, or that there is no such room and so nobody
// to reach. The payload is copied, and framed once for all members. Errors are ErrBusy,
// ErrClosed, and *transport.MessageError for what cannot be sent at all.
func (m *Room) Broadcast(msg transport.Message, except ...*actors.Conn) error {
	_, err := m.broadcast(msg, except, nil)
	return err
}

// BroadcastWait is Broadcast that says whom the message reached. It waits for what is
// in the room's queue before it, never for a member. If ctx is done before, nobody
// gets the message. Errors are those of Broadcast, ErrInside, ErrFailed, and ctx's.
func (m *Room) BroadcastWait(ctx context.Context, msg transport.Message, except ...*actors.Conn) (Result, error) {
	if m.inside {
		return Result{}, ErrInside
	}
	t := newTicket()
	there, err := m.broadcast(msg, except, t)
	if err != nil || !there {
		return Result{}, err
	}
	err = t.wait(ctx, m.rooms)
	return t.result, err
}

// broadcast queues a message. It reports false when there is no such room.
func (m *Room) broadcast(msg transport.Message, except []*actors.Conn, t *ticket) (there bool, err error) {
	message, err := transport.Prepare(msg.Kind, msg.Payload)
	if err != nil {
		return false, err
	}
	return m.tell(newBroadcast(message, except, t))
}

// SendTo sends a message to one member, in order with what is broadcast. With
// Options.SharedIDs all its connections get it, and it returns nil if one of them
// did. The payload is copied. Errors are those of BroadcastWait, ErrNotMember, ErrSlow
// if the member does not keep up, and what actors.Conn.Send returns.
func (m *Room) SendTo(ctx context.Context, id string, msg transport.Message) error {
	message, err := transport.Prepare(msg.Kind, msg.Payload)
	if err != nil {
		return err
	}
	s := &single{id: id, message: message, ticket: newTicket()}
	there, err := m.ask(s)
	switch {
	case err != nil:
		return err
	case !there:
		return ErrNotMember
	}
	return s.wait(ctx, m.rooms)
}

// ask queues an order whose answer will be waited for.
func (m *Room) ask(o order) (there bool, err error) {
	if m.inside {
		return false, ErrInside
	}
	return m.tell(o)
}

// tell queues an order. It reports false when there is no such room.
func (m *Room) tell(o order) (there bool, err error) {
	if p := m.place.Load(); p != nil { // no need to ask all rooms for it, unless it has ended
		if err := p.push(o); !errors.Is(err, errShut) {
			return err == nil, err
		}
	}
	p, err := m.rooms.find(m.name)
	m.place.Store(p)
	if err != nil || p == nil {
		return false, err
	}
	switch err = p.push(o); {
	case errors.Is(err, errShut):
		return false, nil // it has just ended
	case err != nil:
		return false, err
	}
	return true, nil
}

// Members returns who is in the room, in the order in which they joined.
func (m *Room) Members() []Member {
	if p, _ := m.rooms.find(m.name); p != nil {
		return p.members()
	}
	return nil
}

// Conns returns the connections of a member: one at most, unless Options.SharedIDs.
func (m *Room) Conns(id string) []*actors.Conn {
	if p, _ := m.rooms.find(m.name); p != nil {
		return p.conns(id)
	}
	return nil
}

// Len returns how many members the room has.
func (m *Room) Len() int {
	if p, _ := m.rooms.find(m.name); p != nil {
		return p.len()
	}
	return 0
}

// Has reports whether the room has a member of that ID.
func (m *Room) Has(id string) bool {
	p, _ := m.rooms.find(m.name)
	return p != nil && p.has(id)
}
