package actors

import (
	"maps"
	"sync"

	"github.com/hawser-go/hawser/transport"
)

// ServerStats are the statistics of a server at one moment: everything since it was
// made. No counter but Connections ever decreases. It is a value of its own; nothing
// changes it later.
type ServerStats struct {
	// Name is the name of the server.
	Name string
	// Connections is how many there are, Total how many there have been.
	Connections int
	Total       uint64
	// Refused counts the handshakes that failed, by the status that was sent. Under 0
	// stand those that got none: the client left, or its place was given to another.
	// Nil if there were none.
	Refused map[int]uint64
	// Ended counts the connections that ended, by the code of the client's close frame,
	// or 1006 if none came (RFC 6455 §7.1.5). Nil if there were none.
	Ended map[transport.CloseCode]uint64
	// PingRTT is the round trip of the pings that were answered.
	PingRTT Latency
	// MessagesSent counts the data messages that were written, MessagesReceived those
	// that came.
	MessagesSent, MessagesReceived uint64
	// BytesSent counts the bytes of the frames handed to the sockets, BytesReceived the
	// payload of the data messages received.
	BytesSent, BytesReceived uint64
	// Books say what became of the messages that were accepted for the connections.
	Books Books
	// Of the messages received, no module wanted the Unrouted; at the Faulted a
	// handler panicked; the Discarded fell to an overflow policy or a middleware.
	Unrouted, Faulted, Discarded uint64
	// Restarts counts the restarts of modules and middleware.
	Restarts uint64
}

// Stats returns the statistics of the server. It asks no actor, so it works at any
// time, also after the server has ended.
func (s *Server) Stats() ServerStats {
	v := s.s
	c := &v.counters
	st := ServerStats{
		Name: v.name, Connections: s.Connections(), Total: v.ids.Load(),
		Refused: v.refusals.copy(), Ended: v.endings.copy(), PingRTT: c.rtt.latency(),
		MessagesReceived: c.received.Load(), BytesSent: c.bytesSent.Load(), BytesReceived: c.bytesReceived.Load(),
		Books: s.Books(), Unrouted: c.unrouted.Load(), Faulted: c.failed.Load(), Discarded: c.discarded.Load(),
		Restarts: c.restarts.Load(),
	}
	st.MessagesSent = st.Books.Written + st.Books.Acked
	return st
}

// register is a tally that several goroutines add to.
type register[K ~int | ~uint16] struct {
	mu    sync.Mutex
	tally tally[K]
}

func (r *register[K]) add(key K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.add(key)
}

func (r *register[K]) copy() map[K]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.tally)
}

// endCode is the code that stands for the end of the connection.
func (c *Conn) endCode() transport.CloseCode {
	if code := transport.CloseCode(c.peerCode.Load()); code != 0 {
		return code
	}
	return transport.Abnormal
}
