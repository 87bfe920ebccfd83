package actors

import (
	"container/heap"
	"time"
)

// letter is what is special about one message of Post. Its outbox guards it, but
// for the Receipt.
type letter struct {
	Receipt
	class    Class
	key      string
	ttl      time.Duration
	bound    bool
	ack      bool
	identity uint64 // of the client when Post was called
	chunk    *chunk // in which it waits; nil before, and when it has left it
	due      int64  // when it expires, and once it is written when its ack is overdue, ns; 0: never
	place    int    // in the heap of deadlines, from 1; 0: it is not there
	gone     bool   // all its bytes are written, and it waits for its ack
	acked    bool   // the ack came while the writer had it
}

func newLetter(m *Outgoing) *letter {
	return &letter{Receipt: newReceipt(m.Ack), class: m.Class, key: m.Key, ttl: m.TTL, bound: m.Bound, ack: m.Ack}
}

// letters is what an outbox knows of its letters. Each of them leaves all of it
// with its outcome.
type letters struct {
	latest    map[string]*letter // KeepLatest: the newest of each key that is not written
	acks      map[uint64]*letter // Ack: those without an outcome
	deadlines deadlines
	volatile  int    // Volatile ones in the queue
	bound     int    // Bound ones in the queue
	gone      int    // those that are written and wait for their ack
	identity  uint64 // grows with each change of the client's identity
	posters   []*poster
	waiters   []onlooker    // they wait for the outbox to be drained
	empties   chan struct{} // closed when nothing is left; nil while nobody waits
}

// extra returns the letters of o, made if there are none; o is locked.
func (o *outbox) extra() *letters {
	if o.letters == nil {
		o.letters = &letters{}
	}
	return o.letters
}

// enter notes a letter that has been put into c. at is now.
func (s *letters) enter(l *letter, c *chunk, at int64) {
	l.chunk = c
	switch l.class {
	case KeepLatest:
		if s.latest == nil {
			s.latest = map[string]*letter{}
		}
		s.latest[l.key] = l
	case Volatile:
		s.volatile++
	}
	if l.bound {
		s.bound++
	}
	if l.ack {
		if s.acks == nil {
			s.acks = map[uint64]*letter{}
		}
		s.acks[l.id] = l
	}
	if l.ttl > 0 {
		l.due = at + int64(min(l.ttl, longest))
		s.deadlines.add(l)
	}
}

// leave notes that a letter is not in the queue any more.
func (s *letters) leave(l *letter) {
	s.deadlines.remove(l)
	if l.chunk == nil {
		return
	}
	l.chunk = nil
	switch l.class {
	case KeepLatest:
		if s.latest[l.key] == l {
			if delete(s.latest, l.key); len(s.latest) == 0 {
				s.latest = nil // a map never shrinks
			}
		}
	case Volatile:
		s.volatile--
	}
	if l.bound {
		s.bound--
	}
}

// forget lets go of a letter that has its outcome.
func (s *letters) forget(l *letter) {
	s.leave(l)
	if l.gone {
		l.gone = false
		s.gone--
	}
	if s.acks[l.id] == l {
		if delete(s.acks, l.id); len(s.acks) == 0 {
			s.acks = nil
		}
	}
}

// deadlines is a heap of the letters that have a deadline, the earliest first.
type deadlines []*letter

func (d *deadlines) add(l *letter) { heap.Push(d, l) }

func (d *deadlines) remove(l *letter) {
	if l.place > 0 {
		heap.Remove(d, l.place-1)
	}
}

// Len implements heap.Interface, as do the others.
func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].due < d[j].due }
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i+1, j+1
}

// Push implements heap.Interface.
func (d *deadlines) Push(x any) {
	l := x.(*letter)
	*d = append(*d, l)
	l.place = len(*d)
}

// Pop implements heap.Interface. What a burst has used is given back.
func (d *deadlines) Pop() any {
	n := len(*d) - 1
	l := (*d)[n]
	(*d)[n] = nil
	if *d = (*d)[:n]; cap(*d) > 64 && n < cap(*d)/4 {
		*d = append(make(deadlines, 0, 2*n), *d...)
	}
	l.place = 0
	return l
}
