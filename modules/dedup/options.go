package dedup

import (
	"errors"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// ErrDuplicate is in the outcome's Err of an outbound message that was dropped: one
// with the same key has passed on this connection.
var ErrDuplicate = errors.New("dedup: the same message is on its way already")

// Options says what is a duplicate and what becomes of it. The zero value is good.
// The functions run in the turn that has the message, on many threads at once; they
// must be fast, and must not keep the payload. A message at which one of them panics
// passes.
type Options struct {
	// Name is the name of the middleware. Default "dedup"; a client or server that has
	// two of them gives one another name.
	Name string
	// Done returns the key of the inbound message that an outbound one acknowledges,
	// or "". Only acknowledged messages have duplicates then; see the package
	// comment. Default nil: those that have passed have.
	Done func(transport.Message) string
	// Duplicate is the verdict on an inbound duplicate, such as actors.Reply with the
	// acknowledgement once more. Default nil: it is dropped, which is right for peers
	// that do not wait for an answer. It is not asked while the first message is not
	// acknowledged, if there is a Done: then it is dropped.
	Duplicate func(*actors.Conn, transport.Message) actors.Verdict
	// Outbound returns the key of an outbound message, or "" for one that always
	// passes. A duplicate ends with the reason Rejected and ErrDuplicate. Default
	// nil: all pass.
	Outbound func(transport.Message) string
	// Failed returns the key of the outbound message that an inbound one says has
	// failed, or "": that key may be sent again. Default nil.
	Failed func(transport.Message) string
	// Keys is how many keys are remembered of one peer and direction, the latest.
	// Default 4096. A key takes about 250 bytes, whatever its length.
	Keys int
	// Window is how long a key is remembered, from the message that brought it on.
	// Default 10 min; negative: as long as Keys allows.
	Window time.Duration
	// Peers is how many peers of a server are remembered that have no connection:
	// those that left last. Default 10000.
	Peers int
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "dedup"
	}
	if o.Keys == 0 {
		o.Keys = 4096
	}
	if o.Window == 0 {
		o.Window = 10 * time.Minute
	}
	if o.Peers == 0 {
		o.Peers = 10_000
	}
	return o
}

func (o Options) validate(key func(transport.Message) string) error {
	switch {
	case key == nil && o.Outbound == nil:
		return &actors.OptionError{Option: "dedup key", Problem: "is nil, and Outbound too; one of them must tell messages apart"}
	case key == nil && (o.Done != nil || o.Duplicate != nil):
		return &actors.OptionError{Option: "dedup key", Problem: "is nil, but Done or Duplicate is about inbound messages; give their key"}
	case o.Failed != nil && o.Outbound == nil:
		return &actors.OptionError{Option: "dedup.Options.Failed", Problem: "is set without Outbound, which gives the keys that can fail"}
	case o.Keys < 0:
		return &actors.OptionError{Option: "dedup.Options.Keys", Problem: "is negative; leave it 0 for 4096"}
	case o.Peers < 0:
		return &actors.OptionError{Option: "dedup.Options.Peers", Problem: "is negative; leave it 0 for 10000"}
	}
	return nil
}
