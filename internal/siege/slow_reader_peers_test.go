//go:build linux

package siege

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/hawser-go/hawser/actors"
)

// stalled is a client that does not read.
type stalled struct {
	peer *peer
	conn *actors.Conn
}

// stalled joins as the next connection of the feed. buffer is what the kernel takes
// in its place: with very little, reading on would take minutes.
func (f *fort) stalled(feed *broadcast, buffer int) stalled {
	f.t.Helper()
	n := feed.count()
	nc, err := dial(f.lean)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = nc.Close() })
	if err := nc.SetReadBuffer(buffer); err != nil {
		f.t.Fatal(err)
	}
	p, r := shake(nc, "/feed")
	if r.err != nil {
		f.t.Fatal(r.err)
	}
	f.await("it is there", func() bool { return feed.count() == n+1 })
	return stalled{peer: p, conn: feed.conns[n]}
}

// reader is a client that reads the feed as fast as it can. It checks the header and
// the beginning of each message and counts the rest, which it leaves in the kernel:
// a hundred readers that copy what they read would be most of the load.
type reader struct {
	nc   *net.TCPConn
	raw  syscall.RawConn
	got  atomic.Int64
	more chan struct{} // one when got has grown
	over chan struct{} // closed when it has ended
	err  error         // why it ended before it should
}

// readerHead is a frame's header and the number of the message.
const readerHead = 10 + 8

func (f *fort) reader() *reader {
	f.t.Helper()
	p := f.join(f.lean, "/feed")
	raw, err := p.nc.SyscallConn()
	if err != nil || p.br.Buffered() > 0 {
		f.t.Fatal("the reader cannot begin: ", err)
	}
	r := &reader{nc: p.nc, raw: raw, more: make(chan struct{}, 1), over: make(chan struct{})}
	go r.read()
	return r
}

func (r *reader) read() {
	defer close(r.over)
	head := make([]byte, readerHead)
	for n := 0; ; n++ {
		if _, r.err = io.ReadFull(r.nc, head[:4]); r.err != nil || head[0] == fin|opClose {
			return // a close frame of ours has a code and no reason: that was all of it
		}
		if _, r.err = io.ReadFull(r.nc, head[4:]); r.err != nil {
			return
		}
		if head[0] != fin|opBinary || head[1] != 127 || binary.BigEndian.Uint64(head[2:]) != slowMessage || binary.BigEndian.Uint64(head[10:]) != uint64(n) {
			r.err = illegal("% x for message %d", head, n)
			return
		}
		if r.err = r.skip(slowMessage - 8); r.err != nil {
			return
		}
		r.got.Store(int64(n + 1))
		select {
		case r.more <- struct{}{}:
		default:
		}
	}
}

// skip takes n bytes from the socket without copying them (tcp(7), MSG_TRUNC).
func (r *reader) skip(n int) error {
	scratch := make([]byte, 1)
	for n > 0 {
		var took int
		var failed error
		err := r.raw.Read(func(fd uintptr) bool {
			took, failed = truncate(int(fd), scratch, n)
			return !errors.Is(failed, syscall.EAGAIN)
		})
		switch {
		case err != nil || failed != nil:
			return errors.Join(err, failed)
		case took == 0:
			return io.ErrUnexpectedEOF
		}
		n -= took
	}
	return nil
}

// truncate is recv(2) of at most n bytes with MSG_TRUNC.
func truncate(fd int, scratch []byte, n int) (int, error) {
	took, _, errno := syscall.Syscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&scratch[0])), uintptr(n), syscall.MSG_TRUNC|syscall.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(took), nil
}

// await returns when n messages have come, or none will.
func (r *reader) await(n int) {
	for r.got.Load() < int64(n) {
		select {
		case <-r.more:
		case <-r.over:
			return
		}
	}
}

func awaitAll(t *testing.T, readers []*reader, n int) {
	t.Helper()
	for i, r := range readers {
		r.await(n)
		if got := r.got.Load(); got < int64(n) {
			t.Errorf("quick reader %d got %d of %d messages: %v", i, got, n, r.err)
		}
	}
}

// leave ends the client; an error says that it had ended before.
func (r *reader) leave() error {
	select {
	case <-r.over:
		return fmt.Errorf("it ended before: %w", r.err)
	default:
	}
	_, err := r.nc.Write(appendFrame(nil, fin|opClose, []byte{0x03, 0xe8}))
	<-r.over
	_ = r.nc.Close()
	return errors.Join(err, r.err)
}
