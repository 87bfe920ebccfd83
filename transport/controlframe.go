package transport

import "slices"

// keptControl is how many pings, and how many pongs, a Batch holds.
const keptControl = 16

// What is wrong with a close frame.
const (
	badCloseSize   = "close frame with one byte of payload"
	badCloseCode   = "close code that must not be sent"
	badCloseReason = "close reason is not UTF-8"
)

// control takes a whole control frame.
func (d *decoder) control(op byte, body []byte, b *Batch) {
	if op == opClose {
		d.close(body, b)
		return
	}
	b.addControl(Control{Payload: body, Kind: ControlKind(op)})
}

// close takes a close frame's payload. RFC 6455 §5.5.1: "If there is a body, the
// first two bytes of the body MUST be a 2-byte unsigned integer", then UTF-8.
func (d *decoder) close(body []byte, b *Batch) {
	if len(body) == 0 {
		b.Close = &CloseError{Code: NoStatus}
		d.release()
		return
	}
	if len(body) == 1 {
		d.fail(b, ProtocolFailure, badCloseSize)
		return
	}
	code, reason := CloseCode(body[0])<<8|CloseCode(body[1]), body[2:]
	switch {
	case !code.Sendable():
		d.fail(b, ProtocolFailure, badCloseCode)
	case !ValidUTF8(reason):
		d.fail(b, InvalidPayload, badCloseReason)
	default:
		b.Close = &CloseError{Code: code, Reason: string(reason)}
		d.release()
	}
}

// addControl appends c and lets the oldest of its kind go when there are too
// many, so that a peer who floods us with pings makes us neither hold nor
// answer them all. RFC 6455 §5.5.3: an endpoint "may elect to send a Pong frame
// for only the most recently processed Ping frame".
func (b *Batch) addControl(c Control) {
	b.Controls++
	same, oldest := 0, 0
	for i := len(b.Control) - 1; i >= 0; i-- {
		if b.Control[i].Kind == c.Kind {
			same, oldest = same+1, i
		}
	}
	if same == keptControl {
		b.Control = slices.Delete(b.Control, oldest, oldest+1)
	}
	b.Control = append(b.Control, c)
}
