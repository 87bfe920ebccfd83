package rooms

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/eventstream"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Rooms are the rooms of one server. All methods are safe for concurrent use.
type Rooms struct {
	options Options
	crowd   crowd
	counts  counts
	names   atomic.Uint64 // of actors; none is used twice
	given   atomic.Bool   // Module has been called
	hall    atomic.Pointer[actor.PID]
	shards  atomic.Pointer[[]*actor.PID]

	mu     sync.Mutex
	rooms  map[string]*place
	closed bool
	home   *actor.PID // the module's actor
	system *actor.ActorSystem
	vigil  *actor.PID
	events *eventstream.Subscription
}

// New returns rooms for one server, of which Module has to be one of the modules. An
// error is an *actors.OptionError.
func New(o Options) (*Rooms, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	r := &Rooms{options: o.withDefaults(), rooms: map[string]*place{}}
	r.crowd.init()
	return r, nil
}

// Room returns the room of that name, which need not exist: it is made by the first
// Join, and by Set. Taking it costs next to nothing; it may be kept, and is good for
// each room of that name there will be.
func (r *Rooms) Room(name string) *Room { return &Room{rooms: r, name: name} }

// Create makes a room that stays until it is deleted, also without members. It
// returns ErrExists if there is one, whoever made it, which stays as it is; or a
// *NameError, a *LimitError, ErrClosed.
func (r *Rooms) Create(name string) error {
	if err := r.check("room", name); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.rooms[name]; p != nil {
		return p.recreate()
	}
	p, err := r.make(name)
	if err != nil {
		return err
	}
	p.created = true
	return nil
}

// Delete ends a room behind what has been sent to it: its members leave with
// ErrDeleted, their connections stay. Its metadata is gone at once. Whoever joins later
// comes into a new room of that name. It does not wait. It returns ErrNoRoom if there
// is none, or ErrClosed.
func (r *Rooms) Delete(name string) error {
	p, err := r.find(name)
	if err != nil {
		return err
	}
	if p == nil || !p.condemn() {
		return ErrNoRoom
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(p)
	return nil
}

// Names returns the names of all rooms, sorted.
func (r *Rooms) Names() []string {
	r.mu.Lock()
	names := make([]string, 0, len(r.rooms))
	for name := range r.rooms {
		names = append(names, name)
	}
	r.mu.Unlock()
	slices.Sort(names)
	return names
}

// Len returns how many rooms there are.
func (r *Rooms) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.rooms)
}

// Of returns the names of the rooms that a connection is in, in the order in which
// it joined them.
func (r *Rooms) Of(c *actors.Conn) []string { return r.crowd.roomsOf(c) }

// BroadcastAll sends a message to every connection that is in any room, to each once.
// It does so on the caller's goroutine and waits for nobody; it stands in no order
// with what is broadcast in the rooms. In a Failure the ID is the one of the room
// that the connection joined first. The payload is copied. It returns ErrClosed, or
// what is wrong with the message.
func (r *Rooms) BroadcastAll(m transport.Message) (Result, error) {
	message, err := transport.Prepare(m.Kind, m.Payload)
	if err != nil {
		return Result{}, err
	}
	r.mu.Lock()
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return Result{}, ErrClosed
	}
	b, d := &broadcast{message: message, detail: true}, delivery{rooms: r}
	for _, s := range r.crowd.first() {
		err := ErrSlow
		if !s.is(closing) && !s.conn.Congested() {
			_, err = s.conn.SendPrepared(message) // others write: the caller may be a handler in its turn
		}
		d.note(b, s, err)
	}
	r.counts.add(b)
	return b.result, nil
}

// Stats returns the counters.
func (r *Rooms) Stats() Stats {
	s := r.counts.stats()
	s.Rooms = r.Len()
	s.Connections, s.Memberships = r.crowd.size()
	return s
}

// make makes a room; r is locked, and has none of that name.
func (r *Rooms) make(name string) (*place, error) {
	switch {
	case r.closed:
		return nil, ErrClosed
	case len(r.rooms) >= r.options.MaxRooms:
		return nil, &LimitError{Room: name, Option: "MaxRooms", Limit: r.options.MaxRooms}
	}
	p := newPlace(r, name)
	r.rooms[name] = p
	return p, nil
}

// open returns the room of that name, made if there is none.
func (r *Rooms) open(name string) (*place, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.rooms[name]; p != nil {
		return p, nil
	}
	return r.make(name)
}

// find returns the room of that name; nil if there is none.
func (r *Rooms) find(name string) (*place, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	return r.rooms[name], nil
}

// check reports what is wrong with a name.
func (r *Rooms) check(of, name string) error {
	switch limit := r.options.MaxName; {
	case name == "":
		return &NameError{Of: of, Problem: "is empty"}
	case len(name) > limit:
		return &NameError{Of: of, Problem: "has " + strconv.Itoa(len(name)) + " bytes; Options.MaxName allows " + strconv.Itoa(limit)}
	case !utf8.ValidString(name):
		return &NameError{Of: of, Problem: "is not valid UTF-8"}
	}
	return nil
}
