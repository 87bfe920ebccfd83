package recorder

import (
	"bytes"
	"time"
	"unicode/utf8"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Options says what is kept. The zero value keeps 1024 messages without their
// contents.
type Options struct {
	// Name is the name of the middleware. Default "recorder"; a client or server that
	// has two of them gives one another name.
	Name string
	// Messages is how many messages are kept, the latest. Default 1024.
	Messages int
	// Bytes is how many bytes of payload are kept of all together. Default 1 MiB.
	Bytes int
	// Payload is how many bytes are kept of each payload, its beginning. Text is cut
	// between characters. Default 0: none; negative: all, up to Bytes.
	Payload int
	// Redact returns what may be kept of a payload, in memory of its own or as a part
	// of it; nil keeps nothing. It is called only if Payload is not 0, on many threads
	// at once, and must neither change nor keep the payload. A message at which it
	// panics passes, and is not recorded. Default nil: all may be kept.
	Redact func(Direction, transport.Message) []byte
}

// Recorder keeps the latest messages. All methods are safe for concurrent use.
type Recorder struct {
	options Options
	ring    ring
}

// New returns a Recorder that has nothing yet. An error is an *actors.OptionError.
func New(o Options) (*Recorder, error) {
	switch {
	case o.Messages < 0:
		return nil, &actors.OptionError{Option: "recorder.Options.Messages", Problem: "is negative; leave it 0 for 1024"}
	case o.Bytes < 0:
		return nil, &actors.OptionError{Option: "recorder.Options.Bytes", Problem: "is negative; leave it 0 for 1 MiB"}
	case o.Redact != nil && o.Payload == 0:
		return nil, &actors.OptionError{Option: "recorder.Options.Redact", Problem: "is set, but no payload is kept; set Payload"}
	}
	if o.Name == "" {
		o.Name = "recorder"
	}
	if o.Messages == 0 {
		o.Messages = 1024
	}
	if o.Bytes == 0 {
		o.Bytes = 1 << 20
	}
	if o.Payload < 0 || o.Payload > o.Bytes {
		o.Payload = o.Bytes
	}
	return &Recorder{options: o, ring: ring{bytes: o.Bytes, limit: o.Messages}}, nil
}

// Middleware returns the middleware that records. It is inline, and fails open. It may
// be given to several clients and servers, whose messages are then kept together.
func (r *Recorder) Middleware() actors.Middleware {
	return actors.Middleware{Name: r.options.Name, Inline: true, FailOpen: true, New: func() actors.Interceptor { return interceptor{r} }}
}

// Records returns what is kept now, the oldest first.
func (r *Recorder) Records() []Record { return r.ring.all() }

// Overwritten returns how many records have been given up for newer ones.
func (r *Recorder) Overwritten() uint64 { return r.ring.overwritten() }

// Reset forgets everything.
func (r *Recorder) Reset() { r.ring.reset() }

type interceptor struct{ r *Recorder }

// OnReceive implements actors.Interceptor.
func (i interceptor) OnReceive(c *actors.Conn, m transport.Message) actors.Verdict {
	return i.r.record(Inbound, c, m)
}

// OnSend implements actors.Interceptor.
func (i interceptor) OnSend(c *actors.Conn, m transport.Message) actors.Verdict {
	return i.r.record(Outbound, c, m)
}

func (r *Recorder) record(d Direction, c *actors.Conn, m transport.Message) actors.Verdict {
	record := Record{
		At: time.Now().Round(0), Connection: c.ID(), Epoch: c.Epoch(),
		Direction: d, Kind: m.Kind, Size: len(m.Payload),
	}
	if r.options.Payload > 0 {
		record.Payload, record.Cut = r.keep(d, m)
	}
	r.ring.add(record)
	return actors.Pass()
}

// keep copies what may be kept of a payload.
func (r *Recorder) keep(d Direction, m transport.Message) (kept []byte, cut bool) {
	kept = m.Payload
	if r.options.Redact != nil {
		if kept = r.options.Redact(d, m); kept == nil {
			return nil, false
		}
	}
	if n := r.options.Payload; len(kept) > n {
		for m.Kind == transport.Text && n > 0 && !utf8.RuneStart(kept[n]) {
			n--
		}
		kept, cut = kept[:n], true
	}
	if kept = bytes.Clone(kept); kept == nil {
		kept = []byte{} // an empty message that was kept, not one that was not
	}
	return kept, cut
}
