package transport

import (
	"sync"

	"github.com/klauspost/compress/flate"
)

// keptPacked is how much room for its result a pooled compressor may keep.
const keptPacked = 256 << 10

// codec is a way to compress: 0 to 8 are the levels 1 to 9 with the whole window,
// those behind them the smaller windows from minWindowBits on.
type codec uint8

const codecs = bestLevel + maxWindowBits - minWindowBits

func levelCodec(level int) codec { return codec(level - 1) }
func windowCodec(bits int) codec { return codec(bestLevel + bits - minWindowBits) }

// compressor is a pooled flate writer into memory. It is big, about half a
// megabyte and more, so there are no more of them than compress at the same time.
type compressor struct {
	w      *flate.Writer
	packed []byte
}

var compressors [codecs]sync.Pool

// newCompressor returns one that holds nothing of anybody.
func newCompressor(k codec) *compressor {
	if c, _ := compressors[k].Get().(*compressor); c != nil {
		return c
	}
	c := new(compressor)
	var err error
	if k < bestLevel {
		c.w, err = flate.NewWriter(c, int(k)+1)
	} else {
		c.w, err = flate.NewWriterWindow(c, 1<<(int(k)-bestLevel+minWindowBits))
	}
	if err != nil {
		panic(err) // a codec has no other values
	}
	return c
}

// Write implements io.Writer for the flate writer.
func (c *compressor) Write(p []byte) (int, error) {
	c.packed = append(c.packed, p...)
	return len(p), nil
}

// pack compresses p as one message that may refer to dict (RFC 7692 §7.2.1). ok
// is false if that makes it no shorter. The result is valid until free.
func (c *compressor) pack(p, dict []byte) (packed []byte, ok bool) {
	c.packed = c.packed[:0]
	c.w.ResetDict(c, dict)
	if _, err := c.w.Write(p); err != nil {
		return nil, false
	}
	if err := c.w.Flush(); err != nil {
		return nil, false
	}
	n := len(c.packed) - len(flushed)
	if n < 0 || n >= len(p) || string(c.packed[n:]) != flushed {
		return nil, false
	}
	return c.packed[:n], true
}

// free gives c back.
func (c *compressor) free(k codec) {
	if cap(c.packed) > keptPacked {
		c.packed = nil
	}
	compressors[k].Put(c)
}
