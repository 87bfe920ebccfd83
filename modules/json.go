package modules

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/hawser-go/hawser/transport"
)

// JSON is the codec of messages that are JSON objects. The zero value reads and
// writes flat ones, of which type and id are members beside the content:
//
//	{"type":"price","id":"7","symbol":"EURUSD","bid":1.0825}
//
// With Data set the content stands in a member of its own:
//
//	{"type":"price","id":"7","data":{"symbol":"EURUSD","bid":1.0825}}
//
// It reads text and binary messages, and writes text. Types and ids that are
// numbers are read as their digits. Of a member that stands twice the first one
// counts; put it first and Peek reads no further.
type JSON struct {
	// Type, ID and Error name the members of the header. Default "type", "id" and
	// "error".
	Type, ID, Error string
	// Data names the member that holds the content. Default "": there is none, the
	// content is the message itself, and must be an object.
	Data string
	// NumericIDs makes the ids of requests numbers. Default: strings. A reply has the
	// form of its request, whatever stands here.
	NumericIDs bool
}

func (j JSON) typ() string { return orName(j.Type, "type") }
func (j JSON) id() string  { return orName(j.ID, "id") }
func (j JSON) err() string { return orName(j.Error, "error") }

func orName(name, def string) string {
	if name == "" {
		return def
	}
	return name
}

// Name implements Codec.
func (JSON) Name() string { return "json" }

// Kind implements Codec.
func (JSON) Kind() transport.Kind { return transport.Text }

// Peek implements Codec. It reads the top level as far as it must.
func (j JSON) Peek(m transport.Message, want Parts) (h Header, err error) {
	s, ok := open(m.Payload)
	if !ok {
		return h, errNoObject
	}
	typ, id, fault := j.typ(), j.id(), j.err()
	for want != 0 {
		name, value, ok := s.next()
		if !ok {
			if !s.end() {
				return h, fmt.Errorf("broken JSON near byte %d", s.i)
			}
			return h, nil
		}
		switch {
		case want&TypePart != 0 && named(name, typ):
			h.Type = plain(value)
			want &^= TypePart
		case want&IDPart != 0 && named(name, id):
			h.ID, h.number = plain(value), value[0] != '"'
			want &^= IDPart
		case want&ErrorPart != 0 && named(name, fault):
			h.Error = failure(value)
			want &^= ErrorPart
		}
	}
	return h, nil
}

// failure is what an error member says; false says nothing.
func failure(value []byte) []byte {
	if string(value) == "false" {
		return nil
	}
	return plain(value)
}

// Decode implements Codec.
func (j JSON) Decode(m transport.Message, v any) error {
	if to := reflect.ValueOf(v); to.Kind() == reflect.Pointer && !to.IsNil() {
		var h Header
		if s := shapeOf(to.Type().Elem()); s != nil && j.read(m.Payload, s, to.Elem(), &h) {
			return nil
		}
	}
	return j.decode(m, v)
}

// decode is Decode by encoding/json.
func (j JSON) decode(m transport.Message, v any) error {
	if j.Data == "" {
		return json.Unmarshal(m.Payload, v)
	}
	s, ok := open(m.Payload)
	if !ok || !json.Valid(m.Payload) {
		return errNoObject
	}
	for {
		name, value, ok := s.next()
		switch {
		case !ok:
			return nil // no content
		case named(name, j.Data):
			return json.Unmarshal(value, v)
		}
	}
}

// errOwn is why a flat message cannot be written.
var errOwn = errors.New(`a flat message must be an object; use modules.JSON{Data: "data"}, or send a struct or a map`)

// Append implements Codec. A member of a flat content that is named like one of
// the header is left out if it is empty or says the same; if it says something else
// that is an error.
func (j JSON) Append(dst []byte, h Header, v any) ([]byte, error) {
	dst = append(dst, '{')
	start := len(dst)
	fields := j.fields(h)
	for i := range fields {
		if len(fields[i].text) > 0 {
			dst = fields[i].append(dst, start)
		}
	}
	if v != nil {
		var err error
		if dst, err = j.appendContent(dst, start, &fields, v); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// appendContent appends the content to the object that began at start.
func (j JSON) appendContent(dst []byte, start int, fields *[3]field, v any) ([]byte, error) {
	if s, of := writable(v); s != nil && (j.Data != "" || !s.clashes(fields)) {
		long, ok := dst, false
		if j.Data == "" {
			long, ok = s.appendMembers(dst, start, of)
		} else {
			long = append(field{name: j.Data}.key(dst, start), '{')
			long, ok = s.appendMembers(long, len(long), of)
			long = append(long, '}')
		}
		if ok {
			return long, nil
		}
	}
	e := encoders.Get().(*encoder)
	defer e.free()
	content, err := e.encode(v)
	switch {
	case err != nil:
		return nil, err
	case j.Data != "":
		return append(field{name: j.Data}.key(dst, start), content...), nil
	}
	return merge(dst, start, fields, content)
}

// clashes reports whether a member is named like one of the header that is there.
func (s *shape) clashes(fields *[3]field) bool {
	for i := range fields {
		if len(fields[i].text) > 0 && s.has(fields[i].name) {
			return true
		}
	}
	return false
}

// field is a member of the header.
type field struct {
	name string
	text []byte
	raw  bool // text is JSON already
}

func (j JSON) fields(h Header) [3]field {
	return [3]field{
		{name: j.typ(), text: h.Type},
		{name: j.id(), text: h.ID, raw: h.number && json.Valid(h.ID) || j.NumericIDs && digits(h.ID)},
		{name: j.err(), text: h.Error},
	}
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0 && (b[0] != '0' || len(b) == 1)
}

// key appends the name of a member of the object that began at start.
func (f field) key(dst []byte, start int) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	return append(appendText(dst, f.name), ':')
}

func (f field) append(dst []byte, start int) []byte {
	dst = f.key(dst, start)
	if f.raw {
		return append(dst, f.text...)
	}
	return appendText(dst, f.text)
}

// appendText appends a JSON string.
func appendText[S string | []byte](dst []byte, s S) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(string(s)) // a string can always be marshalled
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// merge appends the members of a flat content that the header does not have.
func merge(dst []byte, start int, fields *[3]field, content []byte) ([]byte, error) {
	s, ok := open(content)
	if !ok {
		return nil, errOwn
	}
	for {
		name, value, ok := s.next()
		if !ok {
			return dst, nil
		}
		skip := false
		for _, f := range fields {
			if len(f.text) == 0 || !named(name, f.name) {
				continue
			}
			if own := plain(value); len(own) > 0 && string(own) != string(f.text) {
				return nil, fmt.Errorf("the content has a member %q of its own, %s, where the header says %q; rename one of them (JSON.Type, JSON.ID, JSON.Error)", f.name, value, f.text)
			}
			skip = true
		}
		if skip {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), '"', ':')
		dst = append(dst, value...)
	}
}
