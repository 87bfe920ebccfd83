// Package modules is the kit with which modules are written: receivers of
// messages that do not want to see bytes. The built-in modules and middleware stand
// below it, one package each.
//
// A module is an actor with a queue of its own, below its client or server: it gets
// the messages that it wants, one at a time, and what it does wrong harms nobody
// else. All that this package makes is an [actors.Module] and its Handler; there is
// no other mechanism.
//
//   - [Func] makes a module of one function.
//   - [Define] makes one of typed routes: [On] decodes the messages of a type.
//   - [NewAPI] makes one that asks and gets answers, by a handle that any goroutine
//     may use.
//   - [NewStream] makes one whose messages a goroutine reads.
//
// # What goes wrong, and what it does
//
// No fault here ends a connection or the process.
//
//	the peer sent what cannot be decoded   counted, OnError; the module goes on
//	no route has the type                  not the module's: counted as unrouted by actors
//	a codec panics                         as an error of that codec; the module goes on
//	a handler returns an error             counted, OnError; the module goes on
//	a handler panics                       the module restarts, behind that message
//
// So an error is about one message, and a panic about the module: return an error
// where the next message may be better, panic where the module's state cannot be
// trusted any more.
//
// # Codecs
//
// A [Codec] reads and writes messages. Which one a connection speaks is decided by
// its subprotocol ([Codecs]); without any it is [JSON]. [Protobuf] is here too;
// others are a type with five methods.
package modules
