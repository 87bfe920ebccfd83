package modules

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"sync"
)

// appendMembers appends the members of a struct to the object that began at start,
// as encoding/json does. It reports false if it cannot: that is a float which is no
// number.
func (s *shape) appendMembers(dst []byte, start int, v reflect.Value) ([]byte, bool) {
	for i := range s.members {
		m := &s.members[i]
		f := v.Field(m.field)
		if m.omitEmpty && f.IsZero() {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, m.key...)
		switch m.class {
		case boolean:
			dst = strconv.AppendBool(dst, f.Bool())
		case signed:
			dst = strconv.AppendInt(dst, f.Int(), 10)
		case unsigned:
			dst = strconv.AppendUint(dst, f.Uint(), 10)
		case str:
			dst = appendString(dst, f.String())
		case float:
			n := f.Float()
			if math.IsInf(n, 0) || math.IsNaN(n) {
				return dst, false
			}
			dst = appendFloat(dst, n, m.bits)
		case other:
			return dst, false
		}
	}
	return dst, true
}

// appendString appends a string as encoding/json writes it.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // a string can always be marshalled
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// appendFloat appends a number as encoding/json writes it: as ECMAScript does, with
// an exponent only where it is very small or very large.
func appendFloat(dst []byte, f float64, bits int) []byte {
	format, size := byte('f'), math.Abs(f)
	if size != 0 && (bits == 64 && (size < 1e-6 || size >= 1e21) ||
		bits == 32 && (float32(size) < 1e-6 || float32(size) >= 1e21)) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if n := len(dst); format == 'e' && n >= 4 && string(dst[n-4:n-1]) == "e-0" {
		dst[n-2] = dst[n-1] // e-09 is e-9
		dst = dst[:n-1]
	}
	return dst
}

// writable returns the shape of a struct, or of one that v points to, if JSON writes
// it itself.
func writable(v any) (s *shape, of reflect.Value) {
	of = reflect.ValueOf(v)
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return nil, of
	}
	if s = shapeOf(of.Type()); s == nil || !s.scalar {
		return nil, of
	}
	return s, of
}

// encoder is a pooled encoding/json encoder into memory.
type encoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.enc = json.NewEncoder(&e.buf)
	return e
}}

// encode returns v as JSON, valid until free.
func (e *encoder) encode(v any) ([]byte, error) {
	if err := e.enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")), nil
}

func (e *encoder) free() {
	if e.buf.Cap() > keptScratch {
		return
	}
	e.buf.Reset()
	encoders.Put(e)
}
