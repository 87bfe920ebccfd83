// Package ratelimit is a middleware that bounds how many messages and bytes a
// second pass, in each direction, for each connection or for each key such as the
// peer's address. It is a token bucket: a burst passes at once, and from then on
// what the rate allows.
//
// What is too much is dropped, rejected, or ends the connection. It is never
// delayed: a middleware that waits holds up every other connection and its own
// control frames. Whoever wants to send slower takes a rate.Limiter of
// golang.org/x/time/rate to where the messages are made, and waits there.
package ratelimit
