package recorder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/hawser-go/hawser/transport"
)

// Direction is the way that a message went.
type Direction bool

// The directions.
const (
	Inbound  Direction = false // from the peer
	Outbound Direction = true  // to the peer
)

// String returns "inbound" or "outbound".
func (d Direction) String() string {
	if d == Outbound {
		return "outbound"
	}
	return "inbound"
}

// Record is one message that came by.
type Record struct {
	// At is when.
	At time.Time
	// Connection and Epoch are those of the actors.Conn.
	Connection, Epoch uint64
	Direction         Direction
	Kind              transport.Kind
	// Size is how many bytes the payload had.
	Size int
	// Payload is what was kept of it, nil if nothing was. It must not be changed.
	Payload []byte
	// Cut says that Payload is only the beginning of what was to be kept.
	Cut bool
}

// line is a Record as a line of JSON. Text is given if the payload is valid text,
// and Data, in base64, if it is not.
type line struct {
	At         time.Time `json:"at"`
	Connection uint64    `json:"connection"`
	Epoch      uint64    `json:"epoch"`
	Direction  string    `json:"direction"`
	Kind       string    `json:"kind"`
	Size       int       `json:"size"`
	Text       *string   `json:"text,omitempty"`
	Data       *[]byte   `json:"data,omitempty"`
	Cut        bool      `json:"cut,omitempty"`
}

// MarshalJSON implements json.Marshaler: one object, without a line break.
func (r Record) MarshalJSON() ([]byte, error) {
	l := line{
		At: r.At, Connection: r.Connection, Epoch: r.Epoch,
		Direction: r.Direction.String(), Kind: r.Kind.String(), Size: r.Size, Cut: r.Cut,
	}
	switch {
	case r.Payload == nil:
	case r.Kind == transport.Text && utf8.Valid(r.Payload):
		text := string(r.Payload)
		l.Text = &text
	default:
		l.Data = &r.Payload
	}
	return json.Marshal(l)
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *Record) UnmarshalJSON(p []byte) error {
	var l line
	d := json.NewDecoder(bytes.NewReader(p))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	*r = Record{At: l.At, Connection: l.Connection, Epoch: l.Epoch, Size: l.Size, Cut: l.Cut}
	switch l.Direction {
	case Inbound.String():
	case Outbound.String():
		r.Direction = Outbound
	default:
		return fmt.Errorf("recorder: direction %q is neither inbound nor outbound", l.Direction)
	}
	switch l.Kind {
	case transport.Text.String():
		r.Kind = transport.Text
	case transport.Binary.String():
		r.Kind = transport.Binary
	default:
		return fmt.Errorf("recorder: kind %q is neither text nor binary", l.Kind)
	}
	switch {
	case l.Text != nil:
		r.Payload = []byte(*l.Text)
	case l.Data != nil:
		r.Payload = *l.Data
	}
	return nil
}
