package dedup

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// memory has the latest keys of one peer in one direction. It is safe for
// concurrent use.
type memory struct {
	keys   int
	window time.Duration // negative: none

	mu    sync.Mutex
	known map[string]*list.Element
	order list.List // of *entry, the oldest first
}

// entry is a message that has passed.
type entry struct {
	key  string
	at   time.Time
	conn uint64 // the connection that it passed on
	done bool   // it need not come again, whichever connection brings it
}

func newMemory(o *Options) *memory {
	return &memory{keys: o.Keys, window: o.Window, known: map[string]*list.Element{}}
}

// sighting is what a memory makes of a message.
type sighting uint8

const (
	first     sighting = iota // it is to be handled
	underway                  // it is being handled, and there is no answer yet
	duplicate                 // it has been handled
)

// see notes a message that comes by on a connection. With done it is one that need
// not come again.
func (m *memory) see(key string, conn uint64, now time.Time, done bool) sighting {
	key = short(key)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(now)
	if place := m.known[key]; place != nil {
		e := place.Value.(*entry)
		switch {
		case e.done:
			return duplicate
		case e.conn == conn:
			return underway
		}
		m.remove(place) // of a connection that is gone, or not the one that counts
	}
	if m.order.Len() >= m.keys {
		m.remove(m.order.Front())
	}
	m.known[key] = m.order.PushBack(&entry{key: key, at: now, conn: conn, done: done})
	return first
}

// finish notes that the message with the key need not come again.
func (m *memory) finish(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if place := m.known[short(key)]; place != nil {
		place.Value.(*entry).done = true
	}
}

// forget makes the key one that was never seen.
func (m *memory) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if place := m.known[short(key)]; place != nil {
		m.remove(place)
	}
}

// expire forgets what is too old: each key once, so a message pays for one.
func (m *memory) expire(now time.Time) {
	if m.window < 0 {
		return
	}
	for place := m.order.Front(); place != nil && now.Sub(place.Value.(*entry).at) >= m.window; place = m.order.Front() {
		m.remove(place)
	}
}

func (m *memory) remove(place *list.Element) {
	delete(m.known, m.order.Remove(place).(*entry).key)
}

// longest is how long a key may be to be kept as it is.
const longest = 64

// short is the key, or its hash: a peer must not choose how much is remembered.
func short(key string) string {
	if len(key) <= longest {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + string(sum[:])
}
