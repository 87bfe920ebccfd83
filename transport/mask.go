package transport

import (
	"encoding/binary"
	"math/bits"

	"github.com/gobwas/ws"
)

// wordLoop is the length up to which the loop below beats ws.Cipher, which has
// vector instructions but a dear start (BenchmarkXor).
const wordLoop = 128

// xor masks or unmasks p in place (RFC 6455 §5.3: both are the same). pos is
// where p begins within its payload, so that a payload can be done in pieces.
func xor(p []byte, key [4]byte, pos int) {
	if len(p) > wordLoop {
		ws.Cipher(p, key, pos)
		return
	}
	k32 := bits.RotateLeft32(binary.LittleEndian.Uint32(key[:]), -8*(pos&3))
	k64 := uint64(k32)<<32 | uint64(k32)
	for len(p) >= 32 {
		q := p[:32:32]
		binary.LittleEndian.PutUint64(q, binary.LittleEndian.Uint64(q)^k64)
		binary.LittleEndian.PutUint64(q[8:], binary.LittleEndian.Uint64(q[8:])^k64)
		binary.LittleEndian.PutUint64(q[16:], binary.LittleEndian.Uint64(q[16:])^k64)
		binary.LittleEndian.PutUint64(q[24:], binary.LittleEndian.Uint64(q[24:])^k64)
		p = p[32:]
	}
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k64)
		p = p[8:]
	}
	if len(p) >= 4 {
		binary.LittleEndian.PutUint32(p, binary.LittleEndian.Uint32(p)^k32)
		p = p[4:]
	}
	for i := range p {
		p[i] ^= byte(k32)
		k32 >>= 8
	}
}
