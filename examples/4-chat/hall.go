package main

import (
	"crypto/rand"
	"time"
)

// hall is a room as the chat knows it: its name, and what was said. Who is in it,
// package rooms knows.
type hall struct {
	id      string // the folded name
	name    string
	run     string // names the history, so that a page knows whether it is the one it has seen
	history history
	used    time.Time // when somebody entered last
}

// enter returns the hall of a name. A new one may take the place of one that nobody
// is in. It returns nil if there is no place.
func (c *chat) enter(name string) *hall {
	id := fold(name)
	h := c.halls[id]
	if h == nil {
		if len(c.halls) >= maxRooms && !c.forgetOne() {
			return nil
		}
		h = &hall{id: id, name: name, run: rand.Text()}
		c.halls[id] = h
	}
	h.used = c.now()
	return h
}

// forgetOne forgets the hall that nobody is in, and nobody has entered for longest.
func (c *chat) forgetOne() bool {
	var oldest *hall
	for _, h := range c.halls {
		if (oldest == nil || h.used.Before(oldest.used)) && c.rooms.Room(h.id).Len() == 0 {
			oldest = h
		}
	}
	if oldest == nil {
		return false
	}
	delete(c.halls, oldest.id)
	return true
}

// welcome is what a page needs to go on from what it has seen.
func (h *hall) welcome(name string, m join) welcome {
	w := welcome{Room: h.name, Name: name, Run: h.run, Seq: h.history.last}
	since := m.Since
	if m.Run != h.run {
		since = 0
	}
	w.Lines, w.Missed = h.history.since(since)
	return w
}
