package transport

import (
	"net"
)

// Handler is told what a Conn can do next. The calls come from a poller loop or
// from a goroutine of the Conn. Readable calls of one Conn never overlap each
// other, nor do Writable calls; a Readable may overlap a Writable. A handler may
// call any method of the Conn from within, but must not wait for Done there. It
// may block: only its own Conn waits for it. It must not panic.
type Handler interface {
	// Readable asks for one call of Read, here or later, from any goroutine. It
	// is not called again before that Read.
	Readable(c *Conn)
	// Writable says that a Write that was cut short can go on: call Write again
	// with the rest.
	Writable(c *Conn)
}

// ConnOptions says what a Conn is made of. The zero value is a client without a
// poller.
type ConnOptions struct {
	// Server is our role: frames of the peer must be masked for a server and
	// must not be for a client (RFC 6455 §5.1).
	Server bool
	// Limits bound what the peer may send. They are shared between Conns and must
	// not change. Default: DefaultServerMaxMessage or DefaultClientMaxMessage.
	Limits *Limits
	// Poller watches the socket if it is a *net.TCPConn, or one of TLSServer or a
	// Dialer, and the system has one for us. Default nil: a goroutine reads it.
	Poller *Poller
	// Leftover is what was read behind the handshake. It is copied.
	Leftover []byte
	// Subprotocol is what the handshake agreed on, or empty.
	Subprotocol string

	deflate *deflation // what the handshake agreed on, or nil
}

var (
	defaultServerLimits = Limits{}.withDefaults(DefaultServerMaxMessage)
	defaultClientLimits = Limits{}.withDefaults(DefaultClientMaxMessage)
)

// Conn is one WebSocket connection after its handshake. It turns bytes into
// batches of messages; it sends no frame on its own accord.
//
// Read is called by one reader, when told; Write by one writer. All other
// methods are safe in any goroutine at any time.
type Conn struct {
	s           stream
	h           Handler
	part        *Buffer // bytes of an incomplete frame; nil while idle
	subprotocol string
	d           decoder
	hint        int32 // size of the next read buffer; 0: the smallest
	server      bool
	leftover    bool // part has not been decoded: it came with the handshake, or a Batch was full
}

// NewConn makes a Conn of nc, whose handshake is done, and takes nc over: the
// caller must not use it any more. With a Poller a *net.TCPConn is moved there,
// and so is a *tls.Conn that TLSServer or a Dialer has made of one
// (its descriptor is duplicated and nc closed, so that Go's own poller forgets
// it). If that fails, for instance for want of descriptors, or nc is something
// else, a goroutine reads nc behind the same contract.
func NewConn(nc net.Conn, o ConnOptions) *Conn {
	c := adopt(nc, &o)
	if c == nil {
		c = newPumped(nc)
		c.init(&o)
	}
	return c
}

// init makes c what o says. With a Poller that is done before the poller knows c: it
// may be closed at any time, and c with it.
func (c *Conn) init(o *ConnOptions) {
	c.server, c.subprotocol = o.Server, o.Subprotocol
	c.d.init(o.Server, o.limits())
	c.d.deflate = o.deflate
	if len(o.Leftover) > 0 {
		c.part = NewBuffer(len(o.Leftover) + 1)
		c.part.B = append(c.part.B, o.Leftover...)
		c.leftover = true
	}
}

// limits returns Limits with defaults. Those that have them already, as from a
// Dialer or an Upgrader, stay shared.
func (o *ConnOptions) limits() *Limits {
	def := &defaultClientLimits
	if o.Server {
		def = &defaultServerLimits
	}
	if o.Limits == nil {
		return def
	}
	if full := o.Limits.withDefaults(def.MaxMessage); full != *o.Limits {
		return shared(full)
	}
	return o.Limits
}

// Start names the handler and lets its calls begin. It is called once. If the
// handshake left bytes over, Readable comes at once, but never from inside
// Start.
func (c *Conn) Start(h Handler) { c.s.start(h, c.leftover) }

// Read reads the socket once, without blocking, and returns every message that
// is whole now. It returns (nil, nil) when no message is. The caller releases
// the Batch. If compressed messages have become so long that it would be too
// big, the rest is left for another Readable, which follows at once.
//
// After a Batch with Err or Close what the peer still sends is thrown away
// until the end, which is a *ReadError with io.EOF. Read is called once for
// each Readable; after Close it returns ErrClosed.
func (c *Conn) Read() (*Batch, error) {
	if ok, err := c.s.beginRead(); !ok {
		return nil, err
	}
	b, err := c.read()
	c.s.endRead(err != nil, c.leftover)
	return b, err
}

// Ignore makes Read throw away all that comes from now on, until the end, as after a
// Batch with Err. It is for the reader.
func (c *Conn) Ignore() { c.d.release() }

// Write writes as much of p as the socket takes, without blocking. If n is less
// than len(p) and err is nil, Writable follows; the next Write then begins with
// p[n:], and may go on with more behind it. p is not kept.
//
// Calls must be serial. A byte is counted when the socket has taken it. Errors
// are a *WriteError or ErrClosed.
func (c *Conn) Write(p []byte) (n int, err error) { return c.s.write(p, false) }

// WriteLast is Write for the last bytes before CloseWrite or Close, which must follow
// soon: p may then leave together with FIN.
func (c *Conn) WriteLast(p []byte) (n int, err error) { return c.s.write(p, true) }

// Pause stops reading, so that TCP pushes the peer back. A Readable that is
// under way is not recalled, and its Read works. While paused, the end of the
// connection is noticed only by writing.
func (c *Conn) Pause() { c.s.pause() }

// Resume ends Pause.
func (c *Conn) Resume() { c.s.resume() }

// CloseWrite says that nothing will be written any more: with FIN, under TLS
// with a close_notify behind what is being written. It does not wait for it.
// For connections that know no such thing it does nothing.
func (c *Conn) CloseWrite() error { return c.s.closeWrite() }

// Exhausted reports whether the system has nothing more of what the peer sent. It is
// false also when that cannot be told.
func (c *Conn) Exhausted() bool { return c.s.exhausted() }

// Close closes the socket and gives every buffer back, once no call is inside
// the Conn any more. It does not block, and calls after the first do nothing.
// A Handler call that has begun may still be running afterwards.
func (c *Conn) Close() error { return c.s.close(false) }

// Reset is Close with a TCP reset instead of FIN where the connection can do
// that: what is unsent is thrown away and the peer gets an error.
func (c *Conn) Reset() error { return c.s.close(true) }

// Done returns a channel that is closed when the socket is closed and all
// goroutines of the Conn have ended. Handler calls that a poller makes are not
// among them.
func (c *Conn) Done() <-chan struct{} { return c.s.done() }

// RemoteAddr returns the peer's address, also after Close.
func (c *Conn) RemoteAddr() net.Addr { return c.s.remoteAddr() }

// LocalAddr returns our address, also after Close.
func (c *Conn) LocalAddr() net.Addr { return c.s.localAddr() }

// Subprotocol returns what the handshake agreed on, or "".
func (c *Conn) Subprotocol() string { return c.subprotocol }

// Server reports whether we are the server of this connection.
func (c *Conn) Server() bool { return c.server }

// Polled reports whether a Poller watches the socket; if not, a goroutine does.
func (c *Conn) Polled() bool { return polled(c.s) }
