package supervisor

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/ctxext"
)

// errRevived is how a guard takes the way back to life from an actor that has
// stopped: the panic ends protoactor's restart half-way. It is no failure.
var errRevived = errors.New("supervisor: a restart reached an actor that is stopping; it stops")

// SwallowedPanic is a panic that could become nobody's failure, because the actor
// is restarting or stopping, or because its strategy panicked.
type SwallowedPanic struct {
	// Actor is where it happened; nil if that is not known.
	Actor *actor.PID
	// Phase is the name of the message that was handled, such as "Stopping", or what
	// else was done.
	Phase string
	// Err is the panic. A *PanicError unless it was an error value.
	Err error
}

// safely calls f and reports its panic.
func (g *Guarded) safely(ctx actor.Context, f func()) {
	returned := false
	defer func() {
		r := recover()
		switch {
		case r != nil:
			g.report(ctx.ActorSystem(), SwallowedPanic{Actor: ctx.Self(), Phase: nameOf(ctx.Message()), Err: caught(r)})
		case !returned:
			g.report(ctx.ActorSystem(), SwallowedPanic{Actor: ctx.Self(), Phase: nameOf(ctx.Message()), Err: errGoexit})
		}
	}()
	f()
	returned = true
}

// report tells of a panic. An actor that fails on purpose, but too late, is not
// worth a report: a reader's socket is often closed under it while it stops.
func (g *Guarded) report(system *actor.ActorSystem, p SwallowedPanic) {
	if _, bug := errors.AsType[*PanicError](p.Err); !bug && p.Phase == nameOf(nil) {
		system.Logger().Debug("supervisor: failure of an actor that ends", "actor", p.Actor, "error", p.Err)
		return
	}
	if g.options.onPanic != nil {
		shielded(system, "panic handler", func() { g.options.onPanic(p) })
		return
	}
	system.Logger().Error("supervisor: panic swallowed", "actor", p.Actor, "phase", p.Phase, "error", p.Err)
}

func nameOf(message any) string {
	switch message.(type) {
	case *actor.Restarting:
		return "Restarting"
	case *actor.Stopping:
		return "Stopping"
	case *actor.Stopped:
		return "Stopped"
	case *actor.Terminated:
		return "Terminated"
	default:
		return "message"
	}
}

// attachable is an actor that wants to know its mailbox.
type attachable interface{ Attached(m Mailbox) }

// keptMailbox carries the mailbox over a restart, from one Guarded to the next: the
// mailbox itself can attach only after the new incarnation has had its Started. It
// is a context extension, because the context is all that both of them see.
type keptMailbox struct{ mailbox Mailbox }

var keptMailboxID = ctxext.NextContextExtensionID()

// ExtensionID implements ctxext.ContextExtension.
func (*keptMailbox) ExtensionID() ctxext.ContextExtensionID { return keptMailboxID }

// keepMailbox leaves the mailbox to the next incarnation, if it will ask for it.
func (g *Guarded) keepMailbox(ctx actor.Context) {
	if _, ok := g.inner.(attachable); ok && g.mailbox != nil {
		ctx.Set(&keptMailbox{mailbox: g.mailbox})
	}
}

// attached tells the actor its mailbox, before its Started.
func (g *Guarded) attached(ctx actor.Context) {
	a, ok := g.inner.(attachable)
	if !ok {
		return
	}
	if g.mailbox == nil {
		g.mailbox = inherited(ctx)
	}
	if g.mailbox != nil {
		g.safely(ctx, func() { a.Attached(g.mailbox) })
	}
}

// inherited returns what keepMailbox left, or nil.
func inherited(ctx actor.Context) (m Mailbox) {
	// Get panics if more extensions are registered than any was set in this context.
	defer func() { _ = recover() }()
	if kept, ok := ctx.Get(keptMailboxID).(*keptMailbox); ok {
		return kept.mailbox
	}
	return nil
}
