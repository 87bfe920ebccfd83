package actors

import (
	"strconv"
	"strings"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// table is a snapshot of all routes. It is immutable: readers use it without a
// lock, and the router puts a new one in its place.
type table struct {
	routing    Routing
	groups     []*group
	middleware []*station
	views      map[string]*view // by pattern; "" for paths that no module names
	patterns   []*pattern       // those that name segments, each once
	mixed      sync.Map         // views of paths for which several patterns stand, by their numbers
}

// group is a module with its instances.
type group struct {
	module    *Module
	path      pattern // the module's
	instances []*target
}

// of returns the instance that serves a connection.
func (g *group) of(c *Conn) *target { return g.instances[c.id%uint64(len(g.instances))] }

// view is what of a table concerns the connections of one path.
type view struct {
	table      *table
	routing    Routing
	groups     []*group
	rest       []*group // for what none of the groups wants
	middleware []*station
	match      []func(transport.Message) bool // of the groups; not used if rules is set
	rules      bool                           // some matchers belong to one connection
	plain      bool                           // every group gets everything
}

func newTable(routing Routing, groups []*group, middleware []*station) *table {
	t := &table{routing: routing, groups: groups, middleware: middleware, views: map[string]*view{}}
	paths := map[string]bool{"": true}
	for _, g := range groups {
		if path := g.path.text; !paths[path] {
			paths[path] = true
			if g.path.named {
				t.patterns = append(t.patterns, &g.path)
			}
		}
	}
	for path := range paths {
		t.views[path] = t.newView(path)
	}
	for _, g := range groups {
		for _, i := range g.instances {
			i.placed = true
		}
	}
	return t
}

func (t *table) newView(path string) *view {
	v := &view{table: t, routing: t.routing, middleware: t.middleware, plain: true}
	for _, g := range t.groups {
		switch m := g.module; {
		case !g.path.matches(path):
		case m.Unrouted:
			v.rest = append(v.rest, g)
		default:
			v.groups = append(v.groups, g)
			v.match = append(v.match, m.Match)
			v.rules = v.rules || m.Rule != nil
			v.plain = v.plain && m.Rule == nil && m.Match == nil
		}
	}
	if len(v.groups)+len(v.rest) > 1 {
		v.try()
	} else if len(v.groups) == 1 {
		for _, i := range v.groups[0].instances {
			if !i.placed { // later it is only read: views are made by many then
				i.alone = true
			}
		}
	}
	if t.routing == ToFirst && len(v.groups) > 1 || len(v.groups) == 0 {
		v.plain = false
	}
	return v
}

// try makes modules that are new, and not alone, show first that they are quick: a
// slow one would hold up the others with the thread that reads.
func (v *view) try() {
	for _, groups := range [][]*group{v.groups, v.rest} {
		for _, g := range groups {
			for _, i := range g.instances {
				if !i.placed {
					i.slow()
				}
			}
		}
	}
}

// at returns the view of a path.
func (t *table) at(path string) *view {
	if v, ok := t.views[path]; ok {
		return v
	}
	var few [64]byte
	which, only := few[:0], ""
	for i, p := range t.patterns {
		if p.matches(path) {
			which, only = append(strconv.AppendInt(which, int64(i), 36), ' '), p.text
		}
	}
	switch v, ok := t.mixed.Load(string(which)); {
	case ok:
		return v.(*view)
	case only == "":
		return t.views[""]
	}
	v, _ := t.mixed.LoadOrStore(string(which), t.newView(path))
	return v.(*view)
}

// serves reports whether a connection with this path has a receiver, or whether
// no module asks for one.
func (t *table) serves(path string) bool {
	v := t.at(path)
	return len(t.groups) == 0 || len(v.groups)+len(v.rest) > 0
}

// intern returns path as one string for all connections that are served by it.
func (t *table) intern(path string) string {
	for _, g := range t.groups {
		if g.module.Path == path {
			return g.module.Path
		}
	}
	return strings.Clone(path) // it is a part of the whole request
}

// addRoute puts a module into the table.
//
//	Client, Server → Router
type addRoute struct {
	group *group
	side  *side
	asker *actor.PID // gets the *ModuleAdded; may be nil
}

func (*addRoute) private() {}

// undelivered: the router was stopped.
func (a *addRoute) undelivered() {
	if a.asker != nil {
		a.side.tell(a.asker, &ModuleAdded{Err: ErrStopped})
	}
}

// router owns the route table of a client or a server.
type router struct{ side *side }

func (r *router) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *addRoute:
		old := r.side.routes.Load()
		groups := append(old.groups[:len(old.groups):len(old.groups)], m.group)
		r.side.routes.Store(newTable(old.routing, groups, old.middleware))
		if m.asker != nil {
			ctx.Send(m.asker, &ModuleAdded{PID: m.group.instances[0].pid})
		}
	default:
		unhandled(ctx)
	}
}

