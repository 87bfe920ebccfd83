// Package load is the load generator that drives every server alike: one thread, one
// epoll set, non-blocking sockets, frames encoded and compressed once and replayed. It
// allocates nothing and keeps no lock while it measures, so that what it costs is small
// and the same for all candidates. TLS is the exception, see there.
//
// A Generator is the closed loop of an echo; Fanout and Paced build on one; Lives and TLS
// stand for themselves. All of them are Loads: verified, run in windows, and idle between.
//
// It speaks to 127.0.0.0/8 only, and it is Linux only. A Generator belongs to one
// goroutine; the system calls bypass Go's scheduler, so that goroutine should be locked
// to its thread and must have a processor to spare (GOMAXPROCS of 2 or more).
//
// But for Paced, latencies are those of a closed loop: the next message goes out when the
// answer to an earlier one is there. A server that stalls is asked less while it does;
// compare the rates as well.
package load
