package actors

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
)

// ServerOptions says how a server takes connections, serves and ends them. The
// zero value is good.
type ServerOptions struct {
	// Name is the name of the server's actor. Default: "server" and a number.
	Name string
	// Modules receive the messages. See [Module].
	Modules []Module
	// Middleware sees the messages in both directions. See [Middleware].
	Middleware []Middleware
	// Routing says whether a message goes to all modules that want it or to the
	// first. Default ToAll.
	Routing Routing

	// Authorize may refuse a handshake: a *transport.HandshakeError gives the
	// status, any other error means 403. Default nil: all are welcome whose path
	// and origin are. It runs on the goroutine of the handshake.
	Authorize func(*transport.Request) error
	// CheckOrigin says whether a browser's page may connect. Default: pages of the
	// same host only.
	CheckOrigin func(*transport.Request) bool
	// Metadata makes what Conn.Metadata returns of the request. The request itself
	// is not kept: it would cost more memory than the connection. Default nil.
	Metadata func(*transport.Request) any
	// Header is sent with every accepted handshake.
	Header http.Header
	// Subprotocols are those the server speaks, the best first (RFC 6455 §4.2.2).
	Subprotocols []string
	// TLSConfig makes Serve speak TLS. Default nil: plain.
	TLSConfig *tls.Config
	// HandshakeTimeout bounds the whole opening handshake, from accept on.
	// Default 5 s; negative: no bound.
	HandshakeTimeout time.Duration
	// Handshakes is how many handshakes Serve has under way at a time; others wait
	// to be accepted. Default 1024.
	Handshakes int

	// HookTimeout is how long the hooks of modules and middleware are waited for, one
	// step of them. Then the connection goes on without those who are late. Default,
	// also for negative values: 5 s.
	HookTimeout time.Duration

	// Limits bound what a client may send. Default 64 KiB a message.
	Limits transport.Limits
	// Outbox bounds what waits for one connection. When it is full the connection
	// is closed with 1013, unless Outbox.Overflow says otherwise. Default 1 MiB.
	Outbox OutboxLimits
	// Heartbeat finds dead clients.
	Heartbeat Heartbeat
	// WriteTimeout ends a connection of which the socket takes nothing for that
	// long. Default 10 s; negative: never.
	WriteTimeout time.Duration
	// CloseTimeout bounds the close handshake; then the connection is reset.
	// Default, also for negative values: 5 s.
	CloseTimeout time.Duration
	// Shards is the number of actors that look after the connections. Default 16.
	Shards int
	// Logger gets what is no event of a connection. Default: the actor system's.
	Logger *slog.Logger
}

func (o ServerOptions) withDefaults() ServerOptions {
	if o.Shards <= 0 {
		o.Shards = 16
	}
	if o.Handshakes <= 0 {
		o.Handshakes = 1024
	}
	o.WriteTimeout = orDefault(o.WriteTimeout, 10*time.Second)
	o.CloseTimeout = closeTimeout(o.CloseTimeout)
	o.HookTimeout = closeTimeout(o.HookTimeout)
	o.Heartbeat = o.Heartbeat.withDefaults()
	o.Outbox = o.Outbox.withDefaults(1<<20, -1, CloseSlow)
	return o
}

// Server takes WebSocket connections and gives each an actor of its own. It is an
// http.Handler, and serves listeners. All methods are safe for concurrent use.
type Server struct {
	s   *service
	pid *actor.PID
}

// service is the stable plane of a server.
type service struct {
	side
	options  ServerOptions
	upgrader *transport.Upgrader
	box      *mailbox
	shards   []*shard
	ids      atomic.Uint64
	live     atomic.Int64
	draining atomic.Bool
	stopped  chan struct{}

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	shaking   map[net.Conn]struct{} // sockets whose request is awaited
	joining   int                   // handshakes that are accepted, and not joined yet
	joinedAll func()                // called once when there are none
}

var serverNames atomic.Uint64

// NewServer makes a server on the user's actor system. It serves nothing until it
// is mounted as an http.Handler or given a listener.
func NewServer(system *actor.ActorSystem, o ServerOptions) (*Server, error) {
	if system == nil {
		return nil, &OptionError{Option: "system", Problem: "is nil; make one with actor.NewActorSystem"}
	}
	if err := validateParts(o.Modules, o.Middleware); err != nil {
		return nil, err
	}
	if err := o.Outbox.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	r, err := acquireRoot(system)
	if err != nil {
		return nil, err
	}
	s := newService(r, o)
	a := &serverActor{service: s, parts: newParts(&s.side), ready: make(chan error, 1)}
	pid, err := r.spawn(r.props(func() actor.Actor { return a }, s.box, nil), s.name)
	if err == nil {
		if err = <-a.started(); err == nil {
			return &Server{s: s, pid: pid}, nil
		}
	}
	<-r.release()
	return nil, fmt.Errorf("actors: spawn server %q: %w", s.name, err)
}

