package rooms

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// SlowPolicy says what happens to a member whose connection has no room for a
// message.
type SlowPolicy uint8

const (
	// SkipSlow lets the member miss the message: for state that the next message makes
	// good.
	SkipSlow SlowPolicy = iota
	// CloseSlow closes its connection with 1013 (RFC 6455 §7.4.1): where a gap is worse
	// than a reconnect.
	CloseSlow
)

// Options says what rooms there may be, who may join, and who is told what. The
// zero value is good.
type Options struct {
	// Name is the name of the module. Default "rooms"; a server that has two of them
	// gives one another name.
	Name string

	// MaxRooms is how many rooms there are at most. Default 10000; negative: any
	// number. A room that Create made takes some 360 bytes, one with members 1.5 KiB
	// besides, and each membership 120.
	MaxRooms int
	// MaxMembers is how many connections are in one room at most. Default 10000;
	// negative: any number.
	MaxMembers int
	// MaxRoomsPerConn is how many rooms one connection is in at most. Default 64;
	// negative: any number.
	MaxRoomsPerConn int
	// MaxName is how long the name of a room and the ID of a member are at most, in
	// bytes. Default 128; negative: any length.
	MaxName int
	// MaxKeys and MaxMetadata are how many keys the metadata of one room has at most,
	// and how many bytes, keys and values together. Default 64 and 16 KiB; negative: any
	// number.
	MaxKeys, MaxMetadata int
	// QueueBytes is how much waits for one room at most: payload bytes, and 64 more for
	// each message. A message finds room in an empty queue whatever its size. Default
	// 1 MiB; negative: no bound.
	QueueBytes int
	// Slow says what happens to members that do not keep up. A member does not when its
	// connection is congested (actors.Conn.Congested) or its outbox is full. Default
	// SkipSlow.
	Slow SlowPolicy
	// SharedIDs lets several connections have the same ID, such as the windows of one
	// user. They are one member: present once, from the first that joins to the last
	// that leaves, with what the first one said of itself; SendTo reaches all of them.
	// Default false: Join returns ErrMemberExists.
	SharedIDs bool

	// Authorize may refuse a join, and may change what is said of the member: an ID that
	// stands for an identity is best set here. It runs on the goroutine that called
	// Join, whose context it gets, so it may take its time. Its error is in the
	// *RefusedError that Join returns; a panic refuses too. Default nil: all may join.
	Authorize func(ctx context.Context, room string, c *actors.Conn, m *Member) error
	// OnJoin is told that a connection has joined, before any message that is sent to
	// the room later: what it sends to c comes first. Default nil.
	OnJoin func(room *Room, c *actors.Conn, m Member)
	// OnLeave is told that a connection has left. cause is nil for Leave, ErrDeleted, or
	// an error that wraps actors.ErrStopped: the connection has ended. Default nil.
	OnLeave func(room *Room, c *actors.Conn, m Member, cause error)

	// OnPresence is told who came and went. Default nil.
	OnPresence func(room *Room, d Diff)
	// Presence makes the message by which members are told who came and went: once for
	// all who get the same. With false they are not told. Default nil: nobody is told.
	Presence func(room string, d Diff) (transport.Message, bool)
	// PresenceEvery is how long changes of the presence are collected, so that a
	// thousand joins in a second are twenty messages and not a thousand. Default 50 ms;
	// negative: each is told at once.
	PresenceEvery time.Duration

	// Path limits the module to connections that were opened with this path or pattern,
	// see actors.Module. Default "": if AutoJoin, Relay or OnMessage is set all
	// connections, else none; rooms can be joined by any connection of the server all
	// the same.
	Path string
	// AutoJoin says which room a new connection joins, and as whom; with an empty name
	// it joins none. A connection whose join is refused is closed: with the
	// *transport.CloseError that Authorize returned, with 1013 if a limit is reached,
	// else with 1008. Default nil: connections join by Room.Join only. See ByPath.
	AutoJoin func(c *actors.Conn) (room string, m Member)
	// Relay broadcasts what a connection sends to the others in the room that AutoJoin
	// gave it. What the room's queue has no room for is dropped, and counted in
	// Stats.Busy. Default false.
	Relay bool
	// RelayBack makes Relay send it to its sender too. Default false.
	RelayBack bool
	// OnMessage gets what a connection sends. room is the one that AutoJoin gave it, or
	// nil if it is not there (any more). It runs in the module's thread, one message at a
	// time; a panic is logged and counted, and ends nothing. Default nil.
	OnMessage func(ctx *actors.Context, room *Room, m transport.Message)
	// Instances is how many actors share the calls of AutoJoin, Relay and OnMessage. More
	// than one is for functions that may block; they are called concurrently then.
	// Default 1.
	Instances int

	// Events makes messages of what is published on the event stream of the actor
	// system: ok says that m is to be broadcast in room. It runs on the publisher's
	// goroutine, must be fast, and must not publish. Default nil.
	Events func(event any) (room string, m transport.Message, ok bool)
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "rooms"
	}
	for _, limit := range []struct {
		value *int
		def   int
	}{
		{&o.MaxRooms, 10_000},
		{&o.MaxMembers, 10_000},
		{&o.MaxRoomsPerConn, 64},
		{&o.MaxName, 128},
		{&o.MaxKeys, 64},
		{&o.MaxMetadata, 16 << 10},
		{&o.QueueBytes, 1 << 20},
	} {
		switch {
		case *limit.value == 0:
			*limit.value = limit.def
		case *limit.value < 0:
			*limit.value = math.MaxInt
		}
	}
	if o.PresenceEvery == 0 {
		o.PresenceEvery = 50 * time.Millisecond
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Slow > CloseSlow:
		return &actors.OptionError{Option: "rooms.Options.Slow", Problem: fmt.Sprintf("is %d; use SkipSlow or CloseSlow", o.Slow)}
	case o.Relay && o.AutoJoin == nil:
		return &actors.OptionError{Option: "rooms.Options.Relay", Problem: "is set without AutoJoin, which says to which room; set both"}
	case o.Relay && o.OnMessage != nil:
		return &actors.OptionError{Option: "rooms.Options.Relay", Problem: "is set beside OnMessage; use one of them, Room.Broadcast in OnMessage relays too"}
	case o.RelayBack && !o.Relay:
		return &actors.OptionError{Option: "rooms.Options.RelayBack", Problem: "is set without Relay; set both"}
	case o.Instances < 0:
		return &actors.OptionError{Option: "rooms.Options.Instances", Problem: "is negative; leave it 0 for one"}
	}
	return nil
}

// present reports whether anybody wants to know who comes and goes.
func (o *Options) present() bool { return o.OnPresence != nil || o.Presence != nil }

// listens reports whether the module wants messages or connections.
func (o *Options) listens() bool { return o.AutoJoin != nil || o.Relay || o.OnMessage != nil }

// ByPath is an AutoJoin for a Path such as "/rooms/{name}": the room is what stands
// in the place of {name}. The member gets the default ID; let Options.Authorize give
// it a better one.
func ByPath(c *actors.Conn) (room string, m Member) { return c.PathValue("name"), Member{} }
