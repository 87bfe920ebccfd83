package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hawser-go/hawser/actors"
)

// Subprotocol returns a rule that matches all messages of the connections that
// agreed on one of the names (RFC 6455 §1.9), and none of the others. Names are
// case-sensitive. The error is an *Error without a name, or when one can be no
// subprotocol.
func Subprotocol(names ...string) (Rule, error) {
	if len(names) == 0 {
		return nil, &Error{Rule: "subprotocol", Problem: "needs at least one name"}
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		if !isToken(name) {
			return nil, &Error{
				Rule: "subprotocol", argument: i,
				Problem: fmt.Sprintf("%q can be no subprotocol: it must be a token of RFC 9110 §5.6.2, like \"v2.chat\"", name),
			}
		}
		quoted[i] = strconv.Quote(name)
	}
	own := slices.Clone(names)
	return ofConnection("subprotocol", strings.Join(quoted, ", "), func(c actors.ConnInfo) bool {
		return slices.Contains(own, c.Subprotocol())
	})
}

// Path returns a rule that matches all messages of the connections that were
// opened with this path, and none of the others. The path is compared as a whole,
// decoded and without its query. The error is an *Error when it does not begin
// with a slash or has a query.
func Path(path string) (Rule, error) {
	switch {
	case path == "" || path[0] != '/':
		return nil, &Error{Rule: "path", Problem: fmt.Sprintf("%q must begin with a slash", path)}
	case strings.Contains(path, "?"):
		return nil, &Error{Rule: "path", Problem: fmt.Sprintf("%q holds a question mark; a path is compared without its query", path), offset: strings.IndexByte(path, '?')}
	}
	return ofConnection("path", strconv.Quote(path), func(c actors.ConnInfo) bool { return c.Path() == path })
}

// ofConnection returns a rule that is decided when the connection comes up.
func ofConnection(name, arguments string, holds func(actors.ConnInfo) bool) (Rule, error) {
	r := word(name+"("+arguments+")", nil)
	r.fresh = func(c actors.ConnInfo) match {
		if c != nil && holds(c) {
			return anyRule.shared
		}
		return nothing
	}
	return r.bounded(name)
}

// isToken returns whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return s != ""
}