func newService(r *root, o ServerOptions) *service {
	s := &service{
		options: o, box: newMailbox(r.dispatcher), stopped: make(chan struct{}),
		listeners: map[net.Listener]struct{}{}, shaking: map[net.Conn]struct{}{},
	}
	s.root, s.system, s.logger, s.server = r, r.system, orLogger(o.Logger, r.system), true
	s.name = o.Name
	if s.name == "" {
		s.name = "server" + strconv.FormatUint(serverNames.Add(1), 36)
	}
	s.heartbeat, s.writeTimeout, s.closeTimeout = o.Heartbeat, o.WriteTimeout, o.CloseTimeout
	s.hookTimeout = o.HookTimeout
	s.routes.Store(newTable(o.Routing, nil, nil))
	s.upgrader = &transport.Upgrader{
		Timeout: o.HandshakeTimeout, Subprotocols: o.Subprotocols, CheckOrigin: o.CheckOrigin,
		Header: o.Header, Limits: o.Limits, Poller: r.pollerOf(),
	}
	return s
}

// upgraderFor returns the upgrader of one handshake. Once it accepts, accepted is
// called, and what it returns decides.
func (s *service) upgraderFor(accepted func() bool) *transport.Upgrader {
	u := *s.upgrader
	u.Authorize = func(r *transport.Request) error {
		if err := s.authorize(r); err != nil {
			return err
		}
		if !accepted() {
			return &transport.HandshakeError{Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Detail: "server is going away"}
		}
		return nil
	}
	return &u
}

// authorize refuses what nobody would serve before it asks the user.
func (s *service) authorize(r *transport.Request) error {
	switch {
	case !s.routes.Load().serves(r.Path):
		return &transport.HandshakeError{Status: http.StatusNotFound, Detail: "no module serves this path"}
	case s.options.Authorize != nil:
		return s.options.Authorize(r)
	}
	return nil
}

// PID returns the server's actor. It takes *AddModule.
func (s *Server) PID() *actor.PID { return s.pid }

// Connections returns how many connections there are.
func (s *Server) Connections() int { return int(s.s.live.Load()) }

// Books returns the counters of the messages that the server accepted for its
// connections.
func (s *Server) Books() Books { return s.s.ledger.books() }

// ServeHTTP upgrades a request to a connection. It returns when the connection
// has been handed to its actor, or refused.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := false
	wire, req, err := s.s.upgraderFor(func() bool {
		began = s.s.joins(nil)
		return began
	}).UpgradeHTTP(w, r)
	defer func() {
		if began {
			s.s.joined()
		}
	}()
	if err != nil {
		s.s.logger.Debug("actors: handshake refused", "server", s.s.name, "error", err)
		return
	}
	s.s.join(wire, req)
}

// metadata asks the user's function, which must not harm anybody else.
func (s *service) metadata(req *transport.Request) (meta any, ok bool) {
	if s.options.Metadata == nil {
		return nil, true
	}
	defer func() {
		if r := recover(); r != nil {
			s.logger.Error("actors: ServerOptions.Metadata panicked", "server", s.name, "panic", r)
		}
	}()
	return s.options.Metadata(req), true
}

// join gives a new connection to a shard.
func (s *service) join(wire *transport.Conn, req *transport.Request) {
	given := false
	defer func() {
		if !given { // Metadata ended the goroutine (runtime.Goexit)
			discard(wire)
		}
	}()
	meta, ok := s.metadata(req)
	if !ok {
		discard(wire)
		return
	}
	c := &Conn{wire: wire, side: &s.side, path: req.Path, meta: meta, id: s.ids.Add(1), epoch: 1}
	c.out = &outbox{limits: s.options.Outbox, ledger: &s.ledger}
	s.shards[c.id%uint64(len(s.shards))].box.PostUserMessage(&joined{conn: c})
	given = true
}

// Close ends the server: listeners, then every connection with 1001 behind what
// it has accepted, then the modules. It returns nil when every actor, goroutine
// and socket of the server is gone. When ctx is done before, or 1 s after
// CloseTimeout, the rest is ended by force and the error names it. It may be
// called more than once and from inside a handler.
func (s *Server) Close(ctx context.Context) error {
	v := s.s
	ctx, cancel := context.WithTimeout(ctx, v.closeTimeout+time.Second)
	defer cancel()
	v.closeListeners()
	shut := func() { v.box.PostUserMessage(&shutdown{}) }
	v.whenJoined(shut)
	late := time.AfterFunc(v.closeTimeout/2, shut) // the user's Metadata may block
	defer late.Stop()
	select {
	case <-v.stopped:
	case <-ctx.Done():
		v.system.Root.Stop(s.pid)
		return v.unstopped(s.pid, ctx.Err())
	}
	return v.finish(ctx, s.pid)
}
