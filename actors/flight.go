package actors

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// GetHistory asks a client for its latest transitions; the answer is a *History.
// A client that has stopped is no longer there to answer: ask its handle, with
// [Client.History].
//
//	any actor → Client
type GetHistory struct{}

// History is what happened to a client lately: its last
// [ClientOptions.History] transitions, the oldest first.
//
//	Client → sender of GetHistory
type History struct{ Records []Transition }

// String returns the history as text, a line for each transition.
func (h *History) String() string {
	var s strings.Builder
	for _, t := range h.Records {
		s.WriteString(t.String())
		s.WriteByte('\n')
	}
	return s.String()
}

// Transition is one record of a client's flight recorder. There is one for each
// [Event], made when the event was.
type Transition struct {
	// At is when it happened.
	At time.Time
	// Event is what happened.
	Event EventKind
	// State is where the client stood then.
	State State
	// Epoch and Attempt number the incarnation and the attempt, as in [Event].
	Epoch   uint64
	Attempt int
	// Delay is how long the next attempt waits (EventReconnecting).
	Delay time.Duration
	// Cause is the text of Err. It has no secrets in it as long as the errors of
	// ClientOptions.Request and of the set-up steps have none.
	Cause string
	// Err is why it happened, where there is a why.
	Err error
	// CloseCode is how the connection ended (EventDisconnected): the code of the
	// peer's close frame, or 1006 if none came (RFC 6455 §7.1.5). On other events
	// it is the code in Err, or 0 if that is no close frame.
	CloseCode transport.CloseCode
	// HTTPStatus is the status with which the handshake was refused, or 0.
	HTTPStatus int
	// Queued and QueuedBytes are what was in the outbox.
	Queued, QueuedBytes int
	// RTT is the round trip of the latest ping that was answered, on this connection
	// or on one before, or 0.
	RTT time.Duration
}

// String returns the transition in one line: what there is to say of it, and
// nothing that is zero. The state is left out where it has the event's name.
func (t Transition) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s", t.At.Format("2006-01-02T15:04:05.000Z07:00"), t.Event)
	part := func(there bool, format string, value any) {
		if there {
			fmt.Fprintf(&s, format, value)
		}
	}
	part(t.State.String() != t.Event.String(), " in state %s", t.State)
	part(t.Epoch > 0, ", epoch %d", t.Epoch)
	part(t.Attempt > 0, ", attempt %d", t.Attempt)
	part(t.Delay > 0, ", delay %s", brief(t.Delay))
	part(t.CloseCode > 0, ", close %d", uint16(t.CloseCode))
	part(t.HTTPStatus > 0, ", status %d", t.HTTPStatus)
	part(t.Queued > 0, ", %d queued", t.Queued)
	part(t.Queued > 0, " (%s)", byteSize(float64(t.QueuedBytes)))
	part(t.RTT > 0, ", rtt %s", brief(t.RTT))
	part(t.Cause != "", ": %s", t.Cause)
	return s.String()
}

// MarshalJSON implements json.Marshaler: the names are in snake case, durations in
// milliseconds. Err is left out: it may hold more than its text says.
func (t Transition) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		At          time.Time `json:"at"`
		Event       string    `json:"event"`
		State       string    `json:"state"`
		Epoch       uint64    `json:"epoch"`
		Attempt     int       `json:"attempt"`
		Delay       float64   `json:"delay_ms"`
		Cause       string    `json:"cause"`
		CloseCode   uint16    `json:"close_code"`
		HTTPStatus  int       `json:"http_status"`
		Queued      int       `json:"queued_messages"`
		QueuedBytes int       `json:"queued_bytes"`
		RTT         float64   `json:"rtt_ms"`
	}{
		t.At, t.Event.String(), t.State.String(), t.Epoch, t.Attempt, millis(t.Delay), t.Cause,
		uint16(t.CloseCode), t.HTTPStatus, t.Queued, t.QueuedBytes, millis(t.RTT),
	})
}

// History returns the latest transitions of the client, the oldest first, at most
// [ClientOptions.History] of them. It works also after the client has stopped. The
// caller owns the slice.
func (c *Client) History() []Transition { return c.s.life.history() }

// flight keeps the latest transitions.
type flight struct {
	limit   int // 0: none are kept
	records []Transition
	oldest  int // once there are limit of them
}

// add keeps a transition in the place of the oldest one.
func (f *flight) add(t Transition) {
	switch {
	case f.limit <= 0:
	case len(f.records) < f.limit:
		f.records = append(f.records, t)
	default:
		f.records[f.oldest] = t
		f.oldest = (f.oldest + 1) % f.limit
	}
}

// list returns a copy, the oldest first.
func (f *flight) list() []Transition {
	all := make([]Transition, 0, len(f.records))
	all = append(all, f.records[f.oldest:]...)
	return append(all, f.records[:f.oldest]...)
}

// reasonOf reads an error: its text, and the close code and the status in it. The
// error may be a user's, and its methods may panic.
func reasonOf(err error) (text string, code transport.CloseCode, status int) {
	if err == nil {
		return "", 0, 0
	}
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("%T, which panics when it is read", err)
		}
	}()
	text = err.Error()
	var closed *transport.CloseError
	if errors.As(err, &closed) {
		code = closed.Code
	}
	var refused *transport.HandshakeError
	if errors.As(err, &refused) {
		status = refused.Status
	}
	return text, code, status
}
