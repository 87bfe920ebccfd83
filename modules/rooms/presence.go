package rooms

import "github.com/hawser-go/hawser/transport"

// changes are those of the presence that have not been told.
type changes struct {
	order []string          // of IDs, as they changed first
	was   map[string]Member // those of them that were there when it was told last
	seen  map[string]bool   // all of them
}

// note notes that an ID has come, or, with left, that it has gone: s is the seat by
// which it did.
func (h *host) note(s *seat, left bool) {
	p := h.place
	o := &p.rooms.options
	if !o.present() {
		return
	}
	if !left && o.Presence != nil {
		s.flags.Or(fresh)
		p.newly++
	}
	if !left && p.byID[s.id] != s {
		return // it was there, by another connection
	}
	c := p.changes
	if c == nil {
		c = &changes{was: map[string]Member{}, seen: map[string]bool{}}
		p.changes = c
	}
	if c.seen[s.id] {
		return
	}
	c.seen[s.id] = true
	c.order = append(c.order, s.id)
	if left {
		c.was[s.id] = s.member()
	}
}

// diff is what the changes come to; they are over then.
func (p *place) diff() (d Diff) {
	c := p.changes
	if c == nil {
		return d
	}
	p.changes = nil
	for _, id := range c.order {
		m, was := c.was[id]
		switch now := p.byID[id]; {
		case now != nil:
			d.Joined = append(d.Joined, now.member())
		case was:
			d.Left = append(d.Left, m)
		}
	}
	return d
}

// tell tells who came and went: the members who know the rest, the server, and those
// who know nothing yet.
func (h *host) tell() {
	p := h.place
	p.mu.Lock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.mu.Unlock()
	o := &p.rooms.options
	d := p.diff()
	newly := p.newly > 0
	if len(d.Joined)+len(d.Left) > 0 {
		if o.OnPresence != nil {
			_ = p.rooms.guard("OnPresence", p.name, func() { o.OnPresence(p.room, d) })
		}
		h.tellMembers(d)
	}
	if newly && p.newly > 0 {
		h.tellMembers(Diff{State: true, Joined: p.members()})
	}
}

// tellMembers sends a Diff to the members it is for. Who misses it is told everything
// the next time.
func (h *host) tellMembers(d Diff) {
	p, o := h.place, &h.place.rooms.options
	if o.Presence == nil || p.count() == 0 {
		return
	}
	for _, s := range p.seats {
		if s != nil && s.is(fresh) == d.State {
			// somebody is to get it
			h.spread(d)
			return
		}
	}
}

func (h *host) spread(d Diff) {
	p := h.place
	message := p.encode(d)
	var out delivery
	if message != nil {
		out.load(p.rooms, &broadcast{message: message})
	}
	whole := 0
	for _, s := range p.seats {
		if s == nil || s.is(fresh) != d.State || s.is(closing) {
			continue
		}
		switch told := message == nil || out.to(s, &whole); {
		case told && d.State:
			s.flags.And(^fresh)
			p.newly--
		case !told && !d.State:
			s.flags.Or(fresh)
			p.newly++
		}
	}
	if message != nil {
		out.unload(whole)
	}
	h.bury(out.gone)
}

// encode makes the message of a Diff; nil if there is none.
func (p *place) encode(d Diff) (made *transport.Prepared) {
	r := p.rooms
	_ = r.guard("Presence", p.name, func() {
		var m transport.Message
		var ok bool
		if m, ok = r.options.Presence(p.name, d); !ok {
			return
		}
		var err error
		if made, err = transport.Prepare(m.Kind, m.Payload); err != nil {
			panic(err)
		}
	})
	return made
}
