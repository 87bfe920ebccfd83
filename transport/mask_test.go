package transport

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// xorSlow is RFC 6455 §5.3 to the letter.
func xorSlow(p []byte, key [4]byte, pos int) {
	for i := range p {
		p[i] ^= key[(pos+i)%4]
	}
}

func TestXorIsTheMaskOfTheRFCAtEachLengthAndPosition(t *testing.T) {
	memory := make([]byte, 600)
	for i := range memory {
		memory[i] = byte(i * 7)
	}
	for n := range 560 {
		for pos := range 9 {
			got, want := bytes.Clone(memory), bytes.Clone(memory)
			xor(got[pos:pos+n], testKey, pos)
			xorSlow(want[pos:pos+n], testKey, pos)
			if !bytes.Equal(got, want) {
				t.Fatalf("%d bytes at position %d", n, pos)
			}
		}
	}
}

func TestXorInPiecesIsXorOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "p")
		cut := rapid.IntRange(0, len(p)).Draw(t, "cut")
		want := bytes.Clone(p)
		xorSlow(want, testKey, 0)
		xor(p[:cut], testKey, 0)
		xor(p[cut:], testKey, cut)
		if !bytes.Equal(p, want) {
			t.Fatalf("cut at %d of %d", cut, len(p))
		}
	})
}

func BenchmarkXor(b *testing.B) {
	for _, n := range []int{8, 15, 64, 100, 128, 192, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := make([]byte, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				xor(p, testKey, 0)
			}
		})
	}
}
