package transport

import "net"

// errAgain says that a stream has no bytes at the moment.
var errAgain error = againError{}

// againError is a net.Error after which a tls.Conn can be read again.
type againError struct{}

func (againError) Error() string   { return "transport: nothing to read yet" }
func (againError) Timeout() bool   { return true }
func (againError) Temporary() bool { return true }

// stream is the byte side of a Conn. There are two: pollStream, a raw
// descriptor in an epoll loop, and pumpStream, a goroutine that blocks in
// net.Conn.Read. Both own the rules that a Handler relies on: when it is told
// what, and that a closed Conn gives back what it holds once nobody is inside.
type stream interface {
	// start sets the Conn's handler and lets its calls begin. With told, Readable
	// is called at once from another goroutine, because there are bytes of the
	// handshake left.
	start(h Handler, told bool)
	// beginRead lets one Read in; until endRead the Conn's buffers stay. It says
	// no with ErrClosed when the Conn is closed, and without an error when another
	// Read is inside.
	beginRead() (ok bool, err error)
	// fill appends what one read yields to buf, or to a buffer of its choice when
	// buf is nil; it takes buf over and returns the one that holds everything.
	// full says that the read took as much as it could. With an error it returns
	// buf as it was.
	fill(buf *Buffer, hint int) (out *Buffer, full bool, err error)
	// endRead ends what beginRead began. With failed, no Readable follows; with
	// again, one follows though the socket may have nothing.
	endRead(failed, again bool)
	// write writes what the socket takes. With last nothing follows but the end of the
	// stream, and the system may keep p back until then, but not long.
	write(p []byte, last bool) (int, error)
	pause()
	resume()
	closeWrite() error
	// exhausted reports whether the system surely has nothing more to read.
	exhausted() bool
	close(reset bool) error
	done() <-chan struct{}
	remoteAddr() net.Addr
	localAddr() net.Addr
}

// closedChan is what Done returns for a Conn that is gone when asked first.
var closedChan = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
