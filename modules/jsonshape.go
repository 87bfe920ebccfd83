package modules

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// shape is what JSON knows of a struct type whose members it reads and writes
// itself, several times faster than encoding/json and with the same result. It
// never decides what is wrong: whatever is unusual it leaves to encoding/json.
type shape struct {
	members []member
	// scalar: encoding/json is needed for none of the members, so no code of the user
	// runs and nothing can keep a pointer to the struct.
	scalar bool
}

// member is a field of such a struct.
type member struct {
	name      string
	key       []byte // `"name":`
	field     int
	bits      int
	class     class
	omitEmpty bool
}

// class is how a member is read and written.
type class uint8

const (
	other class = iota // by encoding/json
	boolean
	signed
	unsigned
	float
	str
)

// shapes are those of the types that have been asked for; nil: encoding/json does it
// all.
var shapes sync.Map // reflect.Type → *shape

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s, _ := shapes.LoadOrStore(t, newShape(t))
	return s.(*shape)
}

// special are the types that say themselves what they look like.
var special = []reflect.Type{
	reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
	reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
}

func isSpecial(t reflect.Type) bool {
	for _, s := range special {
		if t.Implements(s) || reflect.PointerTo(t).Implements(s) {
			return true
		}
	}
	return t == reflect.TypeFor[json.Number]()
}

// newShape returns nil for what has rules of its own: embedded structs, options of
// a tag other than omitempty, names that are not plain or stand twice.
func newShape(t reflect.Type) *shape {
	if t.Kind() != reflect.Struct || isSpecial(t) {
		return nil
	}
	s := &shape{scalar: true}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		switch {
		case f.Anonymous:
			return nil
		case !f.IsExported() || tag == "-":
			continue
		}
		m, ok := newMember(f, tag)
		if !ok || s.has(m.name) {
			return nil
		}
		m.field = i
		s.members = append(s.members, m)
		s.scalar = s.scalar && m.class != other
	}
	return s
}

func newMember(f reflect.StructField, tag string) (m member, ok bool) {
	name, option, _ := strings.Cut(tag, ",")
	if name == "" {
		name = f.Name
	}
	if !isPlainName(name) || option != "" && option != "omitempty" {
		return m, false
	}
	m = member{name: name, key: []byte(`"` + name + `":`), class: classOf(f.Type), omitEmpty: option != ""}
	if m.class != other && m.class != boolean && m.class != str {
		m.bits = f.Type.Bits()
	}
	return m, true
}

// isPlainName reports whether a name means the same to everybody who reads a tag, and
// is written without escapes.
func isPlainName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return name != ""
}

func classOf(t reflect.Type) class {
	if isSpecial(t) {
		return other
	}
	switch t.Kind() { //nolint:exhaustive // all others are left to encoding/json
	case reflect.Bool:
		return boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return signed
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return unsigned
	case reflect.Float32, reflect.Float64:
		return float
	case reflect.String:
		return str
	}
	return other
}

// has reports whether there is a member with this name.
func (s *shape) has(name string) bool {
	for i := range s.members {
		if s.members[i].name == name {
			return true
		}
	}
	return false
}

// find returns the place of the member with this name, or -1. It looks at the
// guessed place first: members mostly come in the order of the fields.
func (s *shape) find(name []byte, guess int) int {
	if guess < len(s.members) && s.members[guess].name == string(name) {
		return guess
	}
	for i := range s.members {
		if s.members[i].name == string(name) {
			return i
		}
	}
	return -1
}

// resembles reports whether a name, of ASCII, is that of a member but for its case:
// encoding/json takes it for that member if there is no other.
func (s *shape) resembles(name []byte) bool {
	for i := range s.members {
		if key := s.members[i].key; len(key) == len(name)+3 && bytes.EqualFold(key[1:len(key)-2], name) {
			return true
		}
	}
	return false
}
