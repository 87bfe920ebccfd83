package actors

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// errLate is why a connection is refused whose guard did not answer in time.
var errLate = errors.New("no answer in time")

// hookline calls hooks one after the other, in the order in which they are
// submitted: the next begins when the one before has been answered by all, or its
// time is over. A client has one for its life, a server's connection one of its
// own. It belongs to the stable plane and is safe for concurrent use.
type hookline struct {
	side    *side
	timeout time.Duration

	mu      sync.Mutex
	queue   []*call
	current *call
	steps   [][]hooked // of current, not begun
	pending []hooked   // who has not answered in the step that runs
	met     []hooked   // whose OnConnect has passed, in order
	turn    uint64     // answers to an earlier step are late
	err     error
	timer   *time.Timer
	idle    []func()
}

// submit queues a call. It reports whether the call is over already, because
// nobody has the hook; then over is not called.
func (l *hookline) submit(c *call) (over bool) {
	l.mu.Lock()
	if l.current == nil && len(l.queue) == 0 && len(l.met) == 0 && len(l.plan(c)) == 0 {
		l.mu.Unlock()
		return true
	}
	if c.kind == hookDisconnect && l.current != nil && l.current.kind == hookConnect {
		l.steps = nil // whoever has not been asked yet need not be
	}
	l.queue = append(l.queue, c)
	l.mu.Unlock()
	l.drive()
	return false
}

// whenIdle calls f once nothing is left to do.
func (l *hookline) whenIdle(f func()) {
	l.mu.Lock()
	l.idle = append(l.idle, f)
	l.mu.Unlock()
	l.drive()
}

// plan is who is called, step by step; l is locked.
func (l *hookline) plan(c *call) (steps [][]hooked) {
	if c.kind == hookDisconnect {
		return l.farewell()
	}
	if c.only != nil {
		return add(nil, c.kind, c.only.of(c.conn))
	}
	t := l.side.routes.Load()
	if c.kind == hookStart {
		return add(nil, hookStart, append(t.receivers(nil), t.stations()...)...)
	}
	if c.kind <= hookConnect {
		for _, s := range t.middleware {
			steps = add(steps, c.kind, s)
		}
	}
	if c.kind >= hookConnect {
		steps = add(steps, c.kind, t.receivers(c.conn)...)
	}
	return steps
}

// farewell is the way back of OnDisconnect: the modules, then the middleware in
// reverse; l is locked.
func (l *hookline) farewell() (steps [][]hooked) {
	var modules []hooked
	for _, h := range slices.Backward(l.met) {
		if _, ok := h.(*station); ok {
			steps = add(steps, hookDisconnect, h)
			continue
		}
		modules = append(modules, h)
	}
	slices.Reverse(modules)
	if modules := add(nil, hookDisconnect, modules...); modules != nil {
		steps = append(modules, steps...)
	}
	return steps
}

// add makes a step of those who have the hook. OnConnect passes also those who
// only want to be told of the end.
func add(steps [][]hooked, k hookKind, who ...hooked) [][]hooked {
	var step []hooked
	for _, h := range who {
		if h.set().has(k) || k == hookConnect && h.set().has(hookDisconnect) {
			step = append(step, h)
		}
	}
	if len(step) == 0 {
		return steps
	}
	return append(steps, step)
}

func (t *table) stations() (all []hooked) {
	for _, s := range t.middleware {
		all = append(all, s)
	}
	return all
}

// receivers are the module actors that a connection has to do with; without one,
// all of them.
func (t *table) receivers(c *Conn) (all []hooked) {
	groups := t.groups
	if c != nil {
		v := t.at(c.path)
		groups = append(v.groups[:len(v.groups):len(v.groups)], v.rest...)
	}
	for _, g := range groups {
		if c != nil {
			all = append(all, g.of(c))
			continue
		}
		for _, i := range g.instances {
			all = append(all, i)
		}
	}
	return all
}

