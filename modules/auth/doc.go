// Package auth says who a client is, and what it may do.
//
// Who it is, a server finds out at the handshake: [Tokens] is an
// actors.ServerOptions.Authenticate for a fixed set of tokens; for sessions, JWT and
// the like the user writes one, with [Bearer] or a cookie of the request. The principal
// stays with the connection for its whole life.
//
// What it may do, the middleware of [New] decides for every message. It fails closed:
// a policy that panics, and a message that it does not know, are a no.
package auth
