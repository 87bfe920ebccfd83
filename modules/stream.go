package modules

import (
	"bytes"
	"context"
	"iter"
	"sync"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// StreamOptions bound what waits for the readers of a Stream. The zero value is
// good.
type StreamOptions struct {
	// Buffer is how many messages wait. Default 1024; negative: none, the stream is
	// only for Await.
	Buffer int
	// BufferBytes bounds their payloads. One message may be larger. Default 1 MiB;
	// negative: no bound.
	BufferBytes int
	// Overflow says what happens to a message that finds no room. Default Block: it
	// waits for the reader, the queue of the module fills, and then the connection is
	// not read. The module then runs on a worker of its own (Async).
	Overflow actors.OverflowPolicy
	// Patience is how long one message waits under Block. A reader that takes nothing
	// for so long loses the oldest messages, counted, until it takes one again: so no
	// reader that has gone keeps a client from closing. Default 3 s; negative: for
	// ever. Keep it shorter than CloseTimeout.
	Patience time.Duration
}

// Stream is a module whose messages goroutines read. It may be given to several
// clients and servers, and ends when all of them have ended. All methods are safe
// for concurrent use.
type Stream struct {
	name    string
	rule    actors.Rule
	options StreamOptions

	mu      sync.Mutex
	queue   []transport.Message
	bytes   int
	users   map[string]bool // the modules' actors
	ended   bool
	stuck   bool          // a message has waited in vain; nothing waits until a reader is seen
	changed chan struct{} // closed when there is something to read, or the end; nil while nobody waits
	room    chan struct{} // closed when a reader has taken something; nil while nobody waits
	waiters map[*Waiter]struct{}
	counts  StreamStats
}

// StreamStats are the counters of a Stream at one moment.
type StreamStats struct {
	// Received messages came to the stream, Dropped ones of them found no room.
	Received, Dropped uint64
	// Waiting messages have not been read yet.
	Waiting int
}

// NewStream returns a stream of the messages that rule wants; nil is all. Give its
// Module to a client.
func NewStream(name string, rule actors.Rule, o StreamOptions) *Stream {
	if o.Buffer == 0 {
		o.Buffer = 1024
	}
	if o.BufferBytes == 0 {
		o.BufferBytes = 1 << 20
	}
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	if o.Overflow == actors.DefaultOverflow {
		o.Overflow = actors.Block
	}
	return &Stream{name: name, rule: rule, options: o, users: map[string]bool{}, waiters: map[*Waiter]struct{}{}}
}

// Module returns the module that fills the stream.
func (s *Stream) Module() actors.Module {
	return actors.Module{
		Name: s.name, Rule: s.rule, Overflow: s.options.Overflow,
		Async: s.options.Overflow == actors.Block && s.options.Buffer > 0,
		New:   func() actors.Handler { return &streamHandler{stream: s} },
	}
}

// Stats returns what has become of the messages so far.
func (s *Stream) Stats() StreamStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Waiting = len(s.queue)
	return c
}

// All yields the messages in the order in which they came, until ctx is done or the
// clients that fill the stream have ended and nothing is left. It waits for a client
// if there is none yet. The payloads are the reader's. Of several readers at the
// same time each message reaches one.
func (s *Stream) All(ctx context.Context) iter.Seq[transport.Message] {
	return func(yield func(transport.Message) bool) {
		for ctx.Err() == nil {
			m, changed, ok := s.take()
			switch {
			case ok && !yield(m), !ok && changed == nil:
				return
			case ok:
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	}
}

// take returns the next message, or what to wait for; nil at the end.
func (s *Stream) take() (m transport.Message, changed <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 {
		m = s.pop()
		s.stuck = false
		if s.room != nil {
			close(s.room)
			s.room = nil
		}
		return m, nil, true
	}
	if s.ended {
		return m, nil, false
	}
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return m, s.changed, false
}

// pop takes the oldest message; s is locked.
func (s *Stream) pop() transport.Message {
	m := s.queue[0]
	s.queue[0] = transport.Message{}
	if s.queue = s.queue[1:]; len(s.queue) == 0 {
		s.queue = nil
	}
	s.bytes -= len(m.Payload)
	return m
}

// wake tells the readers; s is locked.
func (s *Stream) wake() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// fits reports whether there is room for a message of n bytes; s is locked.
func (s *Stream) fits(n int) bool {
	o := s.options
	return len(s.queue) < o.Buffer && (o.BufferBytes < 0 || s.bytes+n <= o.BufferBytes || len(s.queue) == 0)
}

// put queues a message for the readers, by the policy. It waits only under Block.
func (s *Stream) put(conn *actors.Conn, m transport.Message) {
	s.offer(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Received++
	if s.options.Buffer < 0 {
		return
	}
	if !s.fits(len(m.Payload)) {
		switch s.options.Overflow {
		case actors.DropNewest:
			s.counts.Dropped++
			return
		case actors.CloseSlow:
			s.counts.Dropped++
			conn.Close(transport.TryAgainLater, "stream "+s.name+" is not read")
			return
		case actors.Block:
			s.await(len(m.Payload))
		}
		for !s.fits(len(m.Payload)) {
			s.pop()
			s.counts.Dropped++
		}
	}
	m.Payload = bytes.Clone(m.Payload)
	s.queue = append(s.queue, m)
	s.bytes += len(m.Payload)
	s.wake()
}

// await waits for room; s is locked, also when it returns.
func (s *Stream) await(n int) {
	if s.stuck {
		return
	}
	var late <-chan time.Time
	if s.options.Patience > 0 {
		t := time.NewTimer(s.options.Patience)
		defer t.Stop()
		late = t.C
	}
	for !s.fits(n) && !s.stuck {
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		s.mu.Unlock()
		select {
		case <-room:
			s.mu.Lock()
		case <-late:
			s.mu.Lock()
			s.stuck = !s.fits(n)
		}
	}
}

// join notes a module that fills the stream.
func (s *Stream) join(module string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[module], s.ended = true, false
}

// part ends the stream with the last of them.
func (s *Stream) part(module string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.users, module)
	if len(s.users) == 0 {
		s.ended = true
		s.dismiss(actors.ErrStopped)
		s.wake()
	}
}

// streamHandler is the actors.Handler of a Stream.
type streamHandler struct {
	stream *Stream
	ending ending
}

// OnStart implements an optional method of actors.Handler.
func (h *streamHandler) OnStart(ctx *actors.Context) {
	h.ending.actor = ctx.Context
	h.stream.join(ctx.Self().Id)
}

// OnMessage implements actors.Handler.
func (h *streamHandler) OnMessage(ctx *actors.Context, m transport.Message) {
	h.stream.put(ctx.Conn(), m)
}

// OnDisconnect fails whoever awaits a message.
func (h *streamHandler) OnDisconnect(_ *actors.Context, cause error) {
	h.stream.mu.Lock()
	defer h.stream.mu.Unlock()
	h.stream.dismiss(cause)
}

// OnStop ends the stream with the module.
func (h *streamHandler) OnStop() {
	if h.ending.actor != nil && h.ending.forGood() {
		h.stream.part(h.ending.actor.Self().Id)
	}
}
