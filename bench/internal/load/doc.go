// Package load is the load generator that drives every server alike: one thread, one
// epoll set, non-blocking sockets, frames encoded once and replayed. It allocates
// nothing and keeps no lock while it measures, so that what it costs is small and the
// same for all candidates.
//
// It speaks to 127.0.0.0/8 only, and it is Linux only. A Generator belongs to one
// goroutine; the system calls bypass Go's scheduler, so that goroutine should be locked
// to its thread and must have a processor to spare (GOMAXPROCS of 2 or more).
//
// Latencies are those of a closed loop: a connection sends its next message when the
// answer to an earlier one is there. A server that stalls is asked less while it does;
// compare the rates as well.
package load
