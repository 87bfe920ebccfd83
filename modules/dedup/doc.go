// Package dedup is a middleware that keeps a message from being handled twice when
// its sender sends it again: after a reconnect, or because no answer came in time.
// It knows a message by a key, such as the identifier that both ends put into it,
// and remembers keys over reconnects.
//
// # What is safe
//
// A peer that sends again until it is answered is never harmed: no message is
// dropped that may not have been handled. Which that are depends on what is known
// of the handling.
//
// Without Options.Done a key is known from the moment at which its message passes:
// each is handled at most once. What is lost behind this middleware, because a
// module panics at it or is full, is lost although the peer sends it again.
//
// With Options.Done a key is known when its message is acknowledged, and until
// then only the connection that brought it counts: each message is handled at
// least once. It is handled again if the connection is lost between the handling
// and the acknowledgement.
//
// Either way an acknowledgement can be lost with its connection, and the peer asks
// again: Options.Duplicate answers it without another handling.
//
// Outbound, a key is known as long as the connection stands on which its message
// passed. What a new connection carries is never dropped because of an old one:
// nobody knows what of that arrived. Dropping those is for the peer, with a
// middleware like this one.
//
// # Where it stands in the chain
//
// The first middleware is the last that an outbound message meets, and is the place
// for a dedup with Outbound or Done: what the others reject was never sent. The
// last one is the place for one that only looks inbound.
package dedup
