package modules

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-go/hawser/transport"
)

// Protobuf is the codec of messages that are this, in binary messages:
//
//	message Envelope {
//	  string type_url = 1; // type.googleapis.com/acme.Price
//	  bytes  value    = 2; // the acme.Price
//	  string id       = 3;
//	  string error    = 4;
//	}
//
// That is a google.protobuf.Any with two fields more: a peer that knows only Any
// reads what comes without an id as it is, and what it sends is understood.
//
// The type of a message is what stands behind the last slash of its type_url, by
// convention the full name of the protobuf message. Contents are proto.Messages;
// routes take pointers to generated types: On(r, "acme.Price", func(c *Ctx, p
// *acme.Price) error).
type Protobuf struct {
	// Prefix stands before the type. Default "type.googleapis.com/".
	Prefix string
}

// The fields of the envelope.
const (
	typeField  = 1
	valueField = 2
	idField    = 3
	errorField = 4
)

// Name implements Codec.
func (Protobuf) Name() string { return "protobuf" }

// Kind implements Codec.
func (Protobuf) Kind() transport.Kind { return transport.Binary }

// Peek implements Codec. It steps over the content.
func (Protobuf) Peek(m transport.Message, _ Parts) (h Header, err error) {
	e, err := envelope(m)
	if err != nil {
		return h, err
	}
	return Header{Type: e[typeField], ID: e[idField], Error: e[errorField]}, nil
}

var errNoEnvelope = errors.New("not a protobuf envelope")

// envelope returns the fields of a message. As everywhere in protobuf, of a field
// that stands twice the last one counts, and unknown ones are stepped over.
func envelope(m transport.Message) (fields [errorField + 1][]byte, err error) {
	if m.Kind != transport.Binary {
		return fields, errNoEnvelope
	}
	for b := m.Payload; len(b) > 0; {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fields, fmt.Errorf("%w: %w", errNoEnvelope, protowire.ParseError(n))
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(number, typ, b); n < 0 {
			return fields, fmt.Errorf("%w: %w", errNoEnvelope, protowire.ParseError(n))
		}
		if typ == protowire.BytesType && number <= errorField {
			fields[number], _ = protowire.ConsumeBytes(b)
		}
		b = b[n:]
	}
	fields[typeField] = fields[typeField][bytes.LastIndexByte(fields[typeField], '/')+1:]
	return fields, nil
}

// Decode implements Codec.
func (Protobuf) Decode(m transport.Message, v any) error {
	e, err := envelope(m)
	if err != nil {
		return err
	}
	into, ok := v.(proto.Message)
	if !ok {
		if into, ok = allocate(v); !ok {
			return fmt.Errorf("%T takes no protobuf; route to a pointer to a generated type", v)
		}
	}
	return proto.Unmarshal(e[valueField], into)
}

// allocate makes a message for v, a pointer to a pointer to a generated type.
func allocate(v any) (proto.Message, bool) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.Elem().Kind() != reflect.Pointer {
		return nil, false
	}
	made := reflect.New(p.Elem().Type().Elem())
	m, ok := made.Interface().(proto.Message)
	if ok {
		p.Elem().Set(made)
	}
	return m, ok
}

// Append implements Codec. Without a type it is the full name of v's message.
func (p Protobuf) Append(dst []byte, h Header, v any) ([]byte, error) {
	var content []byte
	typ := string(h.Type)
	if v != nil {
		m, ok := v.(proto.Message)
		if !ok {
			return nil, fmt.Errorf("%T is no proto.Message; send a pointer to a generated type", v)
		}
		var err error
		if content, err = proto.Marshal(m); err != nil {
			return nil, err
		}
		if typ == "" {
			typ = string(proto.MessageName(m))
		}
	}
	prefix := p.Prefix
	if prefix == "" {
		prefix = "type.googleapis.com/"
	}
	dst = protowire.AppendString(protowire.AppendTag(dst, typeField, protowire.BytesType), prefix+typ)
	for i, field := range [...][]byte{content, h.ID, h.Error} {
		if len(field) > 0 {
			number := protowire.Number(valueField + i)
			dst = protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), field)
		}
	}
	return dst, nil
}
