package actors

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-go/hawser/supervisor"
)

// hookKind is a hook of modules and middleware that is awaited.
type hookKind uint8

const (
	hookAttempt hookKind = iota
	hookFailure
	hookConnect
	hookReady
	hookReconnected
	hookDisconnect
	hookReconnecting
	hookReconnectFailed
	hookStart // answered by whoever has been started
)

var hookNames = [...]string{
	"OnConnectionAttempt", "OnConnectionFailure", "OnConnect", "OnReady", "OnReconnected", "OnDisconnect",
	"OnReconnecting", "OnReconnectFailed", "OnStart",
}

func (k hookKind) String() string { return hookNames[k] }

// HookError says which hook of which module or middleware refused.
type HookError struct {
	// Hook is the method's name, Of the module's or middleware's.
	Hook, Of string
	Err      error
}

func (e *HookError) Error() string { return fmt.Sprintf("actors: %s of %s: %v", e.Hook, e.Of, e.Err) }

// Unwrap returns the cause.
func (e *HookError) Unwrap() error { return e.Err }

// hookSet is which hooks a module or a middleware has. It may have all before it
// is made.
type hookSet struct{ bits atomic.Uint32 }

// learned marks a set that is known.
const learned = 1 << 31

func (s *hookSet) has(k hookKind) bool {
	b := s.bits.Load()
	return b&learned == 0 || b&(1<<k) != 0
}

func (s *hookSet) learn(of any, kinds func(any) []hookKind) {
	b := uint32(learned)
	for _, k := range kinds(of) {
		b |= 1 << k
	}
	s.bits.Store(b)
}

// none is the set of somebody who is gone.
func (s *hookSet) none() { s.bits.Store(learned) }

// call is one hook, called in all who have it.
type call struct {
	kind    hookKind
	conn    *Conn // of OnConnect, OnReady, OnReconnected and OnDisconnect
	number  int   // of the attempt, or of the attempts
	delay   time.Duration
	cause   error
	over    func(error) // told the end, on any thread; may be nil
	only    *group      // of a module that was added while the connection is up; else nil
	waiting bool        // for what is still under way to the modules
}

// hooked is a module or a middleware.
type hooked interface {
	set() *hookSet
	title() string
	// strict reports whether its silence means no.
	strict() bool
	post(h *hooking)
}

// hooking is a call on its way to one of those who have the hook.
//
//	Client, Connection → Module, Middleware
type hooking struct {
	call *call
	line *hookline
	turn uint64
	who  hooked
}

func (*hooking) private() {}

// undelivered answers for one who is gone.
func (h *hooking) undelivered() { h.line.answer(h, h.silence()) }

// run calls the hook, and answers also for one that panics.
func (h *hooking) run(f func() error) {
	answered := false
	defer func() {
		if !answered {
			h.undelivered()
		}
	}()
	err := f()
	answered = true
	h.line.answer(h, err)
}

// silence is the answer of one who gives none.
func (h *hooking) silence() error {
	if h.who.strict() && (h.call.kind == hookConnect || h.call.kind == hookAttempt) {
		return ErrRejected
	}
	return nil
}

func (t *target) set() *hookSet   { return &t.hooks }
func (t *target) title() string   { return t.module.Name }
func (t *target) strict() bool    { return false }
func (t *target) post(h *hooking) { t.box.PostUserMessage(h) }

func (s *station) set() *hookSet { return &s.hooks }
func (s *station) title() string { return s.middleware.Name }
func (s *station) strict() bool  { return !s.middleware.FailOpen }

// post calls the hook of an inline middleware on a goroutine, one behind the other.
func (s *station) post(h *hooking) {
	if s.box != nil {
		s.box.PostUserMessage(h)
		return
	}
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	s.calls.queue = append(s.calls.queue, h)
	if len(s.calls.queue) == 1 {
		s.side.tasks.start("hook", s.serveCalls)
	}
}

// calls are the hooks that an inline middleware has yet to run; the first one runs.
type calls struct {
	mu    sync.Mutex
	queue []*hooking
}

// serveCalls runs the hooks that wait. One that ends its goroutine takes this one with
// it; another goes on with those behind it.
func (s *station) serveCalls() {
	returned := true
	defer func() {
		if !returned && s.callsOn() {
			s.side.tasks.start("hook", s.serveCalls)
		}
	}()
	for {
		s.calls.mu.Lock()
		h := s.calls.queue[0]
		s.calls.mu.Unlock()
		returned = false
		s.call(h)
		returned = true
		if !s.callsOn() {
			return
		}
	}
}

