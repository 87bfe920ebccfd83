package actors

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
)

const (
	// mailboxLimit is how many user messages wait for one actor. What comes
	// behind them becomes a dead letter.
	mailboxLimit = 1 << 16
	// turnLimit is how many messages an actor handles before others have a turn.
	turnLimit = 64
)

// private marks the messages that our actors send each other. They are few by
// construction and never dropped for want of room.
type private interface{ private() }

// undelivered is what a message can do when the actor it was meant for is gone:
// give back what it holds, and see to it that it has an outcome.
type undelivered interface{ undelivered() }

// mailbox is the queue of one actor: it holds no memory while nothing waits, system
// messages come first, the number of user messages is bounded, and nobody spins. It
// also runs an idle actor on the caller's thread (deliver), which is what makes a
// turn.
//
// It is safe from the moment that it exists: messages that come before
// RegisterHandlers wait for it.
type mailbox struct {
	mu         sync.Mutex
	invoker    actor.MessageInvoker
	dispatcher *dispatcher
	mail       *mail // what waits; nil while nothing does
	running    bool
	suspended  bool
	closed     bool
	started    bool
	once       bool // the actor has one incarnation: a Restart ends it
	moves      bool // what is left is to be handled on another thread
	eager      bool // an end of a child is handled on the thread that tells of it, if the actor is idle
}

var (
	_ actor.Mailbox      = (*mailbox)(nil)
	_ supervisor.Mailbox = (*mailbox)(nil)
)

func newMailbox(d *dispatcher) *mailbox { return &mailbox{dispatcher: d} }

// PostUserMessage implements actor.Mailbox.
func (m *mailbox) PostUserMessage(msg any) {
	m.mu.Lock()
	if m.closed || m.mail.users() >= mailboxLimit && !exempt(msg) {
		m.mu.Unlock()
		m.refuse(msg)
		return
	}
	m.waiting().push(msg)
	m.schedule()
}

// PostSystemMessage implements actor.Mailbox.
func (m *mailbox) PostSystemMessage(msg any) {
	if _, ok := msg.(*actor.Terminated); ok && m.eager && m.take() {
		m.runWith(msg, true)
		return
	}
	m.mu.Lock()
	m.waiting().pushSystem(msg)
	m.schedule()
}

// postOrdered queues a private message in the lane of the system messages, so
// that it keeps its place among the failures and terminations that the same
// sender causes. Only for receivers that are never suspended.
func (m *mailbox) postOrdered(msg private) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		m.refuse(msg)
		return
	}
	m.waiting().pushSystem(msg)
	m.schedule()
}

// deliver hands msg to the actor, at once and on this thread if the actor is
// idle, else in its turn.
func (m *mailbox) deliver(msg any) {
	if !m.tryRun(msg) {
		m.PostUserMessage(msg)
	}
}

// tryRun makes the actor handle msg on this thread, if it is idle. It returns
// false, and has done nothing, if it is not.
func (m *mailbox) tryRun(msg any) bool {
	if !m.take() {
		return false
	}
	m.runWith(msg, false)
	return true
}

// take makes the caller the one who runs the actor, if it is idle.
func (m *mailbox) take() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running || m.suspended || m.closed || !m.started || m.mail != nil {
		return false
	}
	m.running = true
	return true
}

// runWith makes the actor, which the caller has taken, handle msg and then what has
// come meanwhile.
func (m *mailbox) runWith(msg any, system bool) {
	returned := false
	defer func() {
		if !returned { // the handler ended its goroutine: somebody else must go on
			m.dispatcher.push(m)
		}
	}()
	if system {
		m.invokeSystem(msg)
	} else {
		m.invokeUser(msg)
	}
	m.turn()
	returned = true
}

// moveOver makes the actor, which is at work, go on with its next message on another
// thread than this one.
func (m *mailbox) moveOver() {
	m.mu.Lock()
	m.moves = true
	m.mu.Unlock()
}

// waiting is what waits, made if nothing does. The caller holds mu, and adds to it.
func (m *mailbox) waiting() *mail {
	if m.mail == nil {
		m.mail = mails.Get().(*mail)
	}
	return m.mail
}

// tidy gives the memory back when nothing waits any more. The caller holds mu.
func (m *mailbox) tidy() {
	if m.mail.empty() {
		m.mail.recycle()
		m.mail = nil
	}
}

// evict takes the oldest message that matches out of the queue, or returns nil.
func (m *mailbox) evict(match func(any) bool) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mail == nil {
		return nil
	}
	msg := m.mail.evict(match)
	m.tidy()
	return msg
}

