package auth

import (
	"errors"
	"fmt"
	"maps"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// Policy decides whether a message may pass; an error says why not. p is the principal
// of c, nil if nobody knows who it is. It is called for many connections at a time and
// must not block.
type Policy func(p actors.Principal, c *actors.Conn, m transport.Message) error

// ErrDenied is in the chain of every refusal of this package.
var ErrDenied = errors.New("auth: denied")

// Known lets every message of a known principal pass.
func Known(p actors.Principal, _ *actors.Conn, _ transport.Message) error {
	if p == nil {
		return fmt.Errorf("%w: not authenticated", ErrDenied)
	}
	return nil
}

// ByType returns a policy for typed messages: needs names the permission for each
// type, "" if whoever is known may. Types that it does not name are denied, as is a
// message that the codec cannot read. The principal must be a [Permitted].
func ByType(codecs modules.Codecs, needs map[string]string) Policy {
	needs = maps.Clone(needs)
	return func(p actors.Principal, c *actors.Conn, m transport.Message) error {
		h, err := codecs.Of(c.Subprotocol()).Peek(m, modules.TypePart)
		if err != nil {
			return fmt.Errorf("%w: unreadable: %w", ErrDenied, err)
		}
		need, known := needs[string(h.Type)]
		switch who, ok := p.(Permitted); {
		case !known:
			return fmt.Errorf("%w: unknown type", ErrDenied)
		case p == nil:
			return fmt.Errorf("%w: not authenticated", ErrDenied)
		case need != "" && (!ok || !who.May(need)):
			return fmt.Errorf("%w: %s is not permitted", ErrDenied, need)
		}
		return nil
	}
}
