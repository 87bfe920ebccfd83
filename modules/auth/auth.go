package auth

import (
	"fmt"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Options says what the middleware checks, and what it does.
type Options struct {
	// Name is the name of the middleware. Default "auth".
	Name string
	// Inbound decides on what the peer sends, Outbound on what it is sent: a broadcast
	// may not be for everybody who is in the room. Default nil: not asked. One of both
	// must be set.
	Inbound, Outbound Policy
	// Close ends the connection with 1008 when an inbound message is refused. Default
	// false: the message is rejected, and the connection stays.
	Close bool
	// Answer makes the message that tells the peer that one of its own was refused.
	// Default nil, and with Close: it is told nothing else.
	Answer func(c *actors.Conn, refused transport.Message, err error) (transport.Message, bool)
}

// New returns a middleware that lets pass what the policies allow. It is inline and
// fails closed: what a policy panics at is rejected. An error is an
// *actors.OptionError.
func New(o Options) (actors.Middleware, error) {
	if o.Inbound == nil && o.Outbound == nil {
		return actors.Middleware{}, &actors.OptionError{Option: "auth.Options.Inbound", Problem: "is nil, and so is Outbound; set one, or nothing is checked"}
	}
	if o.Close && o.Answer != nil {
		return actors.Middleware{}, &actors.OptionError{Option: "auth.Options.Answer", Problem: "is set beside Close; a connection that is closed gets no answer"}
	}
	if o.Name == "" {
		o.Name = "auth"
	}
	g := &gate{o}
	return actors.Middleware{Name: o.Name, Inline: true, New: func() actors.Interceptor { return g }}, nil
}

// gate is the Interceptor.
type gate struct{ options Options }

// OnReceive implements actors.Interceptor.
func (g *gate) OnReceive(c *actors.Conn, m transport.Message) actors.Verdict {
	err := ask(g.options.Inbound, c, m)
	switch {
	case err == nil:
		return actors.Pass()
	case g.options.Close:
		return actors.CloseConn(transport.PolicyViolation, "not permitted")
	case g.options.Answer != nil:
		if answer, ok := g.options.Answer(c, m, err); ok {
			return actors.Reply(answer)
		}
	}
	return actors.Reject(err)
}

// OnSend implements actors.Interceptor.
func (g *gate) OnSend(c *actors.Conn, m transport.Message) actors.Verdict {
	if err := ask(g.options.Outbound, c, m); err != nil {
		return actors.Reject(err)
	}
	return actors.Pass()
}

// ask asks a policy. No policy allows everything, and a panic nothing.
func ask(p Policy, c *actors.Conn, m transport.Message) (err error) {
	if p == nil {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the policy panicked: %v", ErrDenied, r)
		}
	}()
	return p(c.Principal(), c, m)
}
