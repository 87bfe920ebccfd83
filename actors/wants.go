package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hawser-go/hawser/transport"
)

// Subscription is what a client wants of its server for as long as it lives.
type Subscription struct {
	// Key names it; there is one of each key.
	Key string
	// Message asks the server for it.
	Message transport.Message
}

// wants are the subscriptions of a client. They belong to the stable plane: each
// connection asks for all of them once, and for what is added while it is up.
type wants struct {
	out *outbox

	mu    sync.Mutex
	list  []Subscription // in the order in which they were first wanted
	bytes int
	epoch uint64 // of the connection that has asked; 0: none has
	// While a Resubscribe runs, what changes waits here until it is over.
	asking  bool
	changes []transport.Message
}

// want adds or replaces a subscription, and asks for it if the connection is up.
// One that is there already is not asked for again.
func (w *wants) want(s Subscription) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := w.find(s.Key)
	if i >= 0 && same(w.list[i].Message, s.Message) {
		return nil
	}
	bytes := w.bytes + len(s.Message.Payload)
	if i >= 0 {
		bytes -= len(w.list[i].Message.Payload)
	}
	if bytes > setupLimit {
		return fmt.Errorf("%w: the subscriptions together are larger than %d bytes", ErrOutboxFull, setupLimit)
	}
	if err := w.say(s.Message); err != nil {
		return err
	}
	w.bytes = bytes
	if i >= 0 {
		w.list[i] = s
	} else {
		w.list = append(w.list, s)
	}
	return nil
}

// unwant takes a subscription back, and says goodbye if the connection is up.
func (w *wants) unwant(key string, goodbye []transport.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := w.find(key)
	if i < 0 {
		return nil
	}
	w.bytes -= len(w.list[i].Message.Payload)
	w.list = slices.Delete(w.list, i, i+1)
	for _, m := range goodbye {
		if err := w.say(m); err != nil {
			return err
		}
	}
	return nil
}

// say sends m on the connection that has asked for the subscriptions, if there is
// one; w is locked. It goes by the set-up lane, so that it cannot be sent again on
// the next connection.
func (w *wants) say(m transport.Message) error {
	if err := sendable(m); err != nil {
		return err
	}
	switch {
	case w.asking:
		w.changes = append(w.changes, m)
		return nil
	case w.epoch == 0:
		return nil
	}
	if _, err := w.out.add(m.Kind, m.Payload, w.epoch); err != nil && !errors.Is(err, ErrStopped) {
		return err // without a connection, the next one asks
	}
	return nil
}

// sendable reports what is wrong with a message.
func sendable(m transport.Message) error {
	switch {
	case m.Kind != transport.Text && m.Kind != transport.Binary:
		return ErrInvalidKind
	case m.Kind == transport.Text && !transport.ValidUTF8(m.Payload):
		return ErrInvalidUTF8
	}
	return nil
}

// open notes that a connection has asked for all there is, if that is nothing.
func (w *wants) open(epoch uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.list) > 0 {
		return false
	}
	w.asking, w.epoch = false, epoch
	return true
}

// begin notes that a connection begins to ask, and returns what for.
func (w *wants) begin() []Subscription {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asking, w.changes, w.epoch = true, nil, 0
	return slices.Clone(w.list)
}

// done notes that the connection has asked, and says what has changed meanwhile.
func (w *wants) done(epoch uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	changes := w.changes
	w.asking, w.changes, w.epoch = false, nil, epoch
	for _, m := range changes {
		if err := w.say(m); err != nil {
			return err
		}
	}
	return nil
}

// lost notes that there is no connection to ask.
func (w *wants) lost() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asking, w.changes, w.epoch = false, nil, 0
}

func (w *wants) any() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.list) > 0
}

func (w *wants) find(key string) int {
	return slices.IndexFunc(w.list, func(s Subscription) bool { return s.Key == key })
}

func same(a, b transport.Message) bool {
	return a.Kind == b.Kind && string(a.Payload) == string(b.Payload)
}

// ask asks for all subscriptions, the default of ClientOptions.Resubscribe.
func ask(_ context.Context, o *Setup, wanted []Subscription) error {
	for _, s := range wanted {
		if _, err := o.Send(s.Message.Kind, s.Message.Payload); err != nil {
			return fmt.Errorf("subscription %q: %w", s.Key, err)
		}
	}
	return nil
}

// Want makes a subscription the client's: m is sent on every connection when its
// set-up is done, before the messages that wait, exactly once on each, and now if
// the client is ready. With a key that is wanted already m takes its place and is
// sent if it differs. All subscriptions together are bounded to 4 MiB. The payload
// must not be changed afterwards.
func (c *Client) Want(key string, m transport.Message) error {
	if c.State() == Stopped {
		return stopped(c.Err())
	}
	err := c.s.wants.want(Subscription{Key: key, Message: m})
	c.s.wake()
	return err
}

// Unwant takes a subscription back. The goodbyes are sent if the client is ready:
// a server that is not connected has nothing to forget.
func (c *Client) Unwant(key string, goodbye ...transport.Message) error {
	err := c.s.wants.unwant(key, goodbye)
	c.s.wake()
	return err
}

// Wanted returns the subscriptions in the order in which they were first wanted.
func (c *Client) Wanted() []Subscription {
	c.s.wants.mu.Lock()
	defer c.s.wants.mu.Unlock()
	return slices.Clone(c.s.wants.list)
}
