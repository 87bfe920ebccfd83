package actors

// identity is what the handshake told of the peer.
type identity struct {
	meta      any
	principal Principal
	account   *account // of its key; nil if nothing is counted by key
}

var nobody identity

// who is behind the connection.
func (c *Conn) who() *identity {
	if c.identity == nil {
		return &nobody
	}
	return c.identity
}

// Metadata returns what ServerOptions.Metadata made of the request.
func (c *Conn) Metadata() any { return c.who().meta }

// Principal returns who is on the other side: what ServerOptions.Authenticate said at
// the handshake, or nil. It never changes.
func (c *Conn) Principal() Principal { return c.who().principal }
