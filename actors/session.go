package actors

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// session is the stable plane of a client: what outlives every socket. The
// actors of an incarnation get it through their Props.
type session struct {
	side
	options   ClientOptions
	out       *outbox
	reconnect *supervisor.Reconnect
	box       *mailbox // of the client's actor
	epochs    atomic.Uint64
	line      atomic.Pointer[Conn] // the connection that is ready, or nil
	last      atomic.Pointer[Conn] // the latest connection there was
	fresh     atomic.Bool          // not ready yet since it was told to connect
	watch     watch
	wants     wants
	urls      []string
	endpoint  atomic.Uint64 // how often the next of urls had its turn
	identity  atomic.Pointer[string]
	refused   atomic.Bool // credentials, since the client was last ready
	life      life
}

// outcomes is the user's OnOutcome, or nil. Its panics harm nobody.
func (s *session) outcomes() func([]Outcome) {
	f := s.options.OnOutcome
	if f == nil {
		return nil
	}
	return func(done []Outcome) {
		defer func() {
			if r := recover(); r != nil {
				s.logger.Error("actors: OnOutcome panicked", "client", s.name, "panic", r)
			}
		}()
		f(done)
	}
}

// books are the counters at one moment.
func (s *session) books() Books {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	b := s.ledger.books()
	b.InFlight = uint64(s.out.count) // counted, not derived
	return b
}

// attemptOf numbers the attempts, as Event.Attempt says. The supervisor
// counts failures; without a connection that was ready before, the first attempt
// follows none.
func (s *session) attemptOf(failures int) int {
	if s.fresh.Load() {
		return failures + 1
	}
	return max(1, failures)
}

// accept takes a message into the outbox, and has it written if there is a
// connection to write it to.
func (s *session) accept(kind transport.Kind, payload []byte) (uint64, error) {
	if kind == transport.Text && !transport.ValidUTF8(payload) {
		return 0, ErrInvalidUTF8
	}
	id, err := s.out.add(kind, payload, 0)
	if err != nil {
		return 0, s.overflowed(err)
	}
	s.wake()
	return id, nil
}

// dial makes one attempt. It is called on a goroutine of its own.
func (s *session) dial(ctx context.Context, a Attempt) (wire *transport.Conn, path string, err error) {
	defer func() {
		if r := recover(); r != nil { // in the user's Request, NetDial, Proxy …
			discard(wire)
			wire, err = nil, fmt.Errorf("actors: dial panicked: %v", r)
		}
	}()
	a.URL, a.Refused = s.currentURL(), s.refused.Load()
	target := Target{URL: a.URL}
	if ask := s.options.Request; ask != nil {
		if target, err = ask(ctx, a); err != nil {
			return nil, "", fmt.Errorf("actors: request for attempt %d: %w", a.Number, err)
		}
		if target.URL == "" {
			target.URL = a.URL
		}
	}
	u, err := transport.ParseURL(target.URL)
	if err != nil {
		return nil, "", err
	}
	dialer := s.options.dialer(s.root.pollerOf())
	dialer.Header = merge(s.options.Header, target.Header)
	wire, _, err = dialer.Dial(ctx, target.URL)
	return wire, u.Path, err
}

// currentURL is the endpoint whose turn it is.
func (s *session) currentURL() string { return s.urls[s.endpoint.Load()%uint64(len(s.urls))] }

// farewell has the end of the latest connection told to those who knew it.
func (s *session) farewell(cause error) {
	if c := s.last.Swap(nil); c != nil {
		s.hooks.submit(&call{kind: hookDisconnect, conn: c, cause: cause})
	}
}

// sets reports whether there is a set-up to do.
func (s *session) sets() bool {
	o := &s.options
	return o.Authenticate != nil || len(o.Setup) > 0 || o.Resubscribe != nil || s.wants.any()
}

// identify notes as whom the client is connected.
func (s *session) identify(identity string) {
	if old := s.identity.Swap(&identity); old != nil && *old != identity {
		s.out.dropBound()
	}
}

// wake has what was accepted written, if there is a connection.
func (s *session) wake() {
	if c := s.line.Load(); c != nil {
		c.wake()
	}
}

func merge(a, b http.Header) http.Header {
	if len(b) == 0 {
		return a
	}
	h := a.Clone()
	if h == nil {
		h = http.Header{}
	}
	for k, v := range b {
		h[k] = v
	}
	return h
}
