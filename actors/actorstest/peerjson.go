package actorstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/hawser-go/hawser/transport"
)

// ExpectJSON fails the test unless the next thing that comes is a text message
// that means the same JSON as want: the order of members, spaces, and how a
// number is written do not matter. A string, a []byte or a json.RawMessage is
// JSON as it stands; anything else is what json.Marshal makes of it.
func (c *PeerConn) ExpectJSON(want any) {
	c.s.t.Helper()
	text, err := jsonText(want)
	if err != nil {
		c.s.fatal("%s: ExpectJSON: what is wanted is no JSON: %v", c, err)
	}
	wanted, err := parseJSON(text)
	if err != nil {
		c.s.fatal("%s: ExpectJSON: what is wanted is no JSON (a Go string is taken as JSON): %v: %q", c, err, text)
	}
	says := fmt.Sprintf("text with the JSON %s", text)
	m := c.message(says)
	got, err := parseJSON(m.Payload)
	if m.Kind != transport.Text || err != nil || !sameJSON(got, wanted) {
		c.fail(says, show(m.Kind, m.Payload))
	}
}

// ReadJSON fails the test unless the next thing that comes is a text message that
// json.Unmarshal can put into v. It is for what the test must know to answer, such
// as the number of a request.
func (c *PeerConn) ReadJSON(v any) {
	c.s.t.Helper()
	want := fmt.Sprintf("text with JSON for %T", v)
	m := c.message(want)
	if err := json.Unmarshal(m.Payload, v); err != nil || m.Kind != transport.Text {
		c.fail(want, fmt.Sprintf("%s (%v)", show(m.Kind, m.Payload), err))
	}
}

func jsonText(v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return []byte(v), nil
	case []byte:
		return v, nil
	}
	return json.Marshal(v)
}

// parseJSON parses one value and keeps numbers as they are written.
func parseJSON(text []byte) (v any, err error) {
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err // also for what stands behind the value
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v)
}

// sameJSON reports whether two values that parseJSON returned mean the same.
func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		n, ok := b.(json.Number)
		return ok && sameNumber(string(a), string(n))
	case []any:
		l, ok := b.([]any)
		if !ok || len(a) != len(l) {
			return false
		}
		for i := range a {
			if !sameJSON(a[i], l[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		m, ok := b.(map[string]any)
		if !ok || len(a) != len(m) {
			return false
		}
		for k, v := range a {
			if w, ok := m[k]; !ok || !sameJSON(v, w) {
				return false
			}
		}
		return true
	}
	return a == b
}

// sameNumber compares integers digit by digit, as they may be longer than a
// float64 is exact, and others by value.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if !strings.ContainsAny(a+b, ".eE") {
		return false
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}