// drive goes on until an answer must be waited for.
func (l *hookline) drive() {
	for {
		l.mu.Lock()
		switch {
		case l.current == nil && len(l.queue) == 0:
			idle := l.idle
			l.idle = nil
			l.mu.Unlock()
			for _, f := range idle {
				f()
			}
			return
		case l.current == nil:
			l.begin()
		case l.current.waiting || len(l.pending) > 0:
			l.mu.Unlock()
			return
		case len(l.steps) > 0 && (l.err == nil || l.current.kind != hookConnect && l.current.kind != hookAttempt):
			l.step()
		default:
			l.finish()
		}
	}
}

// begin takes the next call; l is locked, and unlocked when it returns. OnDisconnect
// comes behind the last message, which middleware may still have.
func (l *hookline) begin() {
	c := l.queue[0]
	l.queue = l.queue[1:]
	l.current, l.err = c, nil
	if c.kind != hookDisconnect || c.conn == nil {
		l.steps = l.plan(c)
		l.mu.Unlock()
		return
	}
	c.waiting = true
	l.await()
	l.mu.Unlock()
	c.conn.whenArrived(func() { l.arrived(c) })
}

// arrived goes on with an OnDisconnect.
func (l *hookline) arrived(c *call) {
	l.mu.Lock()
	if l.current == c && c.waiting {
		l.pass(c)
	}
	l.mu.Unlock()
	l.drive()
}

// pass ends the wait for what is under way; l is locked.
func (l *hookline) pass(c *call) {
	c.waiting = false
	l.steps, l.met = l.plan(c), nil
}

// await starts the time of a step; l is locked.
func (l *hookline) await() {
	l.turn++
	turn := l.turn
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(l.timeout, func() { l.late(turn) })
}

// step calls the hook in those of the next step; l is locked, and unlocked when it
// returns.
func (l *hookline) step() {
	c := l.current
	var ask []hooked
	for _, h := range l.steps[0] {
		if h.set().has(c.kind) {
			ask = append(ask, h)
		} else if c.kind == hookConnect {
			l.met = append(l.met, h) // it has no OnConnect, and passes
		}
	}
	l.steps = l.steps[1:]
	l.pending = append([]hooked(nil), ask...)
	l.await()
	turn := l.turn
	l.mu.Unlock()
	for _, h := range ask {
		h.post(&hooking{call: c, line: l, turn: turn, who: h})
	}
}

// finish ends the call; l is locked, and unlocked when it returns. An OnConnect that
// was refused is undone in those who had it.
func (l *hookline) finish() {
	c, err := l.current, l.err
	l.current, l.steps = nil, nil
	if l.timer != nil {
		l.timer.Stop()
	}
	if err != nil && c.kind == hookConnect && c.only == nil {
		l.queue = append([]*call{{kind: hookDisconnect, conn: c.conn, cause: err}}, l.queue...)
	}
	l.mu.Unlock()
	if c.over != nil {
		c.over(err)
	}
}

// answer notes that somebody has done with a hook.
func (l *hookline) answer(h *hooking, err error) {
	l.mu.Lock()
	i := slices.Index(l.pending, h.who)
	if l.turn != h.turn || i < 0 {
		l.mu.Unlock()
		return // late
	}
	l.pending = slices.Delete(l.pending, i, i+1)
	switch {
	case err != nil:
		l.fail(h.who, err)
	case h.call.kind == hookConnect:
		l.met = append(l.met, h.who)
	}
	l.mu.Unlock()
	l.drive()
}

// fail notes the first error of a call; l is locked.
func (l *hookline) fail(who hooked, err error) {
	if l.err == nil {
		l.err = &HookError{Hook: l.current.kind.String(), Of: who.title(), Err: err}
	}
}

// late passes over those who have not answered in time.
func (l *hookline) late(turn uint64) {
	l.mu.Lock()
	if l.turn != turn || l.current == nil {
		l.mu.Unlock()
		return
	}
	c, pending := l.current, l.pending
	l.pending = nil
	l.turn++
	if c.waiting {
		l.pass(c)
	}
	for _, h := range pending {
		if (&hooking{call: c, who: h}).silence() != nil {
			l.fail(h, errLate)
		}
		if c.kind == hookConnect {
			l.met = append(l.met, h) // it will have had it
		}
	}
	l.mu.Unlock()
	for _, h := range pending {
		l.side.logger.Warn("actors: hook not answered in time", "hook", c.kind.String(), "of", h.title(), "timeout", l.timeout)
	}
	l.drive()
}
