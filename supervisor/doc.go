// Package supervisor decides what happens after a failure: whether an actor is
// restarted, when, and when to give up. It knows failures and time, and nothing
// of sockets.
//
// Decisions are pure functions: [Decide] over a [Policy], a [History], a cause, a
// clock and a random number; [Backoff.Delay]; [Intensity.Allow]; [Classify]. The
// strategies around them only carry a decision out: [Reconnect] for the one child
// whose restart is a reconnect, [OneForOne] for children that are restarted after
// a pause, [AllForEscalate] for an actor that leaves the decision to its parent,
// [Split] to give one child a strategy of its own.
//
// [Guard] belongs around every actor, because protoactor alone brings a stopping
// actor back to life when a restart reaches it, and hangs every ancestor of one
// that panics while it stops. With guarded actors the following holds, and has a
// test each:
//
//   - A stop ends. Neither a panic in Stopping or Stopped nor a failure at the same
//     moment keeps an actor or its ancestors alive.
//   - After its Stopping an actor has no further incarnation.
//   - Nothing fires after a stop: no timer, no restart, no event.
//   - One incarnation fails at most once, even if all its children fail too.
//   - A panic in a strategy, a classifier or an observer ends no process.
//
// A guard cannot help an actor whose goroutine ends by runtime.Goexit (t.FailNow
// in a handler does that): it makes it a failure like any other, but the mailbox
// must see to it that somebody still runs the actor. Protoactor's own mailboxes do
// not.
package supervisor
