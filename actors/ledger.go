package actors

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// Reason says why an accepted message was dropped.
type Reason uint8

// The reasons for which an accepted message may be dropped.
const (
	// Overflow: the queue was full and its policy gave this message up.
	Overflow Reason = iota
	// Expired: the message waited longer than its TTL or than the outbox keeps
	// messages, or was Volatile and there was no connection.
	Expired
	// Closed: the client or the connection ended before the message left.
	Closed
	// Superseded: a newer message took its place.
	Superseded
	// Rejected: a middleware refused it.
	Rejected

	reasons = iota
)

var reasonNames = [reasons]string{"overflow", "expired", "closed", "superseded", "rejected"}

// String returns the reason in one word.
func (r Reason) String() string { return reasonNames[r] }

// Result is the way in which an accepted message ended.
type Result uint8

// The results. Each accepted message has exactly one.
const (
	// Written: all its bytes were handed to the operating system.
	Written Result = iota
	// Dropped: none of its bytes was handed over; the Reason says why.
	Dropped
	// Unknown: the socket died while its bytes were being handed over. The peer
	// may or may not have got it. Of a message with Outgoing.Ack also: it was
	// written, and its acknowledgement did not come.
	Unknown
	// Acked: the application has said that the peer has it. Only of messages with
	// Outgoing.Ack, and in place of Written.
	Acked
)

var resultNames = [...]string{"written", "dropped", "unknown", "acked"}

// String returns the result in one word.
func (r Result) String() string { return resultNames[r] }

// Outcome is the end of one accepted message.
type Outcome struct {
	// ID is what Send returned for the message, or its Receipt.
	ID uint64
	// Result says how it ended.
	Result Result
	// Reason says why it was dropped; it means something only if it was.
	Reason Reason
	// Err is why a middleware rejected it; nil in all other cases.
	Err error
}

// Books are the counters of a client's or server's outbound messages at one
// moment. They balance when no message is lost without being told.
type Books struct {
	// Accepted counts the messages that Send or Post took.
	Accepted uint64 `json:"accepted"`
	// InFlight counts those that have no outcome yet, those that wait for their
	// acknowledgement included.
	InFlight uint64 `json:"in_flight"`
	// Written counts those handed to the operating system.
	Written uint64 `json:"written"`
	// Acked counts those of which the application has said that the peer has them.
	Acked uint64 `json:"acked"`
	// Unknown counts those whose socket died while they were handed over, or
	// before they were acknowledged.
	Unknown uint64 `json:"unknown"`
	// Dropped counts the others by reason.
	Dropped [reasons]uint64 `json:"-"`
}

// DroppedAll returns the number of messages dropped for any reason.
func (b Books) DroppedAll() (n uint64) {
	for _, d := range b.Dropped {
		n += d
	}
	return n
}

// Balanced reports whether every accepted message is accounted for.
func (b Books) Balanced() bool {
	return b.Accepted == b.InFlight+b.Written+b.Acked+b.Unknown+b.DroppedAll()
}

// String returns the books in one line.
func (b Books) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "accepted %d = written %d + unknown %d + in flight %d", b.Accepted, b.Written, b.Unknown, b.InFlight)
	if b.Acked > 0 {
		fmt.Fprintf(&s, " + acked %d", b.Acked)
	}
	for r, n := range b.Dropped {
		if n > 0 {
			fmt.Fprintf(&s, " + dropped(%s) %d", Reason(r), n)
		}
	}
	return s.String()
}

// ledger counts what became of accepted messages. Outboxes add to it in batches;
// what is in flight is never derived from the other counters, so that Balanced
// can fail.
type ledger struct {
	accepted, inFlight, written, acked, unknown atomic.Uint64
	dropped                                     [reasons]atomic.Uint64
}

func (l *ledger) books() Books {
	var b Books
	// In flight is read last and accepted first only in a still system; under
	// load the caller locks the outbox or accepts a snapshot that is slightly off.
	b.Accepted, b.Written, b.Acked, b.Unknown = l.accepted.Load(), l.written.Load(), l.acked.Load(), l.unknown.Load()
	for r := range b.Dropped {
		b.Dropped[r] = l.dropped[r].Load()
	}
	b.InFlight = l.inFlight.Load()
	return b
}

// settle counts n messages that ended.
func (l *ledger) settle(result Result, reason Reason, n uint64) {
	switch result {
	case Written:
		l.written.Add(n)
	case Acked:
		l.acked.Add(n)
	case Unknown:
		l.unknown.Add(n)
	case Dropped:
		l.dropped[reason].Add(n)
	}
	l.inFlight.Add(^(n - 1))
}
