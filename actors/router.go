package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// table is a snapshot of all routes. It is immutable: readers use it without a
// lock, and the router puts a new one in its place.
type table struct {
	groups     []*group
	middleware []*station
	views      map[string]*view // by path; "" for paths that no module names
}

// group is a module with its instances.
type group struct {
	module    *Module
	instances []*target
}

// view is what of a table concerns the connections of one path.
type view struct {
	groups     []*group
	middleware []*station
}

func newTable(groups []*group, middleware []*station) *table {
	t := &table{groups: groups, middleware: middleware, views: map[string]*view{}}
	paths := map[string]bool{"": true}
	for _, g := range groups {
		paths[g.module.Path] = true
	}
	for path := range paths {
		v := &view{middleware: middleware}
		for _, g := range groups {
			if g.module.Path == "" || g.module.Path == path {
				v.groups = append(v.groups, g)
			}
		}
		t.views[path] = v
	}
	return t
}

// at returns the view of a path.
func (t *table) at(path string) *view {
	if v, ok := t.views[path]; ok {
		return v
	}
	return t.views[""]
}

// serves reports whether a connection with this path has a receiver, or whether
// no module asks for one.
func (t *table) serves(path string) bool {
	return len(t.groups) == 0 || len(t.at(path).groups) > 0
}

// addRoute puts a module into the table.
//
//	Client, Server → Router
type addRoute struct {
	group *group
	asker *actor.PID // gets the *ModuleAdded; may be nil
}

func (*addRoute) private() {}

// router owns the route table of a client or a server.
type router struct{ side *side }

func (r *router) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *addRoute:
		old := r.side.routes.Load()
		groups := append(old.groups[:len(old.groups):len(old.groups)], m.group)
		r.side.routes.Store(newTable(groups, old.middleware))
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
	if t := c.side.routes.Load(); t != c.table {
		c.table, c.view = t, t.at(c.path)
	}
	return c.view
}

// dispatch takes messages of a batch to their receivers. What runs within the
// turn has run when it returns; the caller then flushes.
func (c *Conn) dispatch(batch *transport.Batch, msgs []transport.Message) {
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
	wanted := 0
	for _, g := range v.groups {
		t := g.instances[c.id%uint64(len(g.instances))]
		d := newDelivery(t, c, batch, msgs, borrowed)
		if d == nil {
			continue
		}
		wanted = max(wanted, d.len())
		d.push()
	}
	if wanted < len(msgs) {
		c.side.counters.unrouted.Add(v.unwanted(msgs))
	}
}

// unwanted counts the messages that no module's Match takes.
func (v *view) unwanted(msgs []transport.Message) (n uint64) {
next:
	for _, m := range msgs {
		for _, g := range v.groups {
			if g.module.Match == nil || g.module.Match(m) {
				continue next
			}
		}
		n++
	}
	return n
}
