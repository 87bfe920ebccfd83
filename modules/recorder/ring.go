package recorder

import "sync"

// ring has the latest records, within two bounds. It is safe for concurrent use.
type ring struct {
	bytes int // the bound of the payloads together

	mu      sync.Mutex
	records []Record // as many as there may be, once it is full
	limit   int
	head, n int
	held    int // bytes of payloads
	lost    uint64
}

// add puts a record behind the others, and gives up the oldest for it.
func (r *ring) add(record Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.n > 0 && (r.n == r.limit || r.held+len(record.Payload) > r.bytes) {
		r.drop()
	}
	r.grow()
	r.records[(r.head+r.n)%len(r.records)] = record
	r.n++
	r.held += len(record.Payload)
}

// drop gives up the oldest; r is locked.
func (r *ring) drop() {
	r.held -= len(r.records[r.head].Payload)
	r.records[r.head] = Record{}
	r.head = (r.head + 1) % len(r.records)
	r.n--
	r.lost++
}

// grow makes room for one more; r is locked, and not at its limit.
func (r *ring) grow() {
	if r.n < len(r.records) {
		return
	}
	grown := make([]Record, min(max(16, 2*r.n), r.limit))
	for i := range r.n {
		grown[i] = r.records[(r.head+i)%len(r.records)]
	}
	r.records, r.head = grown, 0
}

// all returns the records, the oldest first.
func (r *ring) all() []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Record, r.n)
	for i := range all {
		all[i] = r.records[(r.head+i)%len(r.records)]
	}
	return all
}

func (r *ring) overwritten() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

func (r *ring) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records, r.head, r.n, r.held, r.lost = nil, 0, 0, 0, 0
}
