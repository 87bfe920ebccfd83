package modulestest

import (
	"bytes"
	"fmt"
	"sync"
	"time"
	"weak"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// subject is the module under test as the suite sees it: what it is given, and what
// it is made to suffer.
type subject struct {
	mu       sync.Mutex
	got      []string // payloads of the messages that the handler was given
	life     []string // stages, in order; messages as "message"
	made     int      // handlers
	starts   int
	stops    int
	faults   []string // what the module did wrong
	kept     []weak.Pointer[byte]
	panics   map[string]bool // payloads at which to panic, once
	gate     chan struct{}   // the handler waits here; nil: it does not
	arrivals chan struct{}   // has a token when a handler waits
}

func newSubject() *subject {
	return &subject{panics: map[string]bool{}, arrivals: make(chan struct{}, 1)}
}

// wrap puts the subject in front of a module.
func (s *subject) wrap(m actors.Module) actors.Module {
	inner := m.New
	m.New = func() actors.Handler {
		s.mu.Lock()
		s.made++
		s.mu.Unlock()
		h := &handler{subject: s, inner: inner()}
		if r, ok := h.inner.(actor.Actor); ok {
			return struct {
				*handler
				actor.Actor
			}{h, r}
		}
		return h
	}
	return m
}

func (s *subject) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = append(s.life, fmt.Sprintf(format, args...))
}

func (s *subject) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

func (s *subject) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

func (s *subject) stages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.life...)
}

// shut makes the handler wait at its next message; open ends that.
func (s *subject) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
}

func (s *subject) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

// admit records a message, makes it wait, and says whether to panic.
func (s *subject) admit(payload []byte) (fatal bool) {
	s.mu.Lock()
	s.got = append(s.got, string(payload))
	s.life = append(s.life, "message")
	fatal = s.panics[string(payload)]
	delete(s.panics, string(payload))
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		select {
		case s.arrivals <- struct{}{}:
		default:
		}
		<-gate
	}
	return fatal
}

// handler stands in front of the module's own.
type handler struct {
	subject *subject
	inner   actors.Handler
}

// keepable is the smallest block that the allocator keeps apart from others.
const keepable = 64

// OnMessage gives the module a payload of its own, which is spoilt when it has
// returned, as that of a batch is.
func (h *handler) OnMessage(ctx *actors.Context, m transport.Message) {
	s := h.subject
	if s.admit(m.Payload) {
		panic("modulestest: a panic in front of the module")
	}
	p := append(make([]byte, 0, max(len(m.Payload), keepable)), m.Payload...)
	s.mu.Lock()
	s.kept = append(s.kept, weak.Make(&p[:1][0]))
	s.mu.Unlock()
	h.inner.OnMessage(ctx, transport.Message{Kind: m.Kind, Payload: p})
	if !bytes.Equal(p, m.Payload) {
		s.fault("it changed the payload %q to %q, which other modules share", m.Payload, p)
	}
	for i := range p {
		p[i] = '?'
	}
}

func (h *handler) OnStart(ctx *actors.Context) {
	h.subject.mu.Lock()
	h.subject.starts++
	h.subject.mu.Unlock()
	h.subject.note("OnStart")
	if f, ok := h.inner.(interface{ OnStart(*actors.Context) }); ok {
		f.OnStart(ctx)
	}
}

func (h *handler) OnStop() {
	h.subject.mu.Lock()
	h.subject.stops++
	h.subject.mu.Unlock()
	h.subject.note("OnStop")
	if f, ok := h.inner.(interface{ OnStop() }); ok {
		f.OnStop()
	}
}

func (h *handler) OnConnect(ctx *actors.Context) error {
	h.subject.note("OnConnect %d", ctx.Conn().ID())
	if f, ok := h.inner.(interface{ OnConnect(*actors.Context) error }); ok {
		return f.OnConnect(ctx)
	}
	return nil
}

func (h *handler) OnReady(ctx *actors.Context) {
	h.subject.note("OnReady %d", ctx.Conn().ID())
	if f, ok := h.inner.(interface{ OnReady(*actors.Context) }); ok {
		f.OnReady(ctx)
	}
}

func (h *handler) OnDisconnect(ctx *actors.Context, cause error) {
	h.subject.note("OnDisconnect %d", ctx.Conn().ID())
	if f, ok := h.inner.(interface {
		OnDisconnect(*actors.Context, error)
	}); ok {
		f.OnDisconnect(ctx, cause)
	}
}

func (h *handler) OnReconnecting(ctx *actors.Context, attempt int, delay time.Duration) error {
	h.subject.note("OnReconnecting")
	if f, ok := h.inner.(interface {
		OnReconnecting(*actors.Context, int, time.Duration) error
	}); ok {
		return f.OnReconnecting(ctx, attempt, delay)
	}
	return nil
}

func (h *handler) OnReconnected(ctx *actors.Context, attempts int) {
	h.subject.note("OnReconnected %d", ctx.Conn().ID())
	if f, ok := h.inner.(interface {
		OnReconnected(*actors.Context, int)
	}); ok {
		f.OnReconnected(ctx, attempts)
	}
}

func (h *handler) OnReconnectFailed(ctx *actors.Context, attempts int, cause error) {
	if f, ok := h.inner.(interface {
		OnReconnectFailed(*actors.Context, int, error)
	}); ok {
		f.OnReconnectFailed(ctx, attempts, cause)
	}
}

func (h *handler) OnEvent(ctx *actors.Context, e *actors.Event) {
	if f, ok := h.inner.(interface {
		OnEvent(*actors.Context, *actors.Event)
	}); ok {
		f.OnEvent(ctx, e)
	}
}
