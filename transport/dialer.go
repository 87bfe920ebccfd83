package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// defaultDialTimeout is how long a Dial may take.
const defaultDialTimeout = 10 * time.Second

// Dialer opens connections as a client (RFC 6455 §4.1). The zero value is the
// good default. It may be copied before use and must not change while in use;
// Dial may be called from many goroutines.
type Dialer struct {
	// Timeout is how long one Dial may take from its call to the last byte of the
	// handshake: resolving, connecting, proxy and TLS included, however the bytes
	// trickle. Default 10 s; negative: none but the context's.
	Timeout time.Duration
	// Header goes with the request: Authorization, Cookie, Origin, User-Agent.
	// It must not set what the handshake sets. A proxy does not see it.
	Header http.Header
	// Host is sent instead of the URL's host and port. TLS still asks for the
	// URL's host; see TLSConfig.ServerName. Default: the URL's.
	Host string
	// Subprotocols are offered to the server, the best first (RFC 6455 §1.9). The
	// server may choose none: see Conn.Subprotocol. Default: none.
	Subprotocols []string
	// TLSConfig is used for wss and for proxies that are reached by https. It is
	// copied; ServerName is the URL's host if empty, NextProtos http/1.1.
	TLSConfig *tls.Config
	// NetDial makes the connection to the server or the proxy. It must heed its
	// context. Default: net.Dialer with Resolver.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Resolver looks up names. It is not used with NetDial. Default:
	// net.DefaultResolver.
	Resolver *net.Resolver
	// Proxy returns the proxy for a URL (ws or wss), or nil for none. It may be an
	// http or https URL; user and password are sent as basic authentication.
	// Default: the environment's HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as for http
	// and https; see NoProxy.
	Proxy func(*url.URL) (*url.URL, error)
	// Limits bound what the server may send. Default: see Limits.
	Limits Limits
	// Compression is offered to the server, which may decline it (RFC 7692): see
	// Conn.Compresses. Default: not.
	Compression Compression
	// Poller watches the connections. Default nil: a goroutine for each.
	Poller *Poller
	// MaxHeaderBytes is the longest header of an answer. Default, also for
	// negative values: 8 KiB.
	MaxHeaderBytes int
	// MaxHeaders is how many lines it may have. Default, also for negative
	// values: 64.
	MaxHeaders int
}

// Response is the server's answer that accepted the handshake.
type Response struct {
	// Status is 101.
	Status int
	// Header is the header of the answer. Names are canonical.
	Header http.Header
	// Subprotocol is what the server chose, or "".
	Subprotocol string
}

// Dial connects to a ws or wss URL and does the handshake. When ctx ends, so
// does Dial, and nothing is left behind; the error then wraps ctx's cause.
//
// Errors are a *DialError before the handshake and a *HandshakeError in it. No
// error text holds the URL's path or query, a password or a header's value;
// the fields of HandshakeError hold what the server sent. Redirects are not
// followed: credentials would go to a host that nobody has named.
func (d *Dialer) Dial(ctx context.Context, rawURL string) (*Conn, *Response, error) {
	u, err := ParseURL(rawURL)
	if err != nil {
		return nil, nil, err
	}
	if err := d.check(); err != nil {
		return nil, nil, &HandshakeError{Detail: "Dialer", Err: err}
	}
	ctx, cancel := d.bound(ctx)
	defer cancel()
	proxy, err := d.proxyFor(u)
	if err != nil {
		return nil, nil, err
	}
	first := u
	if proxy != nil {
		first = proxy
	}
	base, err := d.connect(ctx, hostPort(first), proxy != nil)
	if err != nil {
		return nil, nil, err
	}
	release := closeWhenDone(ctx, base)
	nc, a, err := d.establish(ctx, base, proxy, u)
	if cause := release(); cause != nil && err == nil {
		err = &HandshakeError{Detail: "given up", Err: cause}
	}
	if a != nil {
		defer a.h.release()
	}
	if err != nil {
		_ = base.Close()
		return nil, nil, err
	}
	return d.newConn(nc, a), &Response{Status: a.status, Header: a.header, Subprotocol: a.subprotocol}, nil
}

