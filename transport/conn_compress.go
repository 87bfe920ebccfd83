package transport

// Extensions returns what the handshake agreed on beside the subprotocol, as
// Sec-WebSocket-Extensions has it, or "".
func (c *Conn) Extensions() string {
	if c.d.deflate == nil {
		return ""
	}
	return c.d.deflate.agreed.String()
}

// Compresses reports whether permessage-deflate was agreed, without which
// Compress does nothing.
func (c *Conn) Compresses() bool { return c.d.deflate != nil }

// Compress appends a frame to dst in the form in which it is to leave. frame is
// one whole frame that is not sealed yet, as AppendFrame makes it. If
// permessage-deflate was agreed, it is a data frame, not below
// Compression.Threshold and shorter for it, it comes out compressed; else as it
// is. The result of a masked frame is not sealed either. frame is not changed
// and not kept.
//
// Only the writer calls it, for every frame and in the order in which they
// leave: with context takeover each result depends on those before it. A result
// must leave once, and no other may be left out. Frames of a [Prepared] pass as
// they are, but must pass here too.
func (c *Conn) Compress(dst, frame []byte) []byte {
	if c.d.deflate == nil {
		return append(dst, frame...)
	}
	return c.d.deflate.out.compress(dst, frame)
}
