//go:build linux

package siege

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

const (
	slowQueue   = 1 << 20  // OutboxLimits.Bytes, which is the default of a server
	slowMessage = 64 << 10 // of the broadcast
	slowTotal   = 64 << 20 // broadcast to each connection
	slowReaders = 99       // that are quick
	// slowWindow is how many messages the broadcast is ahead of its quick readers.
	slowWindow = 4
	// slowClose is CloseTimeout, which is the default.
	slowClose = 5 * time.Second
)

// TestSlowReader broadcasts 64 MiB to a hundred clients of which one has stopped
// reading for good. It is cut, and nobody else feels it. One more stops, and reads on
// when it has been cut: it is told why.
func TestSlowReader(t *testing.T) {
	feed := &broadcast{began: now(), cuts: map[*actors.Conn]time.Time{}, ends: map[*actors.Conn]ended{}}
	f := start(t, actors.ServerOptions{
		Modules:   []actors.Module{echo(""), feed.module()},
		Heartbeat: actors.Heartbeat{Interval: -1}, // the readers only read
	})
	before := f.figures()
	dead, late := f.stalled(feed, 4<<10), f.stalled(feed, 256<<10)
	readers := make([]*reader, slowReaders)
	for i := range readers {
		readers[i] = f.reader()
	}
	f.await("all are there", func() bool { return feed.count() == slowReaders+2 })
	control := f.control(f.lean, "/")
	feed.send(readers, 1)
	base := f.figures()
	total := slowTotal / slowMessage
	if raceEnabled || testing.Short() {
		total /= 8
	}
	began := time.Now()
	for feed.sent < total && !feed.cut(dead.conn, late.conn) {
		feed.send(readers, 1)
	}
	if !feed.cut(dead.conn, late.conn) {
		t.Fatal("nobody was cut")
	}
	awaitAll(t, readers, feed.sent)
	full := f.figures()
	t.Logf("cut after %s for each; heap %s above base (queue limit %s), memory %s above base",
		size(feed.sent*slowMessage), size(int64(full.heap)-int64(base.heap)), size(slowQueue), size(int64(full.rss)-int64(base.rss)))
	if full.heap > base.heap+slack(uint64(2*2*slowQueue)) { // two are slow
		t.Errorf("the heap grew by %s for two slow readers, must not by more than twice the queue limit for each", size(full.heap-base.heap))
	}
	last := make(chan ending, 1)
	go func() {
		defer late.peer.reset() // as a polite peer does, or the server waits for its end
		last <- late.peer.end()
	}()
	feed.send(readers, total-feed.sent)
	awaitAll(t, readers, total)
	took := time.Since(began)
	t.Logf("%s for each of %d quick readers in %v", size(total*slowMessage), slowReaders, took.Round(time.Millisecond))

	feed.judge(f, "the one that reads on", late.conn)
	feed.judge(f, "the one that does not", dead.conn)
	select {
	case e := <-last:
		t.Logf("the one that reads on sees: %v", e)
		if e.code != 1013 || !errors.Is(e.err, io.EOF) || e.messages != feed.accepted(late.conn) {
			t.Errorf("the one that reads on must see its %d accepted messages, 1013 and EOF, and sees %v", feed.accepted(late.conn), e)
		}
	case <-time.After(patience):
		t.Error("the one that reads on sees no end")
	}
	if e := dead.peer.end(); true {
		t.Logf("the one that did not, sees when it reads after all: %v; %d had been accepted", e, feed.accepted(dead.conn))
		if !errors.Is(e.err, syscall.ECONNRESET) || e.code != 0 {
			t.Errorf("the one that does not read must be reset, and sees %v", e)
		}
	}
	control.check(50 * time.Millisecond)
	dead.peer.reset()
	for _, r := range readers {
		if err := r.leave(); err != nil {
			t.Errorf("a quick reader: %v", err)
		}
	}
	f.quiet(before)
}

// broadcast is a module that sends to all its connections.
type broadcast struct {
	mu    sync.Mutex
	conns []*actors.Conn
	took  []int // messages accepted, by connection
	cuts  map[*actors.Conn]time.Time
	ends  map[*actors.Conn]ended
	sent  int // messages, to each
	began machine
}

// ended is how a connection ended for the handlers.
type ended struct {
	at    time.Time
	cause error
}

func (b *broadcast) module() actors.Module {
	return actors.Module{Name: "feed", Path: "/feed", New: func() actors.Handler { return b }}
}

func (b *broadcast) OnMessage(*actors.Context, transport.Message) {}

func (b *broadcast) OnConnect(ctx *actors.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns = append(b.conns, ctx.Conn())
	b.took = append(b.took, 0)
	return nil
}

func (b *broadcast) OnDisconnect(ctx *actors.Context, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ends[ctx.Conn()] = ended{at: time.Now(), cause: cause}
}

func (b *broadcast) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.conns)
}

// send broadcasts n messages, as fast as the quick readers read.
func (b *broadcast) send(readers []*reader, n int) {
	message := make([]byte, slowMessage)
	for range n {
		binary.BigEndian.PutUint64(message, uint64(b.sent))
		p, err := transport.Prepare(transport.Binary, message)
		if err != nil {
			panic(err) // it is binary and short
		}
		b.mu.Lock()
		for i, c := range b.conns {
			if _, err := c.SendPrepared(p); err == nil {
				b.took[i]++
			} else if b.cuts[c].IsZero() {
				b.cuts[c] = time.Now()
			}
		}
		b.mu.Unlock()
		b.sent++
		for _, r := range readers {
			r.await(b.sent - slowWindow)
		}
	}
}

// cut reports whether these connections take no more.
func (b *broadcast) cut(conns ...*actors.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !slices.ContainsFunc(conns, func(c *actors.Conn) bool { return b.cuts[c].IsZero() })
}

func (b *broadcast) accepted(c *actors.Conn) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.took[slices.Index(b.conns, c)]
}

// judge checks when the server let go of a slow connection.
func (b *broadcast) judge(f *fort, who string, c *actors.Conn) {
	f.t.Helper()
	var e ended
	f.await("the end of "+who, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		e = b.ends[c]
		return !e.at.IsZero()
	})
	after := e.at.Sub(b.cuts[c])
	f.t.Logf("%s was let go %v after its queue was full: %v", who, after.Round(time.Millisecond), e.cause)
	if limit := slowClose + b.began.allow(500*time.Millisecond); after > limit {
		f.t.Errorf("%s was let go %v after its queue was full, want %v", who, after, limit)
	}
}
