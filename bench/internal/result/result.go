// Package result is what a run measured: one Result for each candidate of a scenario in
// each repetition, kept as a line of JSON. The first line of a file says where: a Machine.
package result

// Kind says what a candidate is, and so what it is compared with.
type Kind string

// The kinds of candidates.
const (
	Ours    Kind = "ours"    // Hawser
	Library Kind = "library" // ready-made, used as its documentation shows
	Hand    Kind = "hand"    // written by hand on a library: what an expert could do
	Floor   Kind = "floor"   // not a server one could use: an upper bound
)

// Result is one candidate in one scenario and one repetition.
type Result struct {
	Scenario  string `json:"scenario"`
	Candidate string `json:"candidate"`
	Kind      Kind   `json:"kind"`
	Rep       int    `json:"rep"`

	// Err is why there are no figures, or no more of them.
	Err string `json:"err,omitempty"`

	Slices []Slice `json:"slices,omitempty"`
	// Beside are slices with a slow module in the same server (scenario S); they
	// alternate with Slices, same Round next to same Round.
	Beside []Slice `json:"beside,omitempty"`

	// Allocs is heap allocations per message, in K those of the client; nil when the
	// server offers no statistics.
	Allocs *float64 `json:"allocs_per_message,omitempty"`
	Idle   *Idle    `json:"idle,omitempty"`
}

// Slice is one measured window of one candidate. What a message is, and what its latency,
// depends on the scenario: an echo and its round trip in most; in D, FD and FP a delivery,
// and the time from the publish to the last of its deliveries; in E the life of a
// connection; in G an echo, and the time since its message was due.
type Slice struct {
	Round   int     `json:"round"`
	Rate    float64 `json:"rate"` // messages per second
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	Max     float64 `json:"max_us"`       // 0 in K: clients do not tell
	CPU     float64 `json:"cpu_s_per_1m"` // seconds of the server, in K of the client, per million messages
	Foreign float64 `json:"foreign"`      // cores that neither the two programs nor the generator used
}

// Idle is the memory of connections that do nothing: growth of the server in bytes per
// connection, against the server with one connection.
type Idle struct {
	Conns    int     `json:"conns"`
	RSS      float64 `json:"rss"`            // 1 s after the last handshake
	RSSUsed  float64 `json:"rss_after_echo"` // 1 s after one echo on every connection
	RSSSwept float64 `json:"rss_after_gc"`   // then after a forced collection; 0 without statistics
	Heap     float64 `json:"heap_after_gc"`
	Stack    float64 `json:"stack_after_gc"`
	Routines float64 `json:"goroutines"`
}
