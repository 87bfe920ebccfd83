package actors

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// Attempt is what a Request function may want to know of the attempt it is asked
// for.
type Attempt struct {
	// Number counts from 1 since the client was told to connect, or since it last had
	// a session that was stable (see supervisor.Backoff).
	Number int
	// Cause is how the attempt or the connection before ended, or nil. After a
	// refused handshake it is a *transport.HandshakeError.
	Cause error
	// URL is the endpoint whose turn it is.
	URL string
	// Refused says that credentials have been refused since the client was last ready
	// or told to connect, perhaps some attempts ago: it is time for fresh ones.
	Refused bool
}

// Target is where and with what an attempt dials.
type Target struct {
	// URL is a ws or wss URL. Default: Attempt.URL.
	URL string
	// Header is sent with the handshake, added to ClientOptions.Header.
	Header http.Header
}

// KeepAlive is a message that a server wants to see now and then. The heartbeat does
// not need it.
type KeepAlive struct {
	// Every is the time between two of them, from Ready on. Default, also for
	// negative values: none is sent.
	Every time.Duration
	// Message makes each of them. It must not block.
	Message func() transport.Message
}

// ClientOptions says how a client connects, stays connected and ends. The zero
// value is good.
type ClientOptions struct {
	// Name is the name of the client's actor. Default: "client" and a number.
	Name string
	// Modules receive the messages. See [Module].
	Modules []Module
	// Middleware sees the messages in both directions. See [Middleware].
	Middleware []Middleware
	// Routing says whether a message goes to all modules that want it or to the
	// first. Default ToAll.
	Routing Routing

	// Request is asked before every attempt for the URL and for headers such as a
	// fresh token. An error counts as a failed attempt. Default nil: always the
	// same. It must return when its context is done.
	Request func(ctx context.Context, a Attempt) (Target, error)
	// Header is sent with every handshake.
	Header http.Header
	// Subprotocols are offered in this order (RFC 6455 §4.1).
	Subprotocols []string
	// TLSConfig is used for wss. Default: the system's roots.
	TLSConfig *tls.Config
	// Proxy returns the HTTP proxy for a URL, or nil for none. Default: from the
	// environment.
	Proxy func(*url.URL) (*url.URL, error)
	// NetDial replaces the dialling of TCP.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Resolver looks up host names. Default: net.DefaultResolver.
	Resolver *net.Resolver
	// DialTimeout bounds looking up, connecting, TLS and handshake together.
	// Default 10 s; negative: no bound.
	DialTimeout time.Duration

	// URLs are more endpoints: after an attempt that failed the next one is tried, in
	// turn; the loss of a connection that was stable is followed by the same one. A
	// Retry-After of one holds for the next one too.
	URLs []string

	// Authenticate is the first step on every new connection. An *AuthError means
	// that the credentials were not accepted: one more attempt is made, which should
	// bring fresh ones (Attempt.Refused of Setup.Attempt), then the client stops.
	Authenticate SetupStep
	// Setup are the steps done on every new connection behind Authenticate.
	Setup []SetupStep
	// Resubscribe asks for what is wanted (see Client.Want), on every new connection
	// behind the steps. Default: it sends the messages of the subscriptions, in order,
	// and waits for no answer.
	Resubscribe func(ctx context.Context, o *Setup, wanted []Subscription) error
	// HoldOnAuthFailure holds a client whose credentials were refused twice, in the
	// set-up or with 401, 403 or 407, instead of stopping it: Connect tries again.
	HoldOnAuthFailure bool
	// OpenTimeout bounds the set-up of one connection, all of it. Default 10 s; negative:
	// no bound.
	OpenTimeout time.Duration

	// HookTimeout is how long the hooks of modules and middleware are waited for, one
	// step of them. Then the client goes on without those who are late. Default, also
	// for negative values: 5 s.
	HookTimeout time.Duration

	// Limits bound what the server may send. Default 1 MiB a message.
	Limits transport.Limits
	// Compression is permessage-deflate (RFC 7692), offered to the server. Default:
	// none.
	Compression transport.Compression
	// Outbox bounds what waits to be written, also while offline.
	Outbox OutboxLimits
	// Heartbeat finds a dead server.
	Heartbeat Heartbeat
	// KeepAlive sends a message of the application now and then.
	KeepAlive KeepAlive
	// WriteTimeout ends a connection of which the socket takes nothing for that
	// long. Default 10 s; negative: never.
	WriteTimeout time.Duration
	// CloseTimeout bounds the close handshake, the writing of accepted messages
	// included; then the connection is reset. Default, also for negative values:
	// 5 s.
	CloseTimeout time.Duration

	// Backoff says when to try again and when to give up.
	Backoff supervisor.Backoff
	// Restart says whether the connection comes back at all: Permanent always,
	// Transient unless it was closed with 1000, Temporary never. Default Permanent.
	Restart supervisor.RestartType
	// Classify says what a failure leads to. Default: supervisor.Classify.
	Classify func(error) supervisor.Verdict
	// Rand returns numbers in [0, 1) for the jitter. Default: math/rand/v2. It is
	// called by one goroutine at a time.
	Rand func() float64

	// OnOutcome is told the outcome of accepted messages, in batches, from the
	// thread on which they happened, which may be inside Send or Post. It must not
	// block.
	OnOutcome func([]Outcome)
	// OnSessionReset is called when a Disconnect ends the session, before the
	// client dials anew. cause is nil for a Disconnect. It must not block.
	OnSessionReset func(cause error)
	// Logger gets what no event tells. Default: the actor system's.
	Logger *slog.Logger
	// History is how many transitions the client remembers, for [Client.History].
	// Memory is taken as they come, some 200 bytes each. Default 128; negative: none.
	History int
}