// reopen makes the mailbox of an actor that has stopped that of the next one, which is
// spawned behind it. It reports false, and has done nothing, while the turn in which
// the actor stopped is not over.
func (m *mailbox) reopen() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running {
		return false
	}
	m.closed, m.suspended, m.started = false, false, false
	return true
}

// RegisterHandlers implements actor.Mailbox.
func (m *mailbox) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	m.mu.Lock()
	m.invoker = invoker
	m.mu.Unlock()
	m.attach()
}

// Start implements actor.Mailbox.
func (m *mailbox) Start() {
	m.mu.Lock()
	m.started = true
	m.schedule()
}

// busy reports whether the actor is at work.
func (m *mailbox) busy() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running
}

// UserMessageCount implements actor.Mailbox.
func (m *mailbox) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mail.users()
}

// Stopped implements supervisor.Mailbox: the actor is gone for good, and what
// still waits for it gets an outcome.
func (m *mailbox) Stopped(actor.Context) {
	m.mu.Lock()
	m.closed = true
	rest := make([]any, 0, m.mail.users())
	for m.mail.users() > 0 {
		rest = append(rest, m.mail.pop())
	}
	if m.mail != nil {
		m.tidy()
	}
	m.mu.Unlock()
	for _, msg := range rest {
		m.refuse(msg)
	}
}

// attach makes the guard around the actor know its mailbox. A restart makes a
// new guard, so it is done again after every system message.
func (m *mailbox) attach() {
	if c, ok := m.invoker.(actor.Context); ok {
		if g, ok := c.Actor().(*supervisor.Guarded); ok {
			g.Attach(m)
		}
	}
}

// refuse gives a message that nobody will receive its outcome.
func (m *mailbox) refuse(msg any) {
	if u, ok := msg.(undelivered); ok {
		u.undelivered()
		return
	}
	if _, ok := msg.(private); ok {
		return
	}
	switch c := m.invoker.(type) {
	case actor.Context:
		deadLetter(c.ActorSystem(), c.Self(), msg)
	case receiver:
		l := c.home()
		deadLetter(l.conn.side.system, l.who(), msg)
	}
}

// schedule unlocks m and sees to it that somebody runs the actor.
func (m *mailbox) schedule() {
	if m.running || !m.started || m.mail == nil || m.suspended && m.mail.systems() == 0 {
		m.mu.Unlock()
		return
	}
	m.running = true
	m.mu.Unlock()
	m.dispatcher.push(m)
}

// run handles what is queued, for at most a turn. The caller has set running.
func (m *mailbox) run() {
	returned := false
	defer func() {
		if !returned { // the handler ended its goroutine: somebody else must go on
			m.dispatcher.push(m)
		}
	}()
	m.turn()
	returned = true
}

// turn is run without its care for handlers that end their goroutine.
func (m *mailbox) turn() {
	for i := 0; ; i++ {
		m.mu.Lock()
		switch {
		case m.moves:
			m.moves = false
			m.mu.Unlock()
			m.dispatcher.push(m)
			return
		case m.mail == nil || m.suspended && m.mail.systems() == 0:
			m.running = false
			m.mu.Unlock()
			return
		case m.mail.systems() > 0:
			msg := m.mail.popSystem()
			m.tidy()
			m.mu.Unlock()
			m.invokeSystem(msg)
		case i >= turnLimit:
			m.mu.Unlock()
			m.dispatcher.push(m)
			return
		default:
			msg := m.mail.pop()
			m.tidy()
			m.mu.Unlock()
			m.invokeUser(msg)
		}
	}
}

func (m *mailbox) invokeSystem(msg any) {
	switch msg.(type) {
	case *actor.SuspendMailbox:
		m.setSuspended(true)
		return
	case *actor.ResumeMailbox:
		m.setSuspended(false)
		return
	case private:
		m.invokeUser(msg)
		return
	case *actor.Restart:
		if m.once {
			msg = &actor.Stop{}
		}
	}
	defer m.attach()
	defer m.escalate(msg)
	m.invoker.InvokeSystemMessage(msg)
}

func (m *mailbox) invokeUser(msg any) {
	defer m.escalate(msg)
	m.invoker.InvokeUserMessage(msg)
}

// escalate makes a panic the failure of the actor. It is called deferred.
func (m *mailbox) escalate(msg any) {
	if r := recover(); r != nil {
		m.invoker.EscalateFailure(r, msg)
	}
}

func (m *mailbox) setSuspended(on bool) {
	m.mu.Lock()
	m.suspended = on
	m.mu.Unlock()
}

// exempt reports whether a message is taken even by a full mailbox: our own, and
// those by which protoactor steers an actor.
func exempt(msg any) bool {
	switch msg.(type) {
	case private, actor.AutoReceiveMessage, *actor.ReceiveTimeout:
		return true
	}
	return false
}
