package rooms

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed is returned by everything after the module has ended, with its server
	// or before.
	ErrClosed = errors.New("rooms: closed")
	// ErrNoServer is returned by Join and by all that waits for a room when no server
	// has the module: put Rooms.Module into ServerOptions.Modules.
	ErrNoServer = errors.New("rooms: no server has the module; put Rooms.Module() into ServerOptions.Modules")
	// ErrBusy is returned by Broadcast, BroadcastWait and SendTo when Options.QueueBytes
	// wait for the room already. The message was not accepted; try again later, or
	// send less.
	ErrBusy = errors.New("rooms: the room's queue is full")
	// ErrExists is returned by Create when there is such a room.
	ErrExists = errors.New("rooms: there is a room of that name")
	// ErrNoRoom is returned by Delete when there is no such room.
	ErrNoRoom = errors.New("rooms: there is no room of that name")
	// ErrMemberExists is returned by Join when the ID is taken by another connection,
	// or when the connection is in the room already.
	ErrMemberExists = errors.New("rooms: the room has that member")
	// ErrNotMember is returned by Leave for a connection that is not in the room, and
	// by SendTo for an ID that nobody has there.
	ErrNotMember = errors.New("rooms: no such member")
	// ErrSlow is in a Failure, and returned by SendTo, for a member that does not keep
	// up: it missed the message, or its connection was closed.
	ErrSlow = errors.New("rooms: the member does not keep up")
	// ErrDeleted is why a member left whose room was deleted.
	ErrDeleted = errors.New("rooms: the room was deleted")
	// ErrInside is returned to a function of Options that asks its own room for
	// something that it would have to wait for. Do it in a goroutine.
	ErrInside = errors.New("rooms: a room cannot wait for itself")
	// ErrNoConn is returned by Join for a connection that is nil.
	ErrNoConn = errors.New("rooms: the connection is nil; take it from Context.Conn")
	// ErrFailed is returned to those who waited for a room that failed while it did
	// what they asked for: nobody knows how much of it is done.
	ErrFailed = errors.New("rooms: the room failed meanwhile")
)

// NameError says that something cannot be the name of a room or the ID of a member.
type NameError struct {
	// Of is "room" or "member".
	Of string
	// Problem says what is wrong with it, and what would be right.
	Problem string
}

func (e *NameError) Error() string { return "rooms: name of a " + e.Of + " " + e.Problem }

// LimitError says which limit a call would have broken. Nothing has changed.
type LimitError struct {
	// Room is the room that was asked for.
	Room string
	// Option is the field of Options that sets the limit, and Limit its value.
	Option string
	Limit  int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("rooms: room %q: the limit of %d is reached, which Options.%s sets", e.Room, e.Limit, e.Option)
}

// RefusedError is returned by Join when Options.Authorize said no. Err is what it
// returned, or that it panicked.
type RefusedError struct {
	Room string
	Err  error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("rooms: join of %q refused: %v", e.Room, e.Err)
}

// Unwrap returns Err.
func (e *RefusedError) Unwrap() error { return e.Err }