func (o ClientOptions) withDefaults() ClientOptions {
	o.OpenTimeout = orDefault(o.OpenTimeout, 10*time.Second)
	o.WriteTimeout = orDefault(o.WriteTimeout, 10*time.Second)
	o.CloseTimeout = closeTimeout(o.CloseTimeout)
	o.HookTimeout = closeTimeout(o.HookTimeout)
	o.Heartbeat = o.Heartbeat.withDefaults()
	o.Outbox = o.Outbox.withDefaults(4<<20, 15*time.Second, RejectNewest)
	if o.History == 0 {
		o.History = 128
	}
	return o
}

// longest is as long as for ever: a time that far ahead can still be reckoned with.
const longest = 50 * 365 * 24 * time.Hour

// orDefault returns d, or def if d is zero, or zero (never) if d is negative.
func orDefault(d, def time.Duration) time.Duration {
	switch {
	case d == 0:
		return def
	case d < 0:
		return 0
	}
	return min(d, longest)
}

// closeTimeout returns d, or the default if d is not positive.
func closeTimeout(d time.Duration) time.Duration {
	return orDefault(max(d, 0), 5*time.Second)
}

func validateParts(modules []Module, middleware []Middleware) error {
	for i, m := range modules {
		if err := m.validate(modules[:i]); err != nil {
			return err
		}
	}
	for i, m := range middleware {
		if err := m.validate(middleware[:i]); err != nil {
			return err
		}
	}
	return nil
}

func (o ClientOptions) validate() error {
	if o.KeepAlive.Every > 0 && o.KeepAlive.Message == nil {
		return &OptionError{Option: "KeepAlive.Message", Problem: "is nil; it must make the message to send"}
	}
	if err := o.Outbox.validate(); err != nil {
		return err
	}
	return validateParts(o.Modules, o.Middleware)
}

func (o ClientOptions) dialer(p *transport.Poller) *transport.Dialer {
	return &transport.Dialer{
		Timeout: o.DialTimeout, Header: o.Header, Subprotocols: o.Subprotocols, TLSConfig: o.TLSConfig,
		NetDial: o.NetDial, Resolver: o.Resolver, Proxy: o.Proxy, Limits: o.Limits, Poller: p,
		Compression: o.Compression,
	}
}
