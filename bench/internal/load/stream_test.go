package load

import (
	"bytes"
	"testing"
)

func TestAStreamRepeatsItsFramesInTurnWhateverIsWritten(t *testing.T) {
	frames := [][]byte{[]byte("one;"), []byte("three;"), []byte("5;")}
	for batch := 1; batch < 8; batch++ {
		s := newStream(frames, batch)
		var p place
		var out, want []byte
		for i := range 20 {
			p.queue(&s, batch)
			for j := range batch {
				want = append(want, frames[(i*batch+j)%3]...)
			}
			for chunk := i%5 + 1; p.pending > 0; {
				next := p.next(&s)
				if len(next) == p.pending && i%2 == 0 {
					chunk = len(next) // at once
				}
				next = next[:min(chunk, len(next))]
				out = append(out, next...)
				p.wrote(&s, len(next))
			}
		}
		if !bytes.Equal(out, want) {
			t.Fatalf("batches of %d:\n got %s\nwant %s", batch, out, want)
		}
	}
}

func TestABatchGoesOutAtOnceFromEveryPlace(t *testing.T) {
	s := newStream([][]byte{[]byte("one;"), []byte("three;"), []byte("5;")}, 5)
	var p place
	for range 10 {
		p.queue(&s, 5)
		if n := len(p.next(&s)); n != p.pending {
			t.Fatalf("at offset %d only %d of %d bytes can be written", p.offset, n, p.pending)
		}
		p.wrote(&s, p.pending)
	}
}

func TestRestTellsFrameBoundaries(t *testing.T) {
	s := newStream([][]byte{[]byte("one;"), []byte("5;")}, 1)
	for offset, want := range []int{0, 3, 2, 1, 0, 1} {
		if got := s.rest(offset); got != want {
			t.Errorf("rest(%d) = %d, want %d", offset, got, want)
		}
	}
}
