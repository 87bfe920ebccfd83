package modules

import (
	"reflect"
	"sync/atomic"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Routes are what a module does: what it does with messages of which type, and at
// which moments of its life. It is filled in by the function given to Define, and
// must not be kept.
type Routes struct {
	byType map[string]func(*Ctx) error
	hooks  hooks
}

// Define returns a module of typed routes. define is called at each start and
// restart of the module, in its actor: what it declares is the module's state, made
// anew after a panic.
//
//	modules.Define("prices", func(r *modules.Routes) {
//		last := map[string]float64{}
//		modules.On(r, "price", func(c *modules.Ctx, p Price) error {
//			last[p.Symbol] = p.Bid
//			return nil
//		})
//	})
//
// The module gets the messages whose type has a route, unless WithRule says
// otherwise. With several instances define is called for each.
func Define(name string, define func(*Routes), options ...Option) actors.Module {
	s := newSettings(name, options)
	wanted := &wanted{codecs: s.codecs}
	m := actors.Module{Name: name, Rule: s.rule}
	if m.Rule == nil {
		m.Rule = wanted
	}
	if define != nil { // else actors says what is missing
		m.New = func() actors.Handler {
			r := &Routes{byType: map[string]func(*Ctx) error{}}
			define(r)
			wanted.types.Store(&r.byType)
			h := newHandler(s)
			h.hooks, h.serve = r.hooks, r.serve
			return h.form()
		}
	}
	return s.finish(m)
}

// On routes messages of a type to f, with their content decoded into a T by the
// codec of the connection. f may keep the value. A type has one route; a second
// one, an empty type or a nil f is a *RouteError, and the module does not come up.
func On[T any](r *Routes, typ string, f func(*Ctx, T) error) {
	switch {
	case f == nil:
		panic(&RouteError{Type: typ, Problem: "has no function"})
	case typ == "":
		panic(&RouteError{Problem: "has no type; a module for messages without one is made with Func"})
	case r.byType[typ] != nil:
		panic(&RouteError{Type: typ, Problem: "is declared twice; do both in one function, or make two modules"})
	}
	s := shapeOf(reflect.TypeFor[T]())
	var kept *T // JSON decodes into it again and again, if nothing can keep a pointer to it
	if s != nil && s.scalar {
		kept = new(T)
	}
	r.byType[typ] = func(c *Ctx) error {
		into := kept
		if into == nil || !c.isJSON {
			into = new(T)
		}
		err := c.decode(into, s)
		var none T
		v := *into
		*into = none
		if err != nil {
			return asUndecoded(err)
		}
		return f(c, v)
	}
}

// serve finds the route of a message.
func (r *Routes) serve(c *Ctx) error {
	h, err := peek(c.codec, c.message, TypePart)
	if err != nil {
		return asUndecoded(err)
	}
	c.header, c.read = h, TypePart
	route := r.byType[string(h.Type)]
	if route == nil {
		return &UnknownTypeError{Type: string(h.Type)}
	}
	return route(c)
}

// wanted is the rule of a module by its routes. It belongs to the stable plane.
type wanted struct {
	codecs Codecs
	types  atomic.Pointer[map[string]func(*Ctx) error] // of the latest start; nil before the first
}

// Matcher implements actors.Rule. A message of which the codec panics goes to the
// module, where that is counted.
func (w *wanted) Matcher(conn actors.ConnInfo) func(transport.Message) bool {
	codec := w.codecs.Of(conn.Subprotocol())
	return func(m transport.Message) bool {
		types := w.types.Load()
		if types == nil {
			return true
		}
		h, err := peek(codec, m, TypePart)
		if err != nil {
			return panicked(err)
		}
		_, ok := (*types)[string(h.Type)]
		return ok
	}
}

// panicked reports whether an error of a codec was a panic.
func panicked(err error) bool {
	e, ok := err.(*CodecError) //nolint:errorlint // made by peek itself
	if !ok {
		return false
	}
	_, ok = e.Err.(*PanicError) //nolint:errorlint // made by peek itself
	return ok
}
