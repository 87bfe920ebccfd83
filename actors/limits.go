package actors

import (
	"errors"
	"fmt"
	"time"
)

// ErrOutboxFull is returned by Send and Post when the outbox has no room. The
// message was not accepted; try again when some have left, give the outbox more
// room, or another OutboxLimits.Overflow.
var ErrOutboxFull = errors.New("actors: outbox full")

// ErrStopped is returned by everything that needs a client or a connection that
// has not ended. The cause may be wrapped with it.
var ErrStopped = errors.New("actors: stopped")

// ErrInvalidUTF8 is returned by Send for a text message that is not UTF-8
// (RFC 6455 §5.6). Send it as binary, or repair it.
var ErrInvalidUTF8 = errors.New("actors: text message is not valid UTF-8; send it as binary")

// ErrInvalidKind is returned by Send for a kind that is neither Text nor Binary.
// Control frames are not sent by hand: the heartbeat pings, Close closes.
var ErrInvalidKind = errors.New("actors: a message is Text or Binary")

// MessageTooBigError is returned by Send for a message that could never leave.
type MessageTooBigError struct {
	// Size is the length in bytes of the message's frame, Limit the largest allowed.
	Size, Limit int
}

func (e *MessageTooBigError) Error() string {
	return fmt.Sprintf("actors: message of %d bytes, frame included, is larger than the outbox limit of %d", e.Size, e.Limit)
}

// maxFrame is the largest frame that an outbox takes when its bytes have no bound.
const maxFrame = 1 << 30

// OutboxLimits bound what waits to be written. Zero values are the defaults.
type OutboxLimits struct {
	// Messages is how many messages wait at most, be it to be written or to be
	// acknowledged. Default 65536; negative: no limit of its own.
	Messages int
	// Bytes is how many bytes wait at most, frames included. Default 4 MiB on a
	// client, 1 MiB for a server's connection; negative: no limit of its own.
	Bytes int
	// Age is how long a message waits at most; then it is dropped as Expired.
	// Default 15 s on a client, no limit on a server, where the write deadline
	// bounds it; negative: no limit.
	Age time.Duration
	// Overflow says what Send and Post do when there is no room. DefaultOverflow is
	// RejectNewest on a client: they return ErrOutboxFull. For a server's connection
	// it is CloseSlow: it is closed with 1013 besides. Block makes Client.Post wait,
	// in order; Send does not wait, and returns ErrOutboxFull also while others do.
	// DropOldest gives up the oldest messages that no writer has taken yet, and
	// rejects like RejectNewest if that is not enough. DropNewest accepts the new
	// message and drops it at once. Both tell it as Dropped with Overflow. Set-up
	// messages have 4 MiB of their own, and are always rejected beyond them.
	Overflow OverflowPolicy
	// HighWater is how many bytes make a connection congested, and LowWater how many
	// may be left when it is so no more (see Conn.Congested). Default a half and a
	// quarter of Bytes; without a limit of Bytes, or with a negative HighWater, never.
	// A negative LowWater is 0.
	HighWater, LowWater int
	// AckTimeout is how long a written message with Outgoing.Ack waits for its
	// acknowledgement; then its outcome is Unknown. Default 30 s; negative: as long
	// as its connection lives.
	AckTimeout time.Duration
}

func (l *OutboxLimits) validate() error {
	if l.Overflow >= policies {
		return &OptionError{Option: "OutboxLimits.Overflow", Problem: fmt.Sprintf("is %s; it must be one of the constants of OverflowPolicy", l.Overflow)}
	}
	high := l.HighWater
	if high == 0 {
		high = l.Bytes / 2
	}
	if high > 0 && l.LowWater > high {
		return &OptionError{Option: "OutboxLimits.LowWater", Problem: fmt.Sprintf("is %d, above the HighWater of %d; it must be below", l.LowWater, high)}
	}
	return nil
}

func (l OutboxLimits) withDefaults(bytes int, age time.Duration, overflow OverflowPolicy) OutboxLimits {
	if l.Messages == 0 {
		l.Messages = 1 << 16
	}
	if l.Bytes == 0 {
		l.Bytes = bytes
	}
	if l.Age == 0 {
		l.Age = age
	}
	if l.Overflow == DefaultOverflow {
		l.Overflow = overflow
	}
	if l.HighWater == 0 {
		l.HighWater = l.Bytes / 2
	}
	if l.LowWater == 0 {
		l.LowWater = l.HighWater / 2
	}
	l.LowWater = min(max(0, l.LowWater), max(0, l.HighWater))
	if l.AckTimeout == 0 {
		l.AckTimeout = 30 * time.Second
	}
	l.Age, l.AckTimeout = min(l.Age, longest), min(l.AckTimeout, longest)
	return l
}