// establish does everything that is done over the first connection. The answer
// may be there beside an error.
func (d *Dialer) establish(ctx context.Context, nc net.Conn, proxy, u *url.URL) (net.Conn, *answer, error) {
	if proxy != nil {
		var err error
		if nc, err = d.tunnel(ctx, nc, proxy, u); err != nil {
			return nil, nil, err
		}
	}
	if u.Scheme == "wss" {
		var err error
		if nc, err = d.startTLS(ctx, nc, u, "tls"); err != nil {
			return nil, nil, err
		}
	}
	a, err := d.handshake(ctx, nc, u)
	return nc, a, err
}

func (d *Dialer) newConn(nc net.Conn, a *answer) *Conn {
	o := ConnOptions{
		Poller: d.Poller, Leftover: a.h.rest(), Subprotocol: a.subprotocol,
		deflate: newDeflation(false, d.Compression, a.deflate),
	}
	if d.Limits != (Limits{}) {
		l := d.Limits.withDefaults(DefaultClientMaxMessage)
		o.Limits = &l
	}
	return NewConn(nc, o)
}

// check finds what could break the request, before anything is dialed.
func (d *Dialer) check() error {
	if d.Host != "" && !isHostHeader(d.Host) {
		return settingError("Host is not a host, maybe with a port")
	}
	return errors.Join(checkHeader(d.Header), checkSubprotocols(d.Subprotocols), d.Compression.check())
}

func (d *Dialer) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := d.Timeout
	if timeout == 0 {
		timeout = defaultDialTimeout
	}
	if timeout < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// connect makes the first connection.
func (d *Dialer) connect(ctx context.Context, addr string, proxy bool) (net.Conn, error) {
	dial := d.NetDial
	if dial == nil {
		dial = (&net.Dialer{Resolver: d.Resolver}).DialContext
	}
	nc, err := dial(ctx, "tcp", addr)
	if err == nil && nc != nil {
		return nc, nil
	}
	if err == nil {
		err = errors.New("NetDial returned no connection")
	}
	op := "connect"
	var dns *net.DNSError
	switch {
	case proxy:
		op = "proxy"
	case errors.As(err, &dns):
		op = "resolve"
	}
	return nil, &DialError{Op: op, Addr: addr, Err: because(ctx, err)}
}

// startTLS does the TLS handshake with the host of u. op is how a failure is
// called.
func (d *Dialer) startTLS(ctx context.Context, nc net.Conn, u *url.URL, op string) (net.Conn, error) {
	config := d.TLSConfig.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if config.ServerName == "" || op == "proxy" {
		config.ServerName, _, _ = strings.Cut(u.Hostname(), "%")
	}
	if len(config.NextProtos) == 0 {
		config.NextProtos = []string{"http/1.1"}
	}
	below := nc
	if config.Renegotiation == tls.RenegotiateNever { // a handshake cannot be taken up again
		below = cover(nc)
	}
	tc := tls.Client(below, config)
	err := tc.HandshakeContext(ctx)
	if err == nil && tc.ConnectionState().NegotiatedProtocol == "h2" {
		err = settingError("the server chose HTTP/2: leave h2 out of TLSConfig.NextProtos")
	}
	var bad tls.RecordHeaderError
	if errors.As(err, &bad) {
		err = fmt.Errorf("the server does not speak TLS on this port, ws:// may be meant: %w", err)
	}
	if err != nil {
		return nil, &DialError{Op: op, Addr: hostPort(u), Err: because(ctx, err)}
	}
	return tc, nil
}

// closeWhenDone closes nc when ctx ends, which ends whatever blocks on it. The
// returned function stops that; if it is too late, nc is closed and it returns
// the cause.
func closeWhenDone(ctx context.Context, nc net.Conn) (release func() error) {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = nc.Close()
		close(closed)
	})
	return func() error {
		if stop() {
			return nil
		}
		<-closed
		return context.Cause(ctx)
	}
}

// because returns why ctx ended, if it has: then err is only what came of it.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
