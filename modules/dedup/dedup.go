package dedup

import (
	"sync"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// ForClient returns a middleware for one client: its server is the only peer there
// is, whatever connections there have been to it. key returns the key of an inbound
// message, or "" for one that always passes; it may be nil if only Options.Outbound
// is wanted. It is inline, and fails open. An error is an *actors.OptionError.
func ForClient(key func(transport.Message) string, o Options) (actors.Middleware, error) {
	if err := o.validate(key); err != nil {
		return actors.Middleware{}, err
	}
	return newClient(key, o).middleware(), nil
}

func newClient(key func(transport.Message) string, o Options) *filter {
	f := &filter{options: o.withDefaults(), key: key}
	f.only = &link{peer: newPeer(&f.options, ""), outbound: newMemory(&f.options)}
	return f
}

// ForServer returns a middleware for one server. who says which peer a connection
// belongs to, such as the identity found in Conn.Metadata: peers do not know each
// other's keys. It is asked once for each connection; with "" nothing of the
// connection is a duplicate. Everything else is as for ForClient.
func ForServer(key func(transport.Message) string, who func(*actors.Conn) string, o Options) (actors.Middleware, error) {
	if err := o.validate(key); err != nil {
		return actors.Middleware{}, err
	}
	if who == nil {
		return actors.Middleware{}, &actors.OptionError{Option: "dedup who", Problem: "is nil; it must tell the clients apart, or one's message is taken for another's"}
	}
	f := newServer(key, who, o)
	m := f.middleware()
	m.New = func() actors.Interceptor { return (*listener)(f) }
	return m, nil
}

func newServer(key func(transport.Message) string, who func(*actors.Conn) string, o Options) *filter {
	f := &filter{options: o.withDefaults(), key: key, who: who}
	f.peers = newPeers(&f.options)
	return f
}

// filter is what all Interceptors of one middleware share: it outlives their
// restarts.
type filter struct {
	options Options
	key     func(transport.Message) string

	only *link // of a client, over all its connections

	who   func(*actors.Conn) string // of a server
	peers *peers
	conns sync.Map // of *actors.Conn to *link, from OnConnect to OnDisconnect
}

// link is what a connection has to do with: what its peer has sent, and what was
// sent on it.
type link struct {
	peer     *peer
	outbound *memory
}

func (f *filter) middleware() actors.Middleware {
	return actors.Middleware{Name: f.options.Name, Inline: true, FailOpen: true, New: func() actors.Interceptor { return f }}
}

// link returns that of a connection, or nil if nothing of it is a duplicate.
func (f *filter) link(c *actors.Conn) *link {
	if f.only != nil {
		return f.only
	}
	v, _ := f.conns.Load(c)
	l, _ := v.(*link)
	return l
}

// OnReceive implements actors.Interceptor.
func (f *filter) OnReceive(c *actors.Conn, m transport.Message) actors.Verdict {
	l := f.link(c)
	if l == nil {
		return actors.Pass()
	}
	if f.options.Failed != nil {
		if key := f.options.Failed(m); key != "" {
			l.outbound.forget(key)
		}
	}
	if f.key == nil {
		return actors.Pass()
	}
	key := f.key(m)
	if key == "" {
		return actors.Pass()
	}
	switch l.peer.inbound.see(key, c.ID(), time.Now(), f.options.Done == nil) {
	case underway:
		return actors.Drop("it is being handled already")
	case duplicate:
		if f.options.Duplicate != nil {
			return f.options.Duplicate(c, m)
		}
		return actors.Drop("a duplicate")
	default:
		return actors.Pass()
	}
}

// OnSend implements actors.Interceptor.
func (f *filter) OnSend(c *actors.Conn, m transport.Message) actors.Verdict {
	l := f.link(c)
	if l == nil {
		return actors.Pass()
	}
	if f.options.Done != nil {
		if key := f.options.Done(m); key != "" {
			l.peer.inbound.finish(key)
		}
	}
	if f.options.Outbound == nil {
		return actors.Pass()
	}
	key := f.options.Outbound(m)
	if key == "" || l.outbound.see(key, c.ID(), time.Now(), false) == first {
		return actors.Pass()
	}
	return actors.Reject(ErrDuplicate)
}

// listener is the filter of a server, which learns of its connections.
type listener filter

// OnReceive implements actors.Interceptor.
func (l *listener) OnReceive(c *actors.Conn, m transport.Message) actors.Verdict {
	return (*filter)(l).OnReceive(c, m)
}

// OnSend implements actors.Interceptor.
func (l *listener) OnSend(c *actors.Conn, m transport.Message) actors.Verdict {
	return (*filter)(l).OnSend(c, m)
}

// OnConnect finds the connection's peer.
func (l *listener) OnConnect(c *actors.Conn) error {
	if name := l.who(c); name != "" {
		l.conns.Store(c, &link{peer: l.peers.acquire(name), outbound: newMemory(&l.options)})
	}
	return nil
}

// OnDisconnect lets go of it.
func (l *listener) OnDisconnect(c *actors.Conn, _ error) {
	if v, ok := l.conns.LoadAndDelete(c); ok {
		l.peers.release(v.(*link).peer)
	}
}
