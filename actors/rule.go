package actors

import (
	"sync"

	"github.com/hawser-go/hawser/transport"
)

// ConnInfo is what a rule may want to know of a connection. A *Conn has it.
type ConnInfo interface {
	// ID, Epoch, Path, Subprotocol and Metadata are those of Conn.
	ID() uint64
	Epoch() uint64
	Path() string
	Subprotocol() string
	Metadata() any
}

var _ ConnInfo = (*Conn)(nil)

// Rule says which messages a module wants, and may remember what came before:
// package modules/rules has them ready-made.
type Rule interface {
	// Matcher returns the judgement of one connection. It is asked for when the first
	// message of a connection comes, so what a matcher remembers is forgotten with
	// the incarnation. The matcher is called once for each message, in order, by one
	// goroutine at a time; it must not keep the payload. If it panics the message is
	// counted as failed and does not go to the module.
	Matcher(c ConnInfo) func(transport.Message) bool
}

// Routing says to how many modules a message goes.
type Routing uint8

// The ways to route.
const (
	// ToAll: every module that wants a message gets it.
	ToAll Routing = iota
	// ToFirst: the first one that wants it, in the order in which they were declared;
	// the rules of the others do not see it.
	ToFirst
)

// matchers are the matchers of one connection whose rules remember something, for
// the groups of the view that they were made for.
type matchers struct {
	mu   sync.Mutex // a route behind middleware may be run by several threads in turn
	view *view
	made map[*group]func(transport.Message) bool
	list []func(transport.Message) bool
}

// of returns the matchers for v in the order of its groups; m is locked.
func (m *matchers) of(v *view, c *Conn) []func(transport.Message) bool {
	if m.view == v {
		return m.list
	}
	list := make([]func(transport.Message) bool, len(v.groups))
	for i, g := range v.groups {
		if g.module.Rule == nil {
			list[i] = g.module.Match
			continue
		}
		if m.made == nil {
			m.made = map[*group]func(transport.Message) bool{}
		}
		if _, ok := m.made[g]; !ok {
			m.made[g] = c.matcher(g)
		}
		list[i] = m.made[g]
	}
	m.view, m.list = v, list
	return list
}

// matcher makes a group's matcher for c. A rule that cannot make one matches
// nothing.
func (c *Conn) matcher(g *group) (match func(transport.Message) bool) {
	defer func() {
		if r := recover(); r != nil {
			c.side.logger.Error("actors: rule panicked", "module", g.module.Name, "panic", r)
		}
		if match == nil {
			match = func(transport.Message) bool { return false }
		}
	}()
	return g.module.Rule.Matcher(c)
}

// wants asks a matcher, of which nil takes everything.
func (c *Conn) wants(g *group, match func(transport.Message) bool, m transport.Message) (yes bool) {
	if match == nil {
		return true
	}
	defer func() {
		if r := recover(); r != nil {
			c.side.counters.failed.Add(1)
			c.side.logger.Error("actors: rule panicked", "module", g.module.Name, "panic", r)
			yes = false
		}
	}()
	return match(m)
}
