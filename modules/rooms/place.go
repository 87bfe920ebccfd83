package rooms

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
)

// seat is the membership of one connection in one room.
type seat struct {
	place *place
	conn  *actors.Conn
	id    string
	meta  any
	next  *seat // with the same ID, joined later
	index int32 // in place.seats
	flags atomic.Uint32
}

// The flags of a seat.
const (
	seated  uint32 = 1 << iota // it is in place.seats
	fresh                      // it has to be told the whole presence
	closing                    // its connection is closed because it is slow
	spared                     // some message of the volley under way is not for it
)

func (s *seat) is(flag uint32) bool { return s.flags.Load()&flag != 0 }

func (s *seat) member() Member { return Member{ID: s.id, Meta: s.meta} }

// place is the stable plane of a room: its actor, the host, may be killed or fail,
// and the next one goes on from here. It is reached through Rooms by its name, until
// it is shut; what comes then makes another place.
type place struct {
	rooms *Rooms
	name  string
	room  *Room // for functions that run in the host's thread
	door  *Room // for all others

	mu        sync.Mutex
	queue     queue
	waits     int  // bytes in the queue
	waiting   bool // the host is to be told when the volley under way has reached everybody
	awake     bool // the host has been told, or is at work
	shut      bool // nothing is accepted any more
	created   bool // by Create: it stays without members
	doomed    int  // how often it was deleted, and is not yet
	host      *actor.PID
	meta      map[string]string
	metaBytes int
	// seats are those of the members, with gaps where some have left. The host alone
	// changes them, and byID, and reads them without the lock.
	seats []*seat
	gaps  int
	byID  map[string]*seat // the first of an ID

	// Of the host alone.
	current order // what it is doing; the volley that is under way
	changes *changes
	newly   int // seats that are fresh

	timer *time.Timer // of the next Diff; nil if none is due
}

func newPlace(r *Rooms, name string) *place {
	p := &place{rooms: r, name: name}
	p.room, p.door = &Room{rooms: r, name: name, inside: true}, &Room{rooms: r, name: name}
	p.room.place.Store(p)
	p.door.place.Store(p)
	return p
}

// count returns how many seats are taken; p is locked, or it is its host that asks.
func (p *place) count() int { return len(p.seats) - p.gaps }

// admit takes a seat in, if the room has room for it.
func (p *place) admit(s *seat) error {
	o := &p.rooms.options
	head := p.byID[s.id]
	switch {
	case head != nil && !o.SharedIDs:
		return ErrMemberExists
	case p.count() >= o.MaxMembers:
		return &LimitError{Room: p.name, Option: "MaxMembers", Limit: o.MaxMembers}
	}
	if err := p.rooms.enter(s); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.flags.Or(seated)
	s.index = int32(len(p.seats))
	p.seats = append(p.seats, s)
	if head == nil {
		if p.byID == nil {
			p.byID = map[string]*seat{}
		}
		p.byID[s.id] = s
		return nil
	}
	for head.next != nil {
		head = head.next
	}
	head.next = s
	return nil
}

// expel takes a seat out. It reports whether it was the last of its ID.
func (p *place) expel(s *seat) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.flags.And(^seated)
	p.seats[s.index] = nil
	if p.gaps++; p.gaps > len(p.seats)/2 {
		p.compact()
	}
	head := p.byID[s.id]
	switch {
	case head != s:
		for head.next != s {
			head = head.next
		}
		head.next = s.next
		return false
	case s.next != nil:
		s.next.meta = s.meta // the member is what the first one said
		p.byID[s.id] = s.next
		return false
	}
	if delete(p.byID, s.id); len(p.byID) == 0 {
		p.byID = nil // a map keeps the memory of its largest time
	}
	return true
}

// compact closes the gaps; p is locked.
func (p *place) compact() {
	kept := make([]*seat, 0, p.count())
	for _, s := range p.seats {
		if s != nil {
			s.index = int32(len(kept))
			kept = append(kept, s)
		}
	}
	p.seats, p.gaps = kept, 0
}

// members returns each ID once, with the Meta of the first who joined.
func (p *place) members() []Member {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Member, 0, len(p.byID))
	for _, s := range p.seats {
		if s != nil && p.byID[s.id] == s {
			all = append(all, s.member())
		}
	}
	return all
}

func (p *place) conns(id string) (all []*actors.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := p.byID[id]; s != nil; s = s.next {
		all = append(all, s.conn)
	}
	return all
}

func (p *place) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.byID)
}

func (p *place) has(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byID[id] != nil
}

// abandon shuts a room that nothing keeps and nobody is at work for. It reports
// whether it has.
func (p *place) abandon() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept() || p.host != nil || p.queue.len() > 0 || p.count() > 0 {
		return false
	}
	p.shut = true
	return true
}

// kept reports whether the room stays without members; p is locked.
func (p *place) kept() bool { return p.created || len(p.meta) > 0 }

// condemn takes away what keeps the room, and has its members leave behind what is in
// the queue. Who joins behind that is in a new room. It reports false if the room has
// ended already.
func (p *place) condemn() bool {
	p.mu.Lock()
	if p.shut {
		p.mu.Unlock()
		return false
	}
	p.created, p.meta, p.metaBytes = false, nil, 0
	if p.host == nil && !p.needed() {
		p.mu.Unlock()
		return true
	}
	p.doomed++
	p.queue.push(&dissolve{})
	p.wake()
	return true
}

// recreate is Create for a room that there is: it has to be one that is deleted, and
// not quite gone.
func (p *place) recreate() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doomed == 0 || p.created {
		return ErrExists
	}
	p.created = true
	return nil
}

// close ends the room at once: whoever waits for it is told why.
func (p *place) close(err error) {
	p.mu.Lock()
	p.shut = true
	left := p.queue.all()
	p.waits = 0
	if p.current != nil {
		left, p.current = append(left, p.current), nil
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.seats, p.gaps, p.byID = nil, 0, nil
	p.mu.Unlock()
	for _, o := range left {
		o.refuse(err)
	}
}
