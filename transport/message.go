package transport

import "sync/atomic"

// Kind is the type of a data message, with the value of its opcode
// (RFC 6455 §5.6).
type Kind byte

// The two kinds of data message.
const (
	Text   Kind = 1
	Binary Kind = 2
)

// String returns "text" or "binary".
func (k Kind) String() string {
	if k == Text {
		return "text"
	}
	return "binary"
}

// Message is one whole data message. Its payload belongs to the Batch that
// brought it and is valid until that Batch is released.
type Message struct {
	Payload []byte
	Kind    Kind
}

// ControlKind is the type of a control frame that does not end the connection.
type ControlKind byte

// The control frames that a Batch can hold (RFC 6455 §5.5).
const (
	Ping ControlKind = 9
	Pong ControlKind = 10
)

// Control is a ping or a pong. Its payload, at most 125 bytes, belongs to the
// Batch that brought it.
type Control struct {
	Payload []byte
	Kind    ControlKind
}

// Batch is everything that one read of the socket completed, in the order in
// which it came. Err and Close end the connection: nothing follows them.
type Batch struct {
	// Messages are the whole data messages.
	Messages []Message
	// Control are the pings and pongs; of each kind the latest 16.
	Control []Control
	// Controls is how many pings and pongs came, those included that are not kept.
	Controls int
	// Close is the peer's close frame, or nil.
	Close *CloseError
	// Err is a *ProtocolError when the peer broke the protocol or a limit.
	// The messages before it are good.
	Err error

	refs    int32
	lending atomic.Bool
	bufs    []*Buffer
	buf0    [2]*Buffer
}
