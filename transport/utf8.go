package transport

import (
	"encoding/binary"
	"unicode/utf8"
)

// asciiBelow is the length below which looking for a byte that is not ASCII,
// word by word, is cheaper than utf8.Valid (BenchmarkValidUTF8).
const asciiBelow = 256

// highBits has the top bit of each byte set: ASCII has none of them.
const highBits = 0x8080808080808080

// ValidUTF8 reports whether p is UTF-8 as RFC 3629 defines it. It is
// utf8.Valid, faster for the short ASCII texts that most messages are.
func ValidUTF8(p []byte) bool {
	return len(p) < asciiBelow && isASCII(p) || utf8.Valid(p)
}

// isASCII looks at all of p and decides once, as short texts have no time for
// more branches. The last word may overlap the one before it.
func isASCII(p []byte) bool {
	var seen uint64
	q := p
	for ; len(q) >= 32; q = q[32:] {
		seen |= binary.LittleEndian.Uint64(q) | binary.LittleEndian.Uint64(q[8:]) |
			binary.LittleEndian.Uint64(q[16:]) | binary.LittleEndian.Uint64(q[24:])
	}
	for ; len(q) >= 8; q = q[8:] {
		seen |= binary.LittleEndian.Uint64(q)
	}
	switch {
	case len(q) == 0:
	case len(p) >= 8:
		seen |= binary.LittleEndian.Uint64(p[len(p)-8:])
	default:
		for _, c := range q {
			seen |= uint64(c)
		}
	}
	return seen&highBits == 0
}

// utf8Checker checks a text that comes in pieces. It fails at the first octet
// that cannot be right, however the pieces are cut (RFC 6455 §8.1). The zero
// value is ready; after a failure it must be reset.
type utf8Checker struct {
	tail [utf8.UTFMax]byte // the start of a rune whose rest has not come yet
	n    uint8             // bytes in tail
}

// feed takes the next piece and reports whether the text is right so far.
func (c *utf8Checker) feed(p []byte) bool {
	for c.n > 0 && len(p) > 0 {
		c.tail[c.n] = p[0]
		c.n++
		p = p[1:]
		if t := c.tail[:c.n]; utf8.FullRune(t) {
			if _, size := utf8.DecodeRune(t); size != len(t) {
				return false
			}
			c.n = 0
		}
	}
	whole := len(p) - unfinished(p)
	if !ValidUTF8(p[:whole]) {
		return false
	}
	if whole < len(p) {
		c.n = uint8(copy(c.tail[:], p[whole:]))
	}
	return true
}

// done reports whether the text may end here, which is not so within a rune.
func (c *utf8Checker) done() bool { return c.n == 0 }

// unfinished is how many bytes at the end of p begin a rune that may still
// become right.
func unfinished(p []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if end := p[len(p)-i:]; utf8.RuneStart(end[0]) {
			if utf8.FullRune(end) {
				return 0
			}
			return i
		}
	}
	return 0
}
