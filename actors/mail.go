package actors

import "sync"

// keptRing is how many entries of a ring are kept for the next mailbox that needs one.
// A burst's memory is given back.
const keptRing = 16

// mails are those that no mailbox needs at the moment.
var mails = sync.Pool{New: func() any { return &mail{ring: make([]any, keptRing)} }}

// mail is what waits in a mailbox: the messages of the system, which come first, and
// those of the users in a ring. A mailbox has one only while something waits, so that
// idle actors, of which there are many, hold none. A nil mail is an empty one.
type mail struct {
	system   []any
	taken    int // of system
	ring     []any
	head     int
	occupied int // of ring
}

func (m *mail) empty() bool { return m.users() == 0 && m.systems() == 0 }

func (m *mail) users() int {
	if m == nil {
		return 0
	}
	return m.occupied
}

func (m *mail) systems() int {
	if m == nil {
		return 0
	}
	return len(m.system) - m.taken
}

func (m *mail) pushSystem(msg any) { m.system = append(m.system, msg) }

// popSystem takes the oldest message of the system; there must be one.
func (m *mail) popSystem() any {
	msg := m.system[m.taken]
	m.system[m.taken] = nil
	if m.taken++; m.taken == len(m.system) {
		m.system, m.taken = m.system[:0], 0
	}
	return msg
}

// push appends to the ring.
func (m *mail) push(msg any) {
	if m.occupied == len(m.ring) {
		grown := make([]any, 2*len(m.ring))
		for i := range m.occupied {
			grown[i] = m.at(i)
		}
		m.ring, m.head = grown, 0
	}
	m.ring[(m.head+m.occupied)%len(m.ring)] = msg
	m.occupied++
}

// pop takes the oldest from the ring, which must not be empty.
func (m *mail) pop() any {
	msg := m.ring[m.head]
	m.ring[m.head] = nil
	m.head = (m.head + 1) % len(m.ring)
	m.occupied--
	return msg
}

// at is entry i of the ring, the oldest being 0.
func (m *mail) at(i int) any { return m.ring[(m.head+i)%len(m.ring)] }

// evict takes the oldest that matches out of the ring, or returns nil.
func (m *mail) evict(match func(any) bool) any {
	for i := range m.occupied {
		msg := m.at(i)
		if !match(msg) {
			continue
		}
		for j := i; j+1 < m.occupied; j++ {
			m.ring[(m.head+j)%len(m.ring)] = m.at(j + 1)
		}
		m.ring[(m.head+m.occupied-1)%len(m.ring)] = nil
		m.occupied--
		return msg
	}
	return nil
}

// recycle gives an empty mail to whoever needs one next.
func (m *mail) recycle() {
	if len(m.ring) <= keptRing && cap(m.system) <= keptRing {
		mails.Put(m)
	}
}
