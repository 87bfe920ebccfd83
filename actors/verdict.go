package actors

import (
	"errors"
	"fmt"

	"github.com/hawser-go/hawser/transport"
)

// Verdict is what a middleware decides about a message. The zero value is Pass.
type Verdict struct {
	action  judgement
	code    transport.CloseCode
	message transport.Message
	err     error
}

type judgement uint8

const (
	pass judgement = iota
	replace
	drop
	reply
	hangUp
)

// Pass lets the message go on as it is.
func Pass() Verdict { return Verdict{} }

// Replace lets m go on in the message's place. Its payload must stay unchanged. An m
// that Send would not accept is rejected.
func Replace(m transport.Message) Verdict { return Verdict{action: replace, message: m} }

// Drop ends the message here, for a reason that is no fault of the sender.
func Drop(reason string) Verdict { return Verdict{action: drop, err: dropped(reason)} }

// dropped is the reason of a Drop.
type dropped string

func (d dropped) Error() string { return "actors: dropped by a middleware: " + string(d) }

// Is makes a Drop one of the rejections.
func (d dropped) Is(target error) bool { return target == ErrRejected }

// ErrRejected is in the chain of an outcome's Err when a middleware rejected the
// message.
var ErrRejected = errors.New("actors: rejected by a middleware")

// Reject ends the message here because it must not go on. The outcome of an
// outbound message is Dropped with the reason Rejected, and err in the chain of its
// Err.
func Reject(err error) Verdict {
	if err == nil {
		return Verdict{action: drop, err: ErrRejected}
	}
	return Verdict{action: drop, err: fmt.Errorf("%w: %w", ErrRejected, err)}
}

// Reply ends the message here and gives its sender m instead of what would have
// come back: an inbound message is answered to the peer, by way of the outbox and
// of all middleware; the answer to an outbound one goes to the modules as if the
// peer had sent it, through the middleware that is nearer to them. The payload of
// m must stay unchanged.
func Reply(m transport.Message) Verdict { return Verdict{action: reply, message: m} }

// CloseConn ends the message here, and the connection with the close handshake,
// behind the replies to what came before. What comes behind it is dropped. The
// reason is told to the peer.
func CloseConn(code transport.CloseCode, reason string) Verdict {
	return Verdict{action: hangUp, code: code, err: dropped(reason)}
}

// reason is what a CloseConn tells the peer.
func (v Verdict) reason() string {
	d, _ := v.err.(dropped) //nolint:errorlint // our own, never wrapped
	return string(d)
}
