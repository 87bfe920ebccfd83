package modules

import (
	"github.com/hawser-go/hawser/transport"
)

// Codec reads and writes messages. Each has a type, by which it is routed, and may
// have an id, by which a reply finds the one who asked. A codec is used by many
// goroutines at once. If it panics that is an error of the message.
type Codec interface {
	// Name is what errors and logs call it.
	Name() string
	// Kind is the kind of the messages that Append makes.
	Kind() transport.Kind
	// Peek reads the wanted parts of the header, and may leave out all others. It is
	// called by the goroutine that reads the connection, once for each module that
	// may want the message: it must not decode what it need not. The header points
	// into the payload. An error says that the message is not of this codec; a message
	// without type or id is no error.
	Peek(m transport.Message, want Parts) (Header, error)
	// Decode decodes the content of m into v, a pointer. Nothing in v may point into
	// the payload.
	Decode(m transport.Message, v any) error
	// Append appends the payload of the message with this header and content to dst,
	// and returns the extended slice. v may be nil: no content.
	Append(dst []byte, h Header, v any) ([]byte, error)
}

// Parts are parts of a Header.
type Parts uint8

// The parts of a Header.
const (
	TypePart Parts = 1 << iota
	IDPart
	ErrorPart
)

// Header is what a Codec reads of a message without its content. A part that the
// message does not have is empty. When a Codec has made it, it is valid as long as
// the payload.
type Header struct {
	// Type is the type of the message.
	Type []byte
	// ID ties a reply to a request.
	ID []byte
	// Error is the text of a reply that says that a request failed.
	Error []byte

	number bool // the id was a JSON number, and is answered as one
}

// Codecs says which Codec the connections of a subprotocol speak. The one at ""
// serves all others, and those without a subprotocol; if there is none it is
// JSON{}. It must not be changed any more once it is in use.
type Codecs map[string]Codec

// Of returns the codec of a subprotocol.
func (c Codecs) Of(subprotocol string) Codec {
	if codec := c[subprotocol]; codec != nil {
		return codec
	}
	if codec := c[""]; codec != nil {
		return codec
	}
	return JSON{}
}

// peek is Codec.Peek whose panic is an error.
func peek(c Codec, m transport.Message, want Parts) (h Header, err error) {
	defer func() {
		if r := recover(); r != nil {
			h, err = Header{}, &CodecError{Codec: nameOf(c), Op: "peek", Err: &PanicError{Value: r}}
		}
	}()
	if h, err = c.Peek(m, want); err != nil {
		err = &CodecError{Codec: c.Name(), Op: "peek", Err: err}
	}
	return h, err
}

// decode is Codec.Decode whose panic is an error.
func decode(c Codec, m transport.Message, typ []byte, v any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &CodecError{Codec: nameOf(c), Op: "decode", Type: string(typ), Err: &PanicError{Value: r}}
		}
	}()
	if err = c.Decode(m, v); err != nil {
		err = &CodecError{Codec: c.Name(), Op: "decode", Type: string(typ), Err: err}
	}
	return err
}

// encode is Codec.Append whose panic is an error.
func encode(c Codec, dst []byte, h Header, v any) (b []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, &CodecError{Codec: nameOf(c), Op: "encode", Type: string(h.Type), Err: &PanicError{Value: r}}
		}
	}()
	if b, err = c.Append(dst, h, v); err != nil {
		return nil, &CodecError{Codec: c.Name(), Op: "encode", Type: string(h.Type), Err: err}
	}
	return b, nil
}

// nameOf is the name of a codec that is known to panic.
func nameOf(c Codec) (name string) {
	defer func() {
		if r := recover(); r != nil {
			name = "unknown"
		}
	}()
	return c.Name()
}
