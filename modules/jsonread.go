package modules

import (
	"encoding/json"
	"reflect"
	"strconv"
)

// content is a struct that is being read.
type content struct {
	shape *shape
	value reflect.Value
	next  int // the member that is expected
	left  [8]leftover
	lefts int
}

// leftover is the value of a member that encoding/json reads when all others are
// read: until then nothing of the user's has been called.
type leftover struct {
	text   []byte
	member int
}

// put takes the member at which w is. It reports false if encoding/json must see the
// whole.
func (c *content) put(w *walk) bool {
	i := c.shape.find(w.name, c.next)
	if i < 0 {
		return !c.shape.resembles(w.name) && (w.form != unknown || json.Valid(w.value))
	}
	c.next = i + 1
	m := &c.shape.members[i]
	switch {
	case c.isLeft(i):
		return false // it stands twice, and the second one counts
	case m.class == other || w.form == unknown:
		return c.leave(i, w.value)
	}
	v := c.value.Field(m.field)
	switch {
	case w.form == literal && w.value[0] == 'n':
		return true // null leaves a scalar as it is
	case w.form == literal && m.class == boolean:
		v.SetBool(w.value[0] == 't')
	case w.form == textual && m.class == str:
		v.SetString(string(w.value[1 : len(w.value)-1]))
	case w.form == numeric:
		return m.number(v, w.value)
	default:
		return false
	}
	return true
}

func (c *content) isLeft(i int) bool {
	for _, l := range c.left[:c.lefts] {
		if l.member == i {
			return true
		}
	}
	return false
}

func (c *content) leave(i int, text []byte) bool {
	if c.lefts == len(c.left) {
		return false
	}
	c.left[c.lefts] = leftover{text: text, member: i}
	c.lefts++
	return true
}

// finish has encoding/json read what is left.
func (c *content) finish() bool {
	for _, l := range c.left[:c.lefts] {
		if json.Unmarshal(l.text, c.value.Field(c.shape.members[l.member].field).Addr().Interface()) != nil {
			return false
		}
	}
	return true
}

// number sets a member to a number that is one by the grammar.
func (m *member) number(v reflect.Value, text []byte) bool {
	switch m.class { //nolint:exhaustive // no others take a number
	case signed:
		n, err := strconv.ParseInt(string(text), 10, m.bits)
		if err == nil {
			v.SetInt(n)
		}
		return err == nil
	case unsigned:
		n, err := strconv.ParseUint(string(text), 10, m.bits)
		if err == nil {
			v.SetUint(n)
		}
		return err == nil
	case float:
		f, err := strconv.ParseFloat(string(text), m.bits)
		if err == nil {
			v.SetFloat(f)
		}
		return err == nil
	}
	return false
}

// read decodes the content of a message into v as encoding/json would, and reads its
// header on the way. It reports false if it cannot tell: then nothing counts, and
// some scalar members of v may have been set.
func (j JSON) read(p []byte, s *shape, v reflect.Value, h *Header) bool {
	c := content{shape: s, value: v}
	w := walk{b: p}
	typ, id, fault := j.typ(), j.id(), j.err()
	seen, found := Parts(0), false
	for w.next() {
		switch {
		case seen&TypePart == 0 && string(w.name) == typ:
			h.Type, seen = plain(w.value), seen|TypePart
		case seen&IDPart == 0 && string(w.name) == id:
			h.ID, h.number, seen = plain(w.value), w.value[0] != '"', seen|IDPart
		case seen&ErrorPart == 0 && string(w.name) == fault:
			h.Error, seen = failure(w.value), seen|ErrorPart
		}
		switch {
		case j.Data == "":
			if !c.put(&w) {
				return false
			}
		case !found && string(w.name) == j.Data:
			if found = true; !c.fill(w.value) {
				return false
			}
		case w.form == unknown && !json.Valid(w.value):
			return false
		}
	}
	return w.over && c.finish()
}

// fill reads the members of an object.
func (c *content) fill(object []byte) bool {
	w := walk{b: object}
	for w.next() {
		if !c.put(&w) {
			return false
		}
	}
	return w.over
}
