package rooms

import "maps"

// Set keeps a value with the room, and the room if there is none: it stays until its
// last value is removed. Errors are *LimitError, *NameError and ErrClosed.
func (m *Room) Set(key, value string) error {
	r := m.rooms
	if err := r.check("room", m.name); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.rooms[m.name]
	made := p == nil
	if made {
		var err error
		if p, err = r.make(m.name); err != nil {
			return err
		}
	}
	err := p.set(key, value)
	if err != nil && made {
		r.drop(p)
	}
	return err
}

// Get returns the value of a key, and whether there is one.
func (m *Room) Get(key string) (value string, ok bool) {
	if p, _ := m.rooms.find(m.name); p != nil {
		return p.get(key)
	}
	return "", false
}

// Metadata returns a copy of all keys and values.
func (m *Room) Metadata() map[string]string {
	if p, _ := m.rooms.find(m.name); p != nil {
		return p.metadata()
	}
	return map[string]string{}
}

// Remove removes a key, and the room if nothing else keeps it. Without such a key it
// does nothing.
func (m *Room) Remove(key string) { m.forget(func(p *place) { p.remove(key) }) }

// Clear removes all keys, and the room if nothing else keeps it.
func (m *Room) Clear() { m.forget((*place).clear) }

func (m *Room) forget(f func(*place)) {
	r := m.rooms
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.rooms[m.name]; p != nil {
		f(p)
		r.drop(p)
	}
}

// drop ends a room that nothing keeps any more, unless its actor will see to it; r is
// locked.
func (r *Rooms) drop(p *place) {
	if p.abandon() {
		delete(r.rooms, p.name)
	}
}

func (p *place) set(key, value string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	old, has := p.meta[key]
	bytes := p.metaBytes + len(value) - len(old)
	if !has {
		bytes += len(key)
	}
	o := &p.rooms.options
	switch {
	case !has && len(p.meta) >= o.MaxKeys:
		return &LimitError{Room: p.name, Option: "MaxKeys", Limit: o.MaxKeys}
	case bytes > o.MaxMetadata:
		return &LimitError{Room: p.name, Option: "MaxMetadata", Limit: o.MaxMetadata}
	}
	if p.meta == nil {
		p.meta = map[string]string{}
	}
	p.meta[key], p.metaBytes = value, bytes
	return nil
}

func (p *place) get(key string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.meta[key]
	return v, ok
}

func (p *place) metadata() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]string, len(p.meta))
	maps.Copy(all, p.meta)
	return all
}

func (p *place) remove(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.meta[key]; ok {
		delete(p.meta, key)
		p.metaBytes -= len(key) + len(v)
	}
}

func (p *place) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meta, p.metaBytes = nil, 0
}
