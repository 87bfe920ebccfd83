package rooms

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
)

// crowd is who is in any room: what it costs to know where a connection is does not
// depend on how many rooms there are. It is split, so that connections that come and
// go do not all wait for one lock.
type crowd struct {
	seed  maphash.Seed
	parts [16]part
}

type part struct {
	mu     sync.Mutex
	guests map[string]*guest // by the name of the connection's actor, which is used once
	seats  int
}

// guest is one connection with its seats, in the order in which it took them.
type guest struct {
	conn  *actors.Conn
	seats []*seat
	auto  *seat // that AutoJoin gave it
}

func (c *crowd) init() {
	c.seed = maphash.MakeSeed()
	for i := range c.parts {
		c.parts[i].guests = map[string]*guest{}
	}
}

func (c *crowd) of(id string) *part {
	return &c.parts[maphash.String(c.seed, id)%uint64(len(c.parts))]
}

// enter notes a seat, if its connection may have one more. It reports whether it is
// the first, and so whether the end of the connection has to be watched for.
func (c *crowd) enter(s *seat, limit int) (first bool, err error) {
	id := s.conn.PID().Id
	part := c.of(id)
	part.mu.Lock()
	defer part.mu.Unlock()
	g := part.guests[id]
	if g == nil {
		g = &guest{conn: s.conn}
		part.guests[id] = g
	}
	for _, other := range g.seats {
		if other.place == s.place {
			return false, ErrMemberExists
		}
	}
	if len(g.seats) >= limit {
		return false, &LimitError{Room: s.place.name, Option: "MaxRoomsPerConn", Limit: limit}
	}
	g.seats = append(g.seats, s)
	part.seats++
	return len(g.seats) == 1, nil
}

// dismiss forgets a seat.
func (c *crowd) dismiss(s *seat) {
	id := s.conn.PID().Id
	part := c.of(id)
	part.mu.Lock()
	defer part.mu.Unlock()
	g := part.guests[id]
	if g == nil {
		return
	}
	i := slices.Index(g.seats, s)
	if i < 0 {
		return
	}
	part.seats--
	if g.seats = slices.Delete(g.seats, i, i+1); len(g.seats) == 0 {
		delete(part.guests, id)
	}
	if g.auto == s {
		g.auto = nil
	}
}

// depart forgets a connection, and returns the seats that it had.
func (c *crowd) depart(id string) []*seat {
	part := c.of(id)
	part.mu.Lock()
	defer part.mu.Unlock()
	g := part.guests[id]
	if g == nil {
		return nil
	}
	delete(part.guests, id)
	part.seats -= len(g.seats)
	return g.seats
}

// find returns the seat of a connection in a place, or nil.
func (c *crowd) find(conn *actors.Conn, p *place) *seat {
	part := c.of(conn.PID().Id)
	part.mu.Lock()
	defer part.mu.Unlock()
	if g := part.guests[conn.PID().Id]; g != nil && g.conn == conn {
		for _, s := range g.seats {
			if s.place == p {
				return s
			}
		}
	}
	return nil
}

// seatOf is find for a connection that may be none.
func (r *Rooms) seatOf(conn *actors.Conn, p *place) *seat {
	if conn == nil || conn.PID() == nil {
		return nil
	}
	return r.crowd.find(conn, p)
}

// mark notes that a connection's messages go to the room of that name, where AutoJoin
// has brought it.
func (c *crowd) mark(conn *actors.Conn, room string) {
	part := c.of(conn.PID().Id)
	part.mu.Lock()
	defer part.mu.Unlock()
	if g := part.guests[conn.PID().Id]; g != nil {
		for _, s := range g.seats {
			if s.place.name == room {
				g.auto = s
			}
		}
	}
}

// marked returns that room, or nil if the connection is not there.
func (c *crowd) marked(conn *actors.Conn) *Room {
	part := c.of(conn.PID().Id)
	part.mu.Lock()
	defer part.mu.Unlock()
	if g := part.guests[conn.PID().Id]; g != nil && g.auto != nil {
		return g.auto.place.door
	}
	return nil
}

func (c *crowd) roomsOf(conn *actors.Conn) (names []string) {
	if conn == nil || conn.PID() == nil {
		return nil
	}
	part := c.of(conn.PID().Id)
	part.mu.Lock()
	defer part.mu.Unlock()
	if g := part.guests[conn.PID().Id]; g != nil {
		for _, s := range g.seats {
			names = append(names, s.place.name)
		}
	}
	return names
}

// first returns the first seat of each connection.
func (c *crowd) first() (all []*seat) {
	for i := range c.parts {
		part := &c.parts[i]
		part.mu.Lock()
		all = slices.Grow(all, len(part.guests))
		for _, g := range part.guests {
			all = append(all, g.seats[0])
		}
		part.mu.Unlock()
	}
	return all
}

func (c *crowd) size() (guests, seats int) {
	for i := range c.parts {
		part := &c.parts[i]
		part.mu.Lock()
		guests += len(part.guests)
		seats += part.seats
		part.mu.Unlock()
	}
	return guests, seats
}

// clear forgets everybody.
func (c *crowd) clear() {
	for i := range c.parts {
		part := &c.parts[i]
		part.mu.Lock()
		part.guests, part.seats = map[string]*guest{}, 0
		part.mu.Unlock()
	}
}

// enter notes a seat, and watches for the end of its connection.
func (r *Rooms) enter(s *seat) error {
	first, err := r.crowd.enter(s, r.options.MaxRoomsPerConn)
	if err != nil || !first {
		return err
	}
	process, there := r.system.ProcessRegistry.Get(s.conn.PID())
	if !there {
		r.depart(s.conn.PID())
		return errLeft
	}
	process.SendSystemMessage(s.conn.PID(), &actor.Watch{Watcher: r.vigil})
	return nil
}

// depart has a connection that has ended leave all its rooms.
func (r *Rooms) depart(who *actor.PID) {
	for _, s := range r.crowd.depart(who.Id) {
		s.place.pushPrivate(&vanish{seat: s})
	}
}
