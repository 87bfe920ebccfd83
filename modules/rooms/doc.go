// Package rooms gathers connections of a server in rooms, so that one message
// reaches all of them: join, leave, broadcast, send to one, who is there, and what
// is known of the room.
//
//	r, err := rooms.New(rooms.Options{})
//	server, err := actors.NewServer(system, actors.ServerOptions{Modules: []actors.Module{chat, r.Module()}})
//	...
//	err = r.Room("lobby").Join(ctx, conn, rooms.Member{ID: "ann"})
//	err = r.Room("lobby").Broadcast(transport.Message{Kind: transport.Text, Payload: text})
//
// A topic is a room too: Join subscribes, Broadcast publishes.
//
// # A room
//
// A room is there as long as somebody is in it. It comes with the first member and
// goes with the last, unless it was made by Create or has metadata. A connection
// may be in many rooms, and leaves all of them when it ends.
//
// Each room is an actor. What is asked of it waits in its queue and is done one
// after the other: a message reaches those who were members when it was sent, in the
// order in which messages were sent, each once. The queue and the members are no
// part of the actor: if it is killed or fails, the next one goes on with them.
//
// What is broadcast while a room is at work is collected: each member gets it in one
// write, of bytes that are the same for all whose connections have agreed on the same
// compression. In a room of 256 members and more all processors take part in that.
//
// # Slow members
//
// Nobody is waited for. What the socket of a member does not take at once goes to the
// queue of its connection; a member whose queue is too full misses it, or is closed with
// 1013 (see Options.Slow), and Result says so. What is broadcast faster than a room can
// hand it on waits in the room's queue, up to Options.QueueBytes; then Broadcast
// returns ErrBusy.
//
// # Where it may be called
//
// Everything may be called from any goroutine, also from handlers. What needs an
// answer of the room takes a context, and returns when that is done. After the end
// of the server everything returns ErrClosed, and nobody is kept waiting.
//
// The functions of Options which a room calls (OnJoin, OnLeave, OnPresence, Presence)
// run in the room's own thread: they get a Room that returns ErrInside where it would
// wait for itself, and while they run the room waits, others do not. If one of them
// panics that is logged and counted, and nothing else happens.
package rooms
