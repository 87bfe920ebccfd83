package actors

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
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

	// Admission bounds who may connect, and how often. Default: nothing is bounded.
	Admission Admission
	// Authenticate says who a client is; Conn.Principal returns it for as long as the
	// connection lives, and no Principal means that nobody knows. A
	// *transport.HandshakeError gives the status, any other error means 401. The
	// context ends with HandshakeTimeout. Default nil: nobody is asked. It runs on the
	// goroutine of the handshake, before Authorize.
	Authenticate func(context.Context, *transport.Request) (Principal, error)
	// Revalidate is asked about every Principal again, each RevalidateEvery give or
	// take a tenth: a session may have been revoked. An error, a panic, and no answer
	// within 10 s end the connection: with the close frame that the error is, if it is
	// a *transport.CloseError, else with 1008. It runs on a goroutine of its own.
	// Default nil: never.
	Revalidate func(context.Context, Principal) error
	// RevalidateEvery is how often. Default, also for negative values: 5 min.
	RevalidateEvery time.Duration
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
	// MaxHeaderBytes is the longest header of a request, MaxHeaders how many lines it
	// may have. Default, also for negative values: 8 KiB and 64.
	MaxHeaderBytes, MaxHeaders int
	// Handshakes is how many handshakes Serve has under way at a time. A newcomer
	// beyond that takes the place of the one whose request has been waited for
	// longest. Default, also for negative values: 1024.
	Handshakes int

	// HookTimeout is how long the hooks of modules and middleware are waited for, one
	// step of them. Then the connection goes on without those who are late. Default,
	// also for negative values: 5 s.
	HookTimeout time.Duration

	// Limits bound what a client may send. Default 64 KiB a message.
	Limits transport.Limits
	// Compression is permessage-deflate (RFC 7692), for clients that offer it. Default:
	// none.
	Compression transport.Compression
	// Rates bound how much of it a client may send. Default: pings and pongs only.
	Rates Rates
	// IdleTimeout ends a connection with 1001 when no whole data message has come from
	// the client for that long. Pings, pongs and what we send do not count. Default,
	// also for negative values: never.
	IdleTimeout time.Duration
	// MaxLifetime ends a connection with 1012 when it is that old, give or take a
	// tenth, so that those who came together do not come back together. Default, also
	// for negative values: never.
	MaxLifetime time.Duration
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
	o.Rates = o.Rates.withDefaults()
	o.RevalidateEvery = orDefault(max(0, o.RevalidateEvery), 5*time.Minute)
	o.IdleTimeout, o.MaxLifetime = orDefault(o.IdleTimeout, 0), orDefault(o.MaxLifetime, 0)
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
	shards   []atomic.Pointer[shard]
	ids      atomic.Uint64
	live     atomic.Int64
	stopped  chan struct{}

	admission *admission
	lobby     *lobby
	consults  bool                          // functions of the user decide on handshakes
	refusals  register[int]                 // handshakes, by status
	endings   register[transport.CloseCode] // connections, by the code that the peer sent
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
	if err := o.upgrader(nil).Check(); err != nil {
		return nil, &OptionError{Option: "ServerOptions", Problem: "cannot answer a handshake: " + err.Error()}
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
		admission: newAdmission(o.Admission, o.Rates), lobby: newLobby(o.Handshakes, max(0, orDefault(o.HandshakeTimeout, defaultHandshake))),
	}
	s.box.once = true
	s.root, s.system, s.logger, s.server = r, r.system, orLogger(o.Logger, r.system), true
	s.name = o.Name
	if s.name == "" {
		s.name = "server" + strconv.FormatUint(serverNames.Add(1), 36)
	}
	s.heartbeat, s.writeTimeout, s.closeTimeout = o.Heartbeat, o.WriteTimeout, o.CloseTimeout
	s.hookTimeout = o.HookTimeout
	s.policy = newPolicy(&o)
	s.routes.Store(newTable(o.Routing, nil, nil))
	s.upgrader = o.upgrader(r.pollerOf())
	s.consults = o.Authenticate != nil || o.Authorize != nil || o.Metadata != nil || o.CheckOrigin != nil || o.Admission.Key != nil
	return s
}

func (o *ServerOptions) upgrader(p *transport.Poller) *transport.Upgrader {
	return &transport.Upgrader{
		Timeout: o.HandshakeTimeout, Subprotocols: o.Subprotocols, CheckOrigin: o.CheckOrigin,
		Header: o.Header, Limits: o.Limits, Poller: p, Compression: o.Compression,
		MaxHeaderBytes: o.MaxHeaderBytes, MaxHeaders: o.MaxHeaders,
	}
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
	a := &arrival{service: s.s, began: time.Now()}
	defer a.over()
	wire, req, err := a.upgrader().UpgradeHTTP(w, r)
	if err != nil {
		s.s.refused(err)
		return
	}
	a.join(wire, req)
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
