package supervisor

import (
	"math/rand/v2"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// moduleInitialDelay is OneForOne's default for Backoff.InitialDelay: what has
// failed is code and not a network, so the first restart comes soon.
const moduleInitialDelay = 50 * time.Millisecond

// OneForOneOptions say how children are restarted. The zero value is the default.
type OneForOneOptions struct {
	// Backoff says how long a child rests between its failure and its restart. Its
	// mail waits meanwhile. InitialDelay is 50 ms by default; StableAfter counts from
	// the restart.
	Backoff Backoff
	// Intensity says how many restarts are too many; then the child is stopped and
	// GaveUp told. Default: 10 in 60 s.
	Intensity Intensity
	// Restart says when a child is restarted, unless SetRestart says otherwise for it.
	// Default Permanent.
	Restart RestartType
	// Classify says what a failure means. Default: all failures are Retry, because
	// the table of Classify is about connections.
	Classify func(error) Verdict
	// Notify is told each decision: *RestartScheduled, *GaveUp, *Ended or *Escalated,
	// in the thread of the supervising actor. It must not block. Default nil: nobody is
	// told.
	Notify func(event any)
	// Rand returns random numbers in [0, 1). Default: rand.Float64.
	Rand func() float64
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// OneForOne restarts the child that failed, and only it, after a pause. The
// supervising actor goes on meanwhile.
//
// Its state belongs to the supervising actor and is touched only in that actor's
// thread, so one OneForOne serves one actor. It depends on the Guard for being
// shown that actor's messages. Failures of a guardian's children, which no actor
// supervises, are restarted without a pause.
type OneForOne struct {
	options  OneForOneOptions
	policy   Policy
	children map[string]*child
	stopped  bool // the supervising actor stops or restarts
}

// unfailed is the history of a child that has run so far; how long does not matter:
// its first failure follows no attempt.
var unfailed = History{ReadySince: time.Unix(0, 0)}

// child is what is known of a child that has failed before, or has a restart type
// of its own.
type child struct {
	restart  RestartType
	history  History
	restarts []time.Time
	leaving  bool
	// Of the restart that is pending; nil if none is.
	due        *restartDue
	timer      *time.Timer
	supervisor actor.Supervisor
}

// restartDue says that the pause of a child is over. Each is made for one restart:
// if it is not the one that its child waits for, it has come too late.
//
//	timer → supervising actor
type restartDue struct{ child *actor.PID }

// AutoReceiveMessage makes mailboxes with a bound take it even when they are full.
func (*restartDue) AutoReceiveMessage() {}

var (
	_ actor.SupervisorStrategy = (*OneForOne)(nil)
	_ actor.AutoReceiveMessage = (*restartDue)(nil)
	_ Observer                 = (*OneForOne)(nil)
)

// NewOneForOne returns a strategy for the children of one actor.
func NewOneForOne(o OneForOneOptions) *OneForOne {
	if o.Backoff.InitialDelay == 0 {
		o.Backoff.InitialDelay = moduleInitialDelay
	}
	if o.Classify == nil {
		o.Classify = func(error) Verdict { return Verdict{} }
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &OneForOne{options: o, policy: Policy{Backoff: o.Backoff, Restart: o.Restart, Classify: o.Classify}}
}

// HandleFailure implements actor.SupervisorStrategy.
func (o *OneForOne) HandleFailure(system *actor.ActorSystem, s actor.Supervisor, pid *actor.PID, _ *actor.RestartStatistics, reason, message any) {
	c := o.child(pid)
	if o.stopped || c.leaving {
		s.StopChildren(pid)
		return
	}
	if c.due != nil {
		return // it failed again while it rests; its restart is on the way
	}
	d := o.decide(c, ToError(reason))
	announce(system, o.options.Notify, pid, d)
	switch {
	case d.Action == Stop || o.stopped || c.leaving: // perhaps by the observer
		s.StopChildren(pid)
	case d.Action == Escalate:
		s.EscalateFailure(reason, message)
	default:
		o.schedule(system, s, pid, c, d.Delay)
	}
}

// SetRestart gives one child a restart type of its own, until it has terminated.
// Only to be called in the thread of the supervising actor.
func (o *OneForOne) SetRestart(pid *actor.PID, t RestartType) { o.child(pid).restart = t }

// Progress says that a child has done part of its work since it was restarted: the
// failures before that do not count any more. A child that fails at one message in
// a hundred lives on, one that fails at each is given up. Only to be called in the
// thread of the supervising actor.
func (o *OneForOne) Progress(pid *actor.PID) {
	c := o.child(pid)
	c.history, c.restarts = unfailed, nil
}

// Leave says that the supervising actor is about to stop a child: it is not
// restarted any more, neither for a failure of before nor for a new one. Only to be
// called in the thread of that actor.
func (o *OneForOne) Leave(pid *actor.PID) {
	c := o.child(pid)
	c.leaving = true
	c.cancel()
}

// Observe implements Observer.
func (o *OneForOne) Observe(ctx actor.Context) (consumed bool) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		o.stopped = false
	case *actor.Stopping, *actor.Restarting:
		o.stopped = true
		for _, c := range o.children {
			c.cancel()
		}
		o.children = nil
	case *actor.Terminated:
		if c := o.children[m.Who.Id]; c != nil {
			c.cancel()
			delete(o.children, m.Who.Id)
		}
	case *restartDue:
		o.restart(m)
		return true
	}
	return false
}

// child returns what is known of a child.
func (o *OneForOne) child(pid *actor.PID) *child {
	c := o.children[pid.Id]
	if c == nil {
		c = &child{restart: o.options.Restart, history: unfailed}
		if o.children == nil {
			o.children = map[string]*child{}
		}
		o.children[pid.Id] = c
	}
	return c
}

// decide decides on a failure. What the policy lets pass must also pass the
// intensity.
func (o *OneForOne) decide(c *child, cause error) (d Decision) {
	now := o.options.Now()
	policy := o.policy
	policy.Restart = c.restart
	d, c.history = decideSafely(policy, c.history, cause, now, o.options.Rand())
	if d.Action != Retry {
		return d
	}
	var ok bool
	if c.restarts, ok = o.options.Intensity.Allow(c.restarts, now); !ok {
		d.Action, d.Delay, d.GaveUp = Stop, 0, true
	}
	return d
}

// schedule restarts the child after a delay.
func (o *OneForOne) schedule(system *actor.ActorSystem, s actor.Supervisor, pid *actor.PID, c *child, delay time.Duration) {
	self := selfOf(s)
	if delay <= 0 || self == nil {
		c.history = c.history.Ready(o.options.Now())
		s.RestartChildren(pid)
		return
	}
	due := &restartDue{child: pid}
	c.due, c.supervisor = due, s
	c.timer = time.AfterFunc(delay, func() { system.Root.Send(self, due) })
}

// restart carries a restart out whose time has come, if it is still wanted.
func (o *OneForOne) restart(due *restartDue) {
	c := o.children[due.child.Id]
	if o.stopped || c == nil || c.due != due {
		return
	}
	s := c.supervisor
	c.due, c.timer, c.supervisor = nil, nil, nil
	c.history = c.history.Ready(o.options.Now())
	s.RestartChildren(due.child)
}

// cancel takes a pending restart back.
func (c *child) cancel() {
	if c.timer != nil {
		c.timer.Stop()
	}
	c.due, c.timer, c.supervisor = nil, nil, nil
}
