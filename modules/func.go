package modules

import (
	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Func returns a module of one function, which gets all messages, or those that
// WithRule says, one at a time. The payload is valid until it returns.
//
// An error that it returns is about that message: it is counted and told to
// WithErrors, and the module goes on. A panic restarts the module, behind that
// message. What f captures is not made anew by a restart; Define is for that.
func Func(name string, f func(*Ctx, transport.Message) error, options ...Option) actors.Module {
	s := newSettings(name, options)
	m := actors.Module{Name: name, Rule: s.rule}
	if f != nil { // else actors says what is missing
		m.New = func() actors.Handler {
			h := newHandler(s)
			h.serve = func(c *Ctx) error { return f(c, c.message) }
			return h
		}
	}
	return s.finish(m)
}
