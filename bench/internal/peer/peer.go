// Package peer is what the servers under test share: the listener with its address line,
// the statistics page, and the work of the slow module. A server from elsewhere does not
// need it: it has to print ws://host:port as its first line and to serve /echo.
package peer

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// MaxMessage is the largest message, in bytes, that a server under test takes.
const MaxMessage = 1 << 20

// SlowPath is the route whose handler calls Stall for every message, before the echo.
const SlowPath = "/slow"

// stall is what the slow module takes for one message.
const stall = 50 * time.Millisecond

// Stall blocks its goroutine for 50 ms, as a module that waits for a database does.
func Stall() { <-time.After(stall) }

// Variant reports whether name is among the arguments of the program.
func Variant(name string) bool { return slices.Contains(os.Args[1:], name) }

// Listen opens a listener on a free port of 127.0.0.1 and announces it. It ends the
// program if it cannot.
func Listen() net.Listener {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		Fail(err)
	}
	Announce(listener.Addr().String())
	return listener
}

// Announce prints the address line for a listener on addr, and a second one for the
// statistics page, which it serves on a port of its own.
func Announce(addr string) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		Fail(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/stats", serveStats)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	go func() { Fail(http.Serve(listener, mux)) }()
	_, _ = fmt.Fprintf(os.Stdout, "ws://%s\nstats http://%s/stats\n", addr, listener.Addr())
}

// Fail ends the program with err on stderr.
func Fail(err error) {
	_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	os.Exit(1)
}

// Stats is the memory of a server, as its statistics page tells it.
type Stats struct {
	Mallocs    uint64 `json:"mallocs"`     // heap objects ever allocated
	TotalAlloc uint64 `json:"total_alloc"` // bytes ever allocated
	HeapAlloc  uint64 `json:"heap_alloc"`  // bytes live, or dead and not yet swept
	StackInuse uint64 `json:"stack_inuse"`
	Goroutines int    `json:"goroutines"`
}

// serveStats answers with Stats; with ?gc=1 after two collections (the second empties
// what sync.Pools kept over the first) and after giving free memory back.
func serveStats(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("gc") {
		runtime.GC()
		debug.FreeOSMemory()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	_ = json.NewEncoder(w).Encode(Stats{
		Mallocs: m.Mallocs, TotalAlloc: m.TotalAlloc, HeapAlloc: m.HeapAlloc,
		StackInuse: m.StackInuse, Goroutines: runtime.NumGoroutine(),
	})
}
