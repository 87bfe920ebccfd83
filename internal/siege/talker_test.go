//go:build linux

package siege

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	talkEvery = 100 * time.Millisecond // between two writes of a client
	talkSize  = 8                      // bytes of a message: its number
)

// talker is a client that sends all the time, in the same rhythm whatever comes
// back, and checks that its messages come back in order until the server closes.
type talker struct {
	nc    *net.TCPConn
	batch int  // messages in a write
	mute  bool // it does not answer the close frame
	sent  atomic.Int64
	told  atomic.Bool // the server's close frame has come
	over  chan struct{}

	// What came; to be read when over is closed.
	got    int64
	code   int
	reason string
	err    error // how it ended: io.EOF if properly
}

// chorus is many talkers.
type chorus struct {
	all   []*talker
	begun time.Time
	wg    sync.WaitGroup
}

// gather opens n connections that send rate messages a second in all. Call talk.
func gather(t testing.TB, addr, path string, n, rate int) *chorus {
	t.Helper()
	c := &chorus{all: make([]*talker, n)}
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	gate := make(chan struct{}, 50)
	for i := range n {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			p, err := meet(addr, path)
			if err != nil {
				failed.Store(&err)
				return
			}
			_ = p.nc.SetDeadline(time.Time{})
			c.all[i] = &talker{nc: p.nc, batch: max(1, rate*int(talkEvery/time.Millisecond)/1000/n), over: make(chan struct{})}
			if p.br.Buffered() > 0 {
				err := errors.New("the server speaks first")
				failed.Store(&err)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		t.Fatalf("gather: %v", *err)
	}
	t.Cleanup(func() {
		for _, x := range c.all {
			_ = x.nc.Close()
		}
		c.wg.Wait()
	})
	return c
}

// talk lets them begin, spread over the rhythm.
func (c *chorus) talk() {
	c.begun = time.Now()
	for i, x := range c.all {
		c.wg.Go(func() { x.write(talkEvery * time.Duration(i) / time.Duration(len(c.all))) })
		c.wg.Go(x.read)
	}
}

// sent is how many messages have left so far, got how many have come back when all
// have ended.
func (c *chorus) sent() (n int64) {
	for _, x := range c.all {
		n += x.sent.Load()
	}
	return n
}

func (c *chorus) got() (n int64) {
	for _, x := range c.all {
		n += x.got
	}
	return n
}

// ended waits until every client has come to its end, and counts the ends.
func (c *chorus) ended(t testing.TB, limit time.Duration) map[string]int {
	t.Helper()
	ends, late := map[string]int{}, time.After(limit)
	for _, x := range c.all {
		select {
		case <-x.over:
			ends[x.end()]++
		case <-late:
			t.Fatalf("after %v a client has not come to its end", limit)
		}
	}
	return ends
}

func (x *talker) end() string {
	switch {
	case errors.Is(x.err, io.EOF):
		return fmt.Sprintf("%d %q, EOF", x.code, x.reason)
	case errors.Is(x.err, syscall.ECONNRESET):
		return fmt.Sprintf("%d %q, reset", x.code, x.reason)
	}
	return fmt.Sprintf("%d %q, %v", x.code, x.reason, x.err)
}

func (x *talker) write(delay time.Duration) {
	select {
	case <-time.After(delay):
	case <-x.over:
		return
	}
	tick := time.NewTicker(talkEvery)
	defer tick.Stop()
	var buf, number []byte
	for !x.told.Load() {
		buf = buf[:0]
		for i := range x.batch {
			number = binary.BigEndian.AppendUint64(number[:0], uint64(x.sent.Load())+uint64(i))
			buf = appendFrame(buf, fin|opBinary, number)
		}
		if _, err := x.nc.Write(buf); err != nil {
			return
		}
		x.sent.Add(int64(x.batch))
		select {
		case <-tick.C:
		case <-x.over:
			return
		}
	}
}

// read reads to the end, and answers the close frame unless it is mute.
func (x *talker) read() {
	defer close(x.over)
	defer func() { _ = x.nc.Close() }()
	in := bufio.NewReaderSize(x.nc, 4<<10)
	for {
		f, err := readFrame(in, false)
		switch {
		case err != nil:
			x.err = err
			return
		case x.told.Load():
			x.err = illegal("a frame behind its close frame")
			return
		case f.op == opBinary:
			if len(f.payload) != talkSize || binary.BigEndian.Uint64(f.payload) != uint64(x.got) {
				x.err = illegal("% x where message %d was due", f.payload, x.got)
				return
			}
			x.got++
		case f.op == opClose:
			x.code, x.reason = f.code(), string(f.payload[min(2, len(f.payload)):])
			x.told.Store(true)
			if !x.mute {
				_, _ = x.nc.Write(appendFrame(nil, fin|opClose, f.payload))
			}
		}
	}
}

// sockets returns n, or less if the process may not have two descriptors for each.
func sockets(t testing.TB, n int) int {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	if most := (int(l.Cur) - 200) / 3; most < n {
		t.Logf("only %d connections: the limit of open files is %d", most, l.Cur)
		return most
	}
	return n
}
