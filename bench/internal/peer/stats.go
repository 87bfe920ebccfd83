package peer

import (
	"encoding/json"
	"net/http"
	"runtime"
	"runtime/debug"
)

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
