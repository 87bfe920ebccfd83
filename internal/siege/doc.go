// Package siege holds no code but tests: it attacks a server over real sockets, as
// an enemy on the internet would, and measures what that costs the server and its
// other clients. Each attack must end as documented (a status, a close code), within
// its time and its memory, and leave nothing behind.
//
// The kit:
//
//	f := start(t, actors.ServerOptions{…})  // a server on 127.0.0.1, on both ways in
//	base := f.figures()                     // what the process holds while nobody attacks
//	c := f.control(f.lean, "/")             // a healthy client that echoes in a loop
//	m := f.measure()                        // memory and CPU from here on
//	p := f.join(f.lean, "/")                // a peer by hand: any bytes, strict reading
//	…
//	m.report("what", 32<<20)                // prints, and fails above 32 MiB
//	c.check(50 * time.Millisecond)          // prints, and fails above that p99
//	f.quiet(base)                           // all is as it was, and the CPU idles
//
// Attackers, clients and server share one process, so all figures hold for them
// together; an attacker must be lean, or its memory counts as the server's.
//
// A plain run takes full counts, one under the race detector or with -short a part
// of them, see scale; HAWSER_NIGHT=1 takes more.
package siege
