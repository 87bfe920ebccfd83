package modulestest

import (
	"fmt"

	"github.com/hawser-go/hawser/transport"
)

// Side is where modules are run.
type Side uint8

// The sides.
const (
	Both Side = iota
	ClientOnly
	ServerOnly
)

// String returns the side in one word.
func (s Side) String() string { return [...]string{"both", "client", "server"}[s] }

// Options say what the module under test is used to.
type Options struct {
	// Message makes the message with this number, from 0. The module must want it, and
	// no two may be the same. Default: the texts "message 0", "message 1" …
	Message func(i int) transport.Message
	// Side says below what the module is tested. Default Both.
	Side Side
	// Path is the path by which connections are opened. Default: that of the module,
	// or "/".
	Path string
	// Subprotocol is what the connections speak. Default "": none.
	Subprotocol string
}

func (o Options) withDefaults() Options {
	if o.Message == nil {
		o.Message = func(i int) transport.Message {
			return transport.Message{Kind: transport.Text, Payload: fmt.Appendf(nil, "message %d", i)}
		}
	}
	return o
}
