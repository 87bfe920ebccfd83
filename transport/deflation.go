package transport

// lookBack is how far the compressor is made to look back at least, if there is
// so much, before it is given a message; for a longer message, twice its length.
// Whatever it looks at costs as much as compressing it does.
const lookBack = 2 << 10

// batchInflated is how many bytes are inflated for one Batch before it counts as
// full. Without it a peer could make one read of ours a thousand times as big.
const batchInflated = 256 << 10

// deflation is what a connection keeps for permessage-deflate once it is agreed.
// Its two halves are used by different goroutines.
type deflation struct {
	agreed deflateParams
	in     inflation
	out    outflation
}

// inflation is the reader's half.
type inflation struct {
	window []byte // what the peer may refer to
	size   int    // of window; 0: every message stands for itself
	spent  int    // bytes inflated for the Batch under way
	open   bool   // the message under way is compressed
}

// outflation is the writer's half.
type outflation struct {
	window    []byte // what we may refer to: a suffix of what the peer keeps
	size      int    // of window; 0: every message stands for itself
	threshold int
	codec     codec
}

// newDeflation makes the state of a connection. p is nil if nothing was agreed.
func newDeflation(server bool, c Compression, p *deflateParams) *deflation {
	if p == nil {
		return nil
	}
	ours, theirs := windowOf(p.clientBits, p.clientFresh), windowOf(p.serverBits, p.serverFresh)
	bits := p.clientBits
	if server {
		ours, theirs = theirs, ours
		bits = p.serverBits
	}
	if bits <= 0 {
		bits = maxWindowBits
	}
	return &deflation{
		agreed: *p,
		in:     inflation{size: theirs},
		out:    outflation{size: ours, threshold: c.threshold(), codec: c.codec(int(bits))},
	}
}

// windowOf is how many bytes are kept between messages.
func windowOf(bits int8, fresh bool) int {
	switch {
	case fresh:
		return 0
	case bits <= 0:
		return maxWindow
	}
	return 1 << bits
}

// inflate inflates a whole message and remembers what the peer may refer to.
func (z *inflation) inflate(p []byte, limit int) (*Buffer, error) {
	out, err := inflate(p, z.window, limit)
	if err != nil {
		return nil, err
	}
	z.spent += len(out.B)
	if z.size > 0 {
		z.window = slide(z.window, out.B, z.size)
	}
	return out, nil
}

// compress appends frame to dst as it is to leave.
//
// What goes out uncompressed does not enter the peer's window. A frame that was
// compressed elsewhere does, but we do not know what it says: so we refer no
// further back than to what follows it.
func (z *outflation) compress(dst, frame []byte) []byte {
	if frame[0]&rsv1Bit != 0 {
		z.window = z.window[:0]
	}
	if op := frame[0] &^ finBit; frame[0]&finBit == 0 || op != opText && op != opBinary {
		return append(dst, frame...)
	}
	head, size := frameShape(frame)
	if size < z.threshold {
		return append(dst, frame...)
	}
	payload := frame[head : head+size]
	dict := z.window[max(0, len(z.window)-max(lookBack, 2*size)):]
	c := newCompressor(z.codec)
	defer c.free(z.codec)
	packed, ok := c.pack(payload, dict)
	if !ok {
		return append(dst, frame...)
	}
	if z.size > 0 {
		z.window = slide(z.window, payload, z.size)
	}
	dst = appendHeader(dst, frame[0]|rsv1Bit, len(packed), frame[1]&maskBit)
	return append(dst, packed...)
}