// routes returns the connection's view of the current table. Only the reader of
// the connection calls it.
func (c *Conn) routes() *view {
	if t := c.side.routes.Load(); c.view == nil || t != c.view.table {
		c.view = t.at(c.path)
	}
	return c.view
}

// dispatch takes messages of a batch to their receivers. What runs within the
// turn has run when it returns; the caller then flushes.
func (c *Conn) dispatch(batch *transport.Batch, msgs []transport.Message) {
	if c.hungUp.Load() {
		c.side.counters.discarded.Add(uint64(len(msgs)))
		return
	}
	v := c.routes()
	if len(v.middleware) > 0 {
		newParcel(c, v, batch, msgs).forward()
		return
	}
	v.route(c, batch, msgs, false)
}

// route gives each module of the view the messages that it wants. borrowed msgs are
// not the batch's own.
func (v *view) route(c *Conn, batch *transport.Batch, msgs []transport.Message, borrowed bool) {
	if len(msgs) == 0 {
		return
	}
	if !v.plain {
		v.sort(c, batch, msgs)
		return
	}
	for _, g := range v.groups {
		d := newDelivery(g.of(c), c, batch)
		if d.msgs = msgs; borrowed {
			d.picked = append(d.picked, msgs...)
			d.msgs = d.picked
		}
		d.push()
	}
}

// sort is route where messages go different ways.
func (v *view) sort(c *Conn, batch *transport.Batch, msgs []transport.Message) {
	var few [8]*delivery
	all := few[:0]
	if n := len(v.groups) + len(v.rest); n > len(few) {
		all = make([]*delivery, 0, n)
	}
	all = all[:len(v.groups)+len(v.rest)]
	v.choose(c, batch, msgs, all)
	for _, d := range all {
		if d != nil {
			d.msgs = d.picked
			d.push()
		}
	}
}

// choose fills the deliveries, one for each group.
func (v *view) choose(c *Conn, batch *transport.Batch, msgs []transport.Message, all []*delivery) {
	match := v.match
	if v.rules {
		own := c.matchersOf()
		own.mu.Lock()
		defer own.mu.Unlock()
		match = own.of(v, c)
	}
	for _, m := range msgs {
		if v.offer(c, batch, m, match, all) {
			continue
		}
		c.side.counters.unrouted.Add(1)
		for i, g := range v.rest {
			put(&all[len(v.groups)+i], g, c, batch, m)
		}
	}
}

// offer gives m to the groups that want it, and reports whether any does. A module
// that has ended wants nothing.
func (v *view) offer(c *Conn, batch *transport.Batch, m transport.Message, match []func(transport.Message) bool, all []*delivery) (wanted bool) {
	for i, g := range v.groups {
		if !c.wants(g, match[i], m) {
			continue
		}
		if t := g.of(c); t.down.Load() {
			t.bereave(c)
			continue
		}
		put(&all[i], g, c, batch, m)
		if wanted = true; v.routing == ToFirst {
			break
		}
	}
	return wanted
}

// put adds a message to a group's delivery.
func put(d **delivery, g *group, c *Conn, batch *transport.Batch, m transport.Message) {
	if *d == nil {
		*d = newDelivery(g.of(c), c, batch)
	}
	(*d).picked = append((*d).picked, m)
}
