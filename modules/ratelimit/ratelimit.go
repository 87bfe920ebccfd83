package ratelimit

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// ErrExceeded is in the outcome's Err of a message that was rejected.
var ErrExceeded = errors.New("ratelimit: more than the limit allows")

// New returns a middleware that limits. It is inline and fails closed: a connection
// is refused whose Key panics. Make one for each client or server, or give the same
// one to several that shall share its buckets. An error is an *actors.OptionError.
func New(o Options) (actors.Middleware, error) {
	if err := o.validate(); err != nil {
		return actors.Middleware{}, err
	}
	return newLimiter(o).middleware(), nil
}

// ByAddress is a Key: the IP address of the peer, for IPv6 its first 64 bits, which
// are one subscriber's. Behind a proxy that is the address of the proxy, and all
// its clients share a bucket: use what it says about them, in Conn.Metadata.
func ByAddress(c *actors.Conn) string {
	addr := c.RemoteAddr()
	if addr == nil {
		return ""
	}
	return subscriber(addr.String())
}

func subscriber(addr string) string {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return addr
	}
	ip := a.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	p, _ := ip.Prefix(64) // never fails for IPv6
	return p.String()
}

// limiter is what all Interceptors of one middleware share: it outlives their
// restarts.
type limiter struct {
	options Options
	shelf   *shelf
	conns   sync.Map // of *actors.Conn to *bucket, from OnConnect to OnDisconnect
}

func newLimiter(o Options) *limiter {
	l := &limiter{options: o.withDefaults()}
	l.shelf = newShelf(&l.options)
	return l
}

func (l *limiter) middleware() actors.Middleware {
	return actors.Middleware{Name: l.options.Name, Inline: true, New: func() actors.Interceptor { return l }}
}

// OnConnect gives the connection its bucket.
func (l *limiter) OnConnect(c *actors.Conn) error {
	key := ""
	if l.options.Key != nil {
		key = l.options.Key(c)
	}
	if key == "" {
		l.conns.Store(c, newBucket(&l.options))
		return nil
	}
	l.conns.Store(c, l.shelf.acquire(key))
	return nil
}

// OnDisconnect takes it back.
func (l *limiter) OnDisconnect(c *actors.Conn, _ error) {
	b, ok := l.conns.LoadAndDelete(c)
	if ok && b.(*bucket).key != "" {
		l.shelf.release(b.(*bucket))
	}
}

// OnReceive implements actors.Interceptor.
func (l *limiter) OnReceive(c *actors.Conn, m transport.Message) actors.Verdict {
	if l.options.Inbound.none() {
		return actors.Pass()
	}
	b, ok := l.conns.Load(c)
	return l.judge(ok && b.(*bucket).inbound.take(time.Now(), len(m.Payload)))
}

// OnSend implements actors.Interceptor.
func (l *limiter) OnSend(c *actors.Conn, m transport.Message) actors.Verdict {
	if l.options.Outbound.none() {
		return actors.Pass()
	}
	b, ok := l.conns.Load(c)
	return l.judge(ok && b.(*bucket).outbound.take(time.Now(), len(m.Payload)))
}

func (l *limiter) judge(allowed bool) actors.Verdict {
	switch {
	case allowed:
		return actors.Pass()
	case l.options.Action == Close:
		return actors.CloseConn(l.options.Code, "rate limit exceeded")
	case l.options.Action == Reject:
		return actors.Reject(ErrExceeded)
	}
	return actors.Drop("rate limit exceeded")
}
