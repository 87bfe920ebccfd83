package actors

import (
	"context"
	"fmt"
	"sync"

	"github.com/hawser-go/hawser/transport"
)

// openingLimit is how much from the peer waits for the set-up, or for the hooks of a
// server's connection: payload, and messageCost for each message. With more the
// socket is not read until some is taken.
const openingLimit = 256 << 10

// SetupStep is done on every new connection before it is ready: authenticating,
// subscribing. Steps run in order. An error fails the attempt; whether another
// follows is decided as for any failure, so a step that knows better returns an
// error with its own verdict. A panic counts as an error.
type SetupStep func(ctx context.Context, o *Setup) error

// SetupError says which part of the set-up failed.
type SetupError struct {
	// Step is the number of the set-up step, from 1; 0 for Authenticate and for
	// Resubscribe.
	Step int
	// Stage is "authenticate", "set-up step" or "resubscribe".
	Stage string
	Err   error
}

func (e *SetupError) Error() string {
	if e.Step > 0 {
		return fmt.Sprintf("actors: set-up step %d: %v", e.Step, e.Err)
	}
	return fmt.Sprintf("actors: %s: %v", e.Stage, e.Err)
}

// Unwrap returns the cause.
func (e *SetupError) Unwrap() error { return e.Err }

// Setup is a connection on which the set-up steps run. What it sends goes out
// ahead of the messages that wait in the outbox; what it receives no module sees.
type Setup struct {
	conn    *Conn
	attempt Attempt
	session *session // nil on a server

	mu     sync.Mutex
	queue  []held
	waits  int // what waits in it, see openingLimit
	paused bool
	over   bool
	some   chan struct{} // has a token when the queue is not empty
}

// held is a batch that waits, from its n-th message on.
type held struct {
	batch *transport.Batch
	n     int
}

// opened: the set-up has ended. Set-up goroutine → Connection
type opened struct {
	epoch uint64
	err   error
}

// openingOver: messages go to the modules from now on. Connection → Reader
type openingOver struct {
	// then is for the connection, behind what came during the set-up; may be nil.
	then any
}

func (*opened) private()      {}
func (*openingOver) private() {}

func newSetup(c *Conn) *Setup { return &Setup{conn: c, some: make(chan struct{}, 1)} }

// Conn returns the connection that is being set up.
func (o *Setup) Conn() *Conn { return o.conn }

// Attempt returns the attempt that made the connection: its Cause says how the one
// before ended, and Refused that it is time for fresh credentials.
func (o *Setup) Attempt() Attempt { return o.attempt }

// Identify says as whom the connection is authenticated: any string that differs
// when the rights differ, and is no secret. When it differs from that of the
// connection before, messages that wait and are Bound to it are dropped as
// Superseded.
func (o *Setup) Identify(identity string) {
	if o.session != nil {
		o.session.identify(identity)
	}
}

// Send accepts a message for the peer, ahead of everything that waits. If the
// connection is lost before it leaves it is dropped as Superseded: the next
// connection runs the steps anew.
func (o *Setup) Send(kind transport.Kind, payload []byte) (uint64, error) {
	if kind == transport.Text && !transport.ValidUTF8(payload) {
		return 0, ErrInvalidUTF8
	}
	id, err := o.conn.out.add(kind, payload, o.conn.epoch)
	if err == nil {
		o.conn.wake()
	}
	return id, err
}

// Receive returns the next message from the peer. The payload is the caller's.
func (o *Setup) Receive(ctx context.Context) (transport.Message, error) {
	for {
		if m, ok := o.next(); ok {
			return m, nil
		}
		select {
		case <-o.some:
		case <-ctx.Done():
			return transport.Message{}, ctx.Err()
		}
	}
}

func (o *Setup) next() (m transport.Message, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return m, false
	}
	h := &o.queue[0]
	m = h.batch.Messages[h.n]
	o.waits -= len(m.Payload) + messageCost
	m.Payload = append([]byte(nil), m.Payload...)
	if h.n++; h.n == len(h.batch.Messages) {
		h.batch.Release()
		o.queue = o.queue[1:]
	}
	if o.paused && o.waits < openingLimit/2 {
		o.paused = false
		o.conn.resume()
	}
	return m, true
}

// take keeps a batch for the steps. It reports false once they are over.
func (o *Setup) take(batch *transport.Batch) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return false
	}
	batch.Retain()
	o.queue = append(o.queue, held{batch: batch})
	if o.waits += int(cost(batch.Messages)); o.waits >= openingLimit && !o.paused {
		o.paused = true
		o.conn.pause()
	}
	select {
	case o.some <- struct{}{}:
	default:
	}
	return true
}

// end gives back what no step has taken.
func (o *Setup) end() []held {
	o.mu.Lock()
	defer o.mu.Unlock()
	rest := o.queue
	o.queue, o.over = nil, true
	if o.paused {
		o.paused = false
		o.conn.resume()
	}
	return rest
}

// discard gives back what no step will take any more.
func (o *Setup) discard() {
	if o == nil {
		return
	}
	for _, h := range o.end() {
		o.conn.side.counters.discarded.Add(uint64(len(h.batch.Messages) - h.n))
		h.batch.Release()
	}
}

// goOn hands the modules what came during the set-up and was not part of it. The
// reader does it, so that nothing newer overtakes it.
func (c *Conn) goOn(m *openingOver) {
	if o := c.opening.Swap(nil); o != nil {
		for _, h := range o.end() {
			c.dispatch(h.batch, h.batch.Messages[h.n:])
			h.batch.Release()
		}
		c.flush()
	}
	if m.then != nil {
		c.connection.PostUserMessage(m.then)
	}
}

// setUp authenticates, runs the steps, and asks for what is wanted, in this order.
// It is called on a goroutine of its own.
func (s *session) setUp(ctx context.Context, o *Setup) (err error) {
	at := SetupError{Stage: "authenticate"}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if err != nil {
			at.Err = err
			err = &at
		}
	}()
	if f := s.options.Authenticate; f != nil {
		if err := f(ctx, o); err != nil {
			return err
		}
	}
	at.Stage = "set-up step"
	for i, f := range s.options.Setup {
		at.Step = i + 1
		if err := f(ctx, o); err != nil {
			return err
		}
	}
	at.Step, at.Stage = 0, "resubscribe"
	resubscribe := s.options.Resubscribe
	if resubscribe == nil {
		resubscribe = ask
	}
	if err := resubscribe(ctx, o, s.wants.begin()); err != nil {
		return err
	}
	return s.wants.done(o.conn.epoch)
}
