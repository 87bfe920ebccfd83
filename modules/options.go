package modules

import (
	"github.com/hawser-go/hawser/actors"
)

// Option changes a module made by Func or Define.
type Option func(*settings)

// settings are what the options of a module come to.
type settings struct {
	codecs   Codecs
	counters *Counters
	faults   *faults
	rule     actors.Rule
	change   []func(*actors.Module)
}

func newSettings(name string, options []Option) *settings {
	s := &settings{counters: new(Counters), faults: &faults{module: name}}
	for _, set := range options {
		set(s)
	}
	return s
}

// finish makes the module what the options say.
func (s *settings) finish(m actors.Module) actors.Module {
	for _, f := range s.change {
		f(&m)
	}
	return m
}

// WithCodecs says which codec the connections speak, by subprotocol. Default: all
// speak JSON{}.
func WithCodecs(c Codecs) Option { return func(s *settings) { s.codecs = c } }

// WithCodec makes all connections speak c, whatever their subprotocol.
func WithCodec(c Codec) Option { return func(s *settings) { s.codecs = Codecs{"": c} } }

// WithRule gives the module the messages that the rule wants. Default: of Define
// those whose type has a route, of Func all.
func WithRule(r actors.Rule) Option { return func(s *settings) { s.rule = r } }

// WithCounters makes the module count in c. nil: nobody sees the counters.
func WithCounters(c *Counters) Option {
	return func(s *settings) {
		if c != nil {
			s.counters = c
		}
	}
}

// WithErrors names the function that is told what went wrong with a message: a
// *CodecError, an *UnknownTypeError, or what the handler returned. It is called in
// the module's turn, so a panic in it restarts the module. Default nil: a sample of
// the errors is logged to the actor system's logger.
func WithErrors(f func(*Ctx, error)) Option { return func(s *settings) { s.faults.hear = f } }

// With changes the actors.Module itself, at last: its queue, its overflow policy,
// its path.
//
//	modules.With(func(m *actors.Module) { m.Overflow = actors.DropOldest })
func With(f func(*actors.Module)) Option {
	return func(s *settings) {
		if f != nil {
			s.change = append(s.change, f)
		}
	}
}