// callsOn strikes the first hook off, which has run, and reports whether there are more.
func (s *station) callsOn() bool {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	s.calls.queue = s.calls.queue[1:]
	return len(s.calls.queue) > 0
}

func (s *station) call(h *hooking) {
	i := s.inline.Load()
	defer func() {
		if r := recover(); r != nil {
			s.tell("an inline middleware panicked", supervisor.ToError(r))
			s.remake(i)
		}
	}()
	h.run(func() error { return callInterceptor(i.Interceptor, h.call) })
}

// The optional methods of a Handler.
type (
	starter      interface{ OnStart(*Context) }
	stopper      interface{ OnStop() }
	listener     interface{ OnEvent(*Context, *Event) }
	connecter    interface{ OnConnect(*Context) error }
	readier      interface{ OnReady(*Context) }
	disconnecter interface{ OnDisconnect(*Context, error) }
	reconnecting interface {
		OnReconnecting(*Context, int, time.Duration) error
	}
	reconnected   interface{ OnReconnected(*Context, int) }
	reconnectLost interface{ OnReconnectFailed(*Context, int, error) }
)

// handlerHooks are the hooks of a Handler.
func handlerHooks(h any) (kinds []hookKind) {
	add := func(k hookKind, has bool) {
		if has {
			kinds = append(kinds, k)
		}
	}
	add(hookStart, has[starter](h))
	add(hookConnect, has[connecter](h))
	add(hookReady, has[readier](h))
	add(hookDisconnect, has[disconnecter](h))
	add(hookReconnecting, has[reconnecting](h))
	add(hookReconnected, has[reconnected](h))
	add(hookReconnectFailed, has[reconnectLost](h))
	return kinds
}

func has[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

// callHandler calls the hook of a Handler, if it has it.
func callHandler(h Handler, ctx *Context, c *call) error {
	switch c.kind {
	case hookConnect:
		if f, ok := h.(connecter); ok {
			return f.OnConnect(ctx)
		}
	case hookReady:
		if f, ok := h.(readier); ok {
			f.OnReady(ctx)
		}
	case hookDisconnect:
		if f, ok := h.(disconnecter); ok {
			f.OnDisconnect(ctx, c.cause)
		}
	case hookReconnecting:
		if f, ok := h.(reconnecting); ok {
			return f.OnReconnecting(ctx, c.number, c.delay)
		}
	case hookReconnected:
		if f, ok := h.(reconnected); ok {
			f.OnReconnected(ctx, c.number)
		}
	case hookReconnectFailed:
		if f, ok := h.(reconnectLost); ok {
			f.OnReconnectFailed(ctx, c.number, c.cause)
		}
	default:
		// the others are of middleware
	}
	return nil
}

// The optional methods of an Interceptor.
type (
	attempter interface{ OnConnectionAttempt(Attempt) error }
	failer    interface{ OnConnectionFailure(Attempt, error) }
	admitter  interface{ OnConnect(*Conn) error }
	dismisser interface{ OnDisconnect(*Conn, error) }
)

// interceptorHooks are the hooks of an Interceptor.
func interceptorHooks(i any) (kinds []hookKind) {
	if has[attempter](i) {
		kinds = append(kinds, hookAttempt)
	}
	if has[failer](i) {
		kinds = append(kinds, hookFailure)
	}
	if has[admitter](i) {
		kinds = append(kinds, hookConnect)
	}
	if has[dismisser](i) {
		kinds = append(kinds, hookDisconnect)
	}
	return kinds
}

// callInterceptor calls the hook of an Interceptor, if it has it.
func callInterceptor(i Interceptor, c *call) error {
	attempt := Attempt{Number: c.number, Cause: c.cause}
	switch c.kind {
	case hookAttempt:
		if f, ok := i.(attempter); ok {
			return f.OnConnectionAttempt(attempt)
		}
	case hookFailure:
		if f, ok := i.(failer); ok {
			f.OnConnectionFailure(Attempt{Number: c.number}, c.cause)
		}
	case hookConnect:
		if f, ok := i.(admitter); ok {
			return f.OnConnect(c.conn)
		}
	case hookDisconnect:
		if f, ok := i.(dismisser); ok {
			f.OnDisconnect(c.conn, c.cause)
		}
	default:
		// the others are of modules
	}
	return nil
}
