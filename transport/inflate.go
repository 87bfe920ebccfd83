package transport

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

const (
	// maxWindow is how far back deflate can refer (RFC 1951 §2).
	maxWindow = 1 << maxWindowBits
	// maxFinals is how many final blocks a message may have. Each ends a stream,
	// and beginning the next costs the copy of a window.
	maxFinals = 256
	// inflateGuess is how many times longer than its compressed form a message
	// is taken to be, before it is known.
	inflateGuess = 3
)

// flushed is what a sender leaves out at a message's end (RFC 7692 §7.2.2), and
// behind it a final block, so that the inflater sees an end.
const flushed = "\x00\x00\xff\xff"

const inflateTail = flushed + "\x01\x00\x00\xff\xff"

var (
	errCorrupt = errors.New("corrupt deflate data")
	errTooLong = errors.New("inflates to more than is allowed")
)

// inflater is a pooled flate reader over memory.
type inflater struct {
	src    bytes.Reader
	reader io.ReadCloser // a flate.Resetter too
	dict   []byte
}

var inflaters = sync.Pool{New: func() any {
	z := new(inflater)
	z.reader = flate.NewReader(&z.src)
	return z
}}

// inflate undoes deflate for one message, behind the given window. It returns
// errTooLong as soon as there are more than limit bytes, with no more memory
// taken than limit and the step before; else errCorrupt. The Buffer is the
// caller's.
//
// A message may end a stream with a final block and begin another one
// (RFC 7692 §7.2.3.4, §7.2.3.5). Blocks begin at a byte there, and may refer to
// what stands before. No byte at all is no deflate (an empty message has one), but
// there are senders who take it for an empty message.
func inflate(p, window []byte, limit int) (*Buffer, error) {
	if len(p) == 0 {
		return NewBuffer(0), nil
	}
	in := NewBuffer(len(p) + len(inflateTail))
	defer in.Release()
	in.B = append(append(in.B, p...), inflateTail...)
	z := inflaters.Get().(*inflater)
	defer z.free()
	z.src.Reset(in.B)
	out := NewBuffer(min(max(inflateGuess*len(p), minPart), limit+1))
	err := z.reset(window)
	for range maxFinals {
		if err == nil {
			out, err = z.stream(out, limit)
		}
		if err != nil {
			out.Release()
			return nil, err
		}
		switch rest := z.src.Len(); {
		case rest == 0, rest >= len(inflateTail)-len(flushed) && rest <= len(inflateTail):
			return out, nil
		case rest < len(inflateTail):
			err = errCorrupt // our own final block was taken for data
		default:
			z.dict = slide(append(z.dict[:0], window...), out.B, maxWindow)
			err = z.reset(z.dict)
		}
	}
	out.Release()
	return nil, errTooLong
}

// reset begins a stream behind the window.
func (z *inflater) reset(window []byte) error {
	return z.reader.(flate.Resetter).Reset(&z.src, window)
}

// stream appends what one stream holds to out, which it replaces as it grows.
func (z *inflater) stream(out *Buffer, limit int) (*Buffer, error) {
	for {
		if len(out.B) > limit {
			return out, errTooLong
		}
		if len(out.B) == cap(out.B) {
			grown := NewBuffer(min(2*cap(out.B), limit+1))
			grown.B = append(grown.B, out.B...)
			out.Release()
			out = grown
		}
		n, err := z.reader.Read(out.B[len(out.B):min(cap(out.B), limit+1)])
		out.B = out.B[:len(out.B)+n]
		switch {
		case err == nil:
		case len(out.B) > limit:
			return out, errTooLong
		case err == io.EOF:
			return out, nil
		default:
			return out, errCorrupt
		}
	}
}

// free gives z back.
func (z *inflater) free() {
	z.src.Reset(nil)
	inflaters.Put(z)
}

// slide appends p to a window of at most size bytes, the oldest of which go.
func slide(window, p []byte, size int) []byte {
	if len(p) > size {
		p = p[len(p)-size:]
	}
	if drop := len(window) + len(p) - size; drop > 0 {
		window = window[:copy(window, window[drop:])]
	}
	if need := len(window) + len(p); need > cap(window) {
		grown := make([]byte, len(window), min(size, max(need, 2*cap(window))))
		copy(grown, window)
		window = grown
	}
	return append(window, p...)
}
