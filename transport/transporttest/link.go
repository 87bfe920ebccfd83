package transporttest

import (
	"net"
	"sync"
	"sync/atomic"
)

// capacity is how many bytes each direction of a Link holds before its writer
// blocks, like the buffers of a socket.
const capacity = 64 << 10

// Direction is one of the two ways through a Link.
type Direction int

// The directions.
const (
	ToServer Direction = iota
	ToClient
)

// Link is a duplex byte pipe in memory with the manners of a TCP connection: a
// bounded buffer each way, deadlines, half close, reset. Its faults are in
// faults.go; the zero fault is none. All methods are safe in any goroutine.
type Link struct {
	mu     sync.Mutex
	change sync.Cond // anything that may end a wait
	ways   [2]way    // by Direction
	ends   [2]end    // by the Direction that the end reads
	reset  bool
}

// way is one direction of a Link.
type way struct {
	buf   []byte // accepted and not read; the first ready bytes may be read
	ready int
	sent  int // bytes accepted since the beginning
	fin   bool
	faults
}

var ports atomic.Int32

// NewLink returns a link without faults.
func NewLink() *Link {
	l := &Link{}
	l.change.L = &l.mu
	port := 20000 + int(ports.Add(1)%40000)
	client := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	server := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	l.ends[ToClient] = end{l: l, in: &l.ways[ToClient], out: &l.ways[ToServer], local: client, remote: server}
	l.ends[ToServer] = end{l: l, in: &l.ways[ToServer], out: &l.ways[ToClient], local: server, remote: client}
	return l
}

// Client returns the end of the client.
func (l *Link) Client() net.Conn { return &l.ends[ToClient] }

// Server returns the end of the server.
func (l *Link) Server() net.Conn { return &l.ends[ToServer] }

// Sent returns how many bytes have been written in direction d.
func (l *Link) Sent(d Direction) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ways[d].sent
}

// Unread returns how many bytes written in direction d have not been read.
func (l *Link) Unread(d Direction) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ways[d].buf)
}

// Close closes both ends.
func (l *Link) Close() {
	_ = l.ends[ToClient].Close()
	_ = l.ends[ToServer].Close()
}

// Reset resets the connection now: both ends may read what has been delivered
// and then get ECONNRESET.
func (l *Link) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resetLocked()
}

func (l *Link) resetLocked() {
	l.reset = true
	for i := range l.ways {
		w := &l.ways[i]
		w.buf = w.buf[:w.ready]
		w.stopTimer()
	}
	l.change.Broadcast()
}
