package modules

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// maxWaiters is how many Waiters a Stream may have.
const maxWaiters = 1024

// Waiter waits for one message of a Stream.
type Waiter struct {
	stream *Stream
	match  func(transport.Message) bool
	done   chan struct{} // closed at the end, when message and err are set
	// How it ended; set under the stream's lock, by whoever takes the waiter off it.
	message transport.Message
	err     error
}

// Await begins to wait for the next message that match wants; nil wants any. It is
// called before what makes the message come, so that it cannot be missed:
//
//	w := stream.Await(isWelcome)
//	client.SendText("hello")
//	m, err := w.Wait(ctx)
//
// match is called in the module's turn and must not keep the payload. The readers
// of All get the message too. Every Waiter needs a Wait or a Cancel; a stream has at
// most 1024.
func (s *Stream) Await(match func(transport.Message) bool) *Waiter {
	w := &Waiter{stream: s, match: match, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		w.finish(transport.Message{}, because(ErrDisconnected, actors.ErrStopped))
	case len(s.waiters) >= maxWaiters:
		w.finish(transport.Message{}, ErrTooManyCalls)
	default:
		s.waiters[w] = struct{}{}
	}
	return w
}

// Wait returns the message, whose payload is the caller's. It fails with the error of
// ctx, with ErrDisconnected and the cause as soon as a connection of the stream is
// lost, with a *PanicError if match panics, and with ErrTooManyCalls. A later Wait
// returns the same.
func (w *Waiter) Wait(ctx context.Context) (transport.Message, error) {
	select {
	case <-w.done:
	case <-ctx.Done():
		w.end(ctx.Err())
	}
	return w.message, w.err
}

// Cancel ends the wait; Wait then returns context.Canceled, unless it has something
// better.
func (w *Waiter) Cancel() { w.end(context.Canceled) }

// end ends the wait if it has not ended.
func (w *Waiter) end(err error) {
	w.stream.mu.Lock()
	defer w.stream.mu.Unlock()
	if _, waits := w.stream.waiters[w]; waits {
		w.finish(transport.Message{}, err)
	}
}

// finish tells the waiter how it ended; the stream is locked.
func (w *Waiter) finish(m transport.Message, err error) {
	delete(w.stream.waiters, w)
	w.message, w.err = m, err
	close(w.done)
}

// Once is Await and Wait in one, for messages that come of their own accord.
func (s *Stream) Once(ctx context.Context, match func(transport.Message) bool) (transport.Message, error) {
	return s.Await(match).Wait(ctx)
}

// offer shows a message to those who wait for one. Their functions are called
// without the lock.
func (s *Stream) offer(m transport.Message) {
	s.mu.Lock()
	waiters := slices.Collect(maps.Keys(s.waiters))
	s.mu.Unlock()
	for _, w := range waiters {
		if wants, err := w.wants(m); wants || err != nil {
			s.give(w, m, err)
		}
	}
}

// give ends a wait, unless it has ended meanwhile.
func (s *Stream) give(w *Waiter, m transport.Message, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch _, waits := s.waiters[w]; {
	case !waits:
	case err != nil:
		w.finish(transport.Message{}, err)
	default:
		w.finish(transport.Message{Kind: m.Kind, Payload: bytes.Clone(m.Payload)}, nil)
	}
}

func (w *Waiter) wants(m transport.Message) (yes bool, err error) {
	if w.match == nil {
		return true, nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Value: r}
		}
	}()
	return w.match(m), nil
}

// dismiss fails all who wait; s is locked.
func (s *Stream) dismiss(cause error) {
	for w := range s.waiters {
		w.finish(transport.Message{}, because(ErrDisconnected, cause))
	}
}
