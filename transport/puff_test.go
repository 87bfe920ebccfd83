package transport

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
)

// plainInflater is what a peer does with our messages, by compress/flate and
// nothing of ours: it strips nothing, knows no limit, and keeps the window that
// was agreed, and only that, between messages.
type plainInflater struct {
	window []byte
	size   int // 0: no context takeover
}

func (z *plainInflater) inflate(p []byte) ([]byte, error) {
	r := flate.NewReaderDict(io.MultiReader(bytes.NewReader(p), bytes.NewReader([]byte("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))), z.window)
	out, err := io.ReadAll(r)
	if z.size > 0 {
		z.window = append(z.window, out...)
		z.window = bytes.Clone(z.window[max(0, len(z.window)-z.size):])
	}
	return out, err
}

var errPuff = errors.New("puff: bad deflate data")

// furthest inflates one message after RFC 1951, bit by bit, and says how far back
// it refers. have is how much was sent before.
func furthest(p []byte, have int) (distance int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v at bit %d, %d bytes", errPuff, v, 0, have)
		}
	}()
	z := puff{in: append(bytes.Clone(p), flushed...), out: have}
	for z.pos+8 <= 8*len(z.in) {
		z.block()
	}
	return z.far, nil
}

type puff struct {
	in       []byte
	pos, out int // bits read, bytes made
	far      int
}

func (z *puff) bits(n int) (v int) {
	for i := range n {
		v |= int(z.in[z.pos/8]>>(z.pos%8)&1) << i
		z.pos++
	}
	return v
}

func (z *puff) block() {
	final := z.bits(1)
	switch z.bits(2) {
	case 0:
		z.pos = (z.pos + 7) &^ 7
		n := z.bits(16)
		z.bits(16)
		z.pos += 8 * n
		z.out += n
	case 1:
		lengths := make([]int, 288+30)
		for i := range lengths {
			lengths[i] = []int{8, 9, 7, 8, 5}[btoi(i > 143)+btoi(i > 255)+btoi(i > 279)+btoi(i > 287)]
		}
		z.codes(lengths[:288], lengths[288:])
	case 2:
		z.dynamic()
	default:
		panic(errPuff)
	}
	if final == 1 {
		z.pos = (z.pos + 7) &^ 7
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (z *puff) dynamic() {
	nlen, ndist, ncode := z.bits(5)+257, z.bits(5)+1, z.bits(4)+4
	order := []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	code := make([]int, 19)
	for i := range ncode {
		code[order[i]] = z.bits(3)
	}
	var lengths []int
	for len(lengths) < nlen+ndist {
		switch s := z.symbol(code); s {
		case 16:
			prev := lengths[len(lengths)-1]
			for range 3 + z.bits(2) {
				lengths = append(lengths, prev)
			}
		case 17, 18:
			n := 3 + z.bits(3)
			if s == 18 {
				n += 8 + z.bits(4)<<3
			}
			lengths = append(lengths, make([]int, n)...)
		default:
			lengths = append(lengths, s)
		}
	}
	z.codes(lengths[:nlen], lengths[nlen:])
}

// symbol reads one symbol of a canonical Huffman code.
func (z *puff) symbol(lengths []int) int {
	code, first := 0, 0
	for n := 1; n <= 15; n++ {
		code |= z.bits(1)
		count := 0
		for s, l := range lengths {
			if l != n {
				continue
			}
			if code-first == count {
				return s
			}
			count++
		}
		first = (first + count) << 1
		code <<= 1
	}
	panic(errPuff)
}

func (z *puff) codes(lit, dist []int) {
	for {
		s := z.symbol(lit)
		switch {
		case s == 256:
			return
		case s < 256:
			z.out++
			continue
		}
		length, distance := z.length(s-257), z.distance(z.symbol(dist))
		if distance > z.out {
			panic(errPuff)
		}
		z.far = max(z.far, distance)
		z.out += length
	}
}

func (z *puff) length(s int) int {
	switch {
	case s < 8:
		return s + 3
	case s == 28:
		return 258
	}
	extra := s/4 - 1
	return 3 + (4+s%4)<<extra + z.bits(extra)
}

func (z *puff) distance(s int) int {
	if s < 4 {
		return s + 1
	}
	extra := s/2 - 1
	return 1 + (2+s%2)<<extra + z.bits(extra)
}
