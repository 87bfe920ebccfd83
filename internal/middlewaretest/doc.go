// Package middlewaretest is what the tests of the built-in middleware share: a
// client and a server in a bubble of virtual time, and the behaviour that each of
// them must show.
package middlewaretest
