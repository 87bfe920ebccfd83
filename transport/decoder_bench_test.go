package transport

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkDecode decodes reads of 64 frames and says what one frame costs. The
// frames are masked afresh each time by a copy, which is in the figure.
func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name    string
		op      byte
		payload string
	}{
		{"binary 16", opBinary, strings.Repeat("x", 16)},
		{"binary 64", opBinary, strings.Repeat("x", 64)},
		{"text 64", opText, strings.Repeat("x", 64)},
		{"text 64 CJK", opText, strings.Repeat("世", 21) + "x"},
		{"text 1024", opText, strings.Repeat("x", 1024)},
	} {
		for role, s := range both(func(s *script) {
			for range 64 {
				s.frame(true, c.op, c.payload)
			}
		}) {
			b.Run(fmt.Sprintf("%s/%s", c.name, role), func(b *testing.B) { benchmarkDecode(b, s) })
		}
	}
}

func benchmarkDecode(b *testing.B, s *script) {
	l := Limits{}.withDefaults(1 << 20)
	var d decoder
	d.init(s.server, &l)
	wire, p := s.Bytes(), bytes.Clone(s.Bytes())
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		copy(p, wire)
		batch := newBatch()
		if used, _ := d.decode(p, batch); used != len(p) || batch.Err != nil || len(batch.Messages) != 64 {
			b.Fatal(used, batch.Err)
		}
		batch.Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/frame")
}

// BenchmarkDecodePieces decodes one text of 64 KiB that comes in reads of 1 KiB.
func BenchmarkDecodePieces(b *testing.B) {
	s := (&script{server: true}).frame(true, opText, strings.Repeat("x", 64<<10))
	l := Limits{}.withDefaults(1 << 20)
	var d decoder
	d.init(true, &l)
	wire, p := s.Bytes(), bytes.Clone(s.Bytes())
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		copy(p, wire)
		batch := newBatch()
		for n := 1 << 10; n < len(p); n += 1 << 10 {
			d.decode(p[:n], batch)
		}
		d.decode(p, batch)
		batch.Release()
	}
}
