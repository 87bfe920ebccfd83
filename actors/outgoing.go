package actors

import (
	"fmt"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// Class says what becomes of a message that cannot leave at once.
type Class uint8

// The classes.
const (
	// MustDeliver waits, also while the client is offline. The default.
	MustDeliver Class = iota
	// Volatile is worth nothing later: while the client is not Ready it is dropped
	// at once as Expired, and what is still queued when the connection is lost with it.
	Volatile
	// KeepLatest takes the place of an older message with the same Key that waits
	// unwritten: the older one is dropped as Superseded, the newer one goes to the
	// end of the queue. An older one that is being written at that moment is left
	// alone; if the connection is lost under it, it is dropped too, and not sent again.
	KeepLatest

	classes = iota
)

// Outgoing is a message for [Client.Post], with what is to become of it. The zero
// value of each field but Kind is that of a plain Send.
type Outgoing struct {
	// Kind is Text or Binary.
	Kind transport.Kind
	// Payload is copied; it is the caller's again when Post returns.
	Payload []byte
	// Class says what happens while the message cannot leave. Default MustDeliver.
	Class Class
	// Key names what a KeepLatest message is the latest of. Required there, and
	// without a meaning elsewhere.
	Key string
	// TTL is how long the message may wait from the moment it is accepted; then it
	// is dropped as Expired, and never leaves. What a writer has already taken, to
	// write it next, is not called back. Default 0: OutboxLimits.Age alone bounds
	// it, as it does in any case. Negative: it has expired already, which is what a
	// deadline in the past comes to.
	TTL time.Duration
	// Bound is for messages that must not leave under another identity: when the
	// client's identity changes, those that wait are dropped as Superseded.
	Bound bool
	// Ack keeps the message in flight when it is written, until Client.Ack tells
	// that the peer has it (outcome Acked), or the connection that it was written to
	// is lost, or OutboxLimits.AckTimeout has passed, or the client ends (outcome
	// Unknown). It counts towards OutboxLimits.Messages all the while.
	Ack bool
}

func (m *Outgoing) validate() error {
	switch {
	case m.Class >= classes:
		return &OptionError{Option: "Outgoing.Class", Problem: fmt.Sprintf("is %d; it must be MustDeliver, Volatile or KeepLatest", m.Class)}
	case m.Class == KeepLatest && m.Key == "":
		return &OptionError{Option: "Outgoing.Key", Problem: "is empty; a KeepLatest message needs to say what it is the latest of"}
	case m.Kind == transport.Text && !transport.ValidUTF8(m.Payload):
		return ErrInvalidUTF8
	}
	return nil
}
