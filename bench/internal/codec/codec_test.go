package codec

import (
	"bytes"
	std "compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/flate"
)

// documents are JSON updates of about size bytes, all of one kind, as a feed
// sends them.
func documents(size int) (all [][]byte) {
	r := rand.New(rand.NewPCG(1, 1))
	names := []string{"alpha", "bravo", "charlie", "delta", "echo", "foxtrot"}
	for range 200 {
		var b bytes.Buffer
		b.WriteString(`{"type":"update","items":[`)
		for b.Len() < size-80 {
			fmt.Fprintf(&b, `{"id":%d,"symbol":"%s-%d","price":%.2f,"volume":%d,"ok":true},`,
				r.IntN(1e6), names[r.IntN(6)], r.IntN(100), r.Float64()*1000, r.IntN(1e5))
		}
		b.WriteString("{}]}")
		all = append(all, b.Bytes())
	}
	return all
}

var sizes = []int{256, 1 << 10, 16 << 10}

type writer interface {
	io.Writer
	Flush() error
}

// measure compresses one document after the other. begin prepares w for a
// message; said is what was said before, at most a window of it.
func measure(b *testing.B, size int, out *bytes.Buffer, w writer, begin func(said []byte)) {
	docs := documents(size)
	var said []byte
	in, packed, i := 0, 0, 0
	b.ReportAllocs()
	for b.Loop() {
		doc := docs[i%len(docs)]
		i++
		out.Reset()
		begin(said)
		if _, err := w.Write(doc); err != nil {
			b.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
		in, packed = in+len(doc), packed+out.Len()-4
		if said = append(said, doc...); len(said) > 64<<10 {
			said = append(said[:0], said[len(said)-32<<10:]...)
		}
	}
	b.ReportMetric(float64(in)/float64(packed), "ratio")
}

// BenchmarkDeflate compresses messages that stand for themselves.
func BenchmarkDeflate(b *testing.B) {
	for _, size := range sizes {
		for _, level := range []int{1, 6, 9} {
			b.Run(fmt.Sprintf("%d/std%d", size, level), func(b *testing.B) {
				var out bytes.Buffer
				w, err := std.NewWriter(&out, level)
				if err != nil {
					b.Fatal(err)
				}
				measure(b, size, &out, w, func([]byte) { w.Reset(&out) })
			})
			b.Run(fmt.Sprintf("%d/klauspost%d", size, level), func(b *testing.B) {
				var out bytes.Buffer
				w, err := flate.NewWriter(&out, level)
				if err != nil {
					b.Fatal(err)
				}
				measure(b, size, &out, w, func([]byte) { w.Reset(&out) })
			})
		}
		b.Run(fmt.Sprintf("%d/stateless", size), func(b *testing.B) {
			var out bytes.Buffer
			measure(b, size, &out, &stateless{out: &out}, func([]byte) {})
		})
		b.Run(fmt.Sprintf("%d/window10", size), func(b *testing.B) {
			var out bytes.Buffer
			w, err := flate.NewWriterWindow(&out, 1<<10)
			if err != nil {
				b.Fatal(err)
			}
			measure(b, size, &out, w, func([]byte) { w.Reset(&out) })
		})
	}
}

type stateless struct{ out *bytes.Buffer }

func (s *stateless) Write(p []byte) (int, error) {
	return len(p), flate.StatelessDeflate(s.out, p, false, nil)
}

func (s *stateless) Flush() error { return nil }

// BenchmarkTakeover compresses messages that refer to those before them: with a
// writer for this connection alone, and with a shared one that is primed with
// the last bytes of what was said.
func BenchmarkTakeover(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%d/own", size), func(b *testing.B) {
			var out bytes.Buffer
			w, err := flate.NewWriter(&out, 1)
			if err != nil {
				b.Fatal(err)
			}
			measure(b, size, &out, w, func([]byte) {})
		})
		for _, prime := range []int{2 << 10, 4 << 10, 8 << 10, 32 << 10} {
			b.Run(fmt.Sprintf("%d/primed with %d", size, prime), func(b *testing.B) {
				var out bytes.Buffer
				w, err := flate.NewWriter(&out, 1)
				if err != nil {
					b.Fatal(err)
				}
				measure(b, size, &out, w, func(said []byte) { w.ResetDict(&out, said[max(0, len(said)-prime):]) })
			})
		}
	}
}

// BenchmarkInflate reads a message back.
func BenchmarkInflate(b *testing.B) {
	for _, size := range sizes {
		var packed bytes.Buffer
		w, err := std.NewWriter(&packed, 6)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(documents(size)[0]); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		for name, r := range map[string]io.Reader{"std": std.NewReader(nil), "klauspost": flate.NewReader(nil)} {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				out := make([]byte, size)
				src := bytes.NewReader(nil)
				b.ReportAllocs()
				for b.Loop() {
					src.Reset(packed.Bytes())
					if err := r.(std.Resetter).Reset(src, nil); err != nil {
						b.Fatal(err)
					}
					for {
						if _, err := r.Read(out); err == io.EOF {
							break
						} else if err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}

// BenchmarkNewWriter says what a writer for each connection would take.
func BenchmarkNewWriter(b *testing.B) {
	makers := map[string]func() (writer, error){
		"std1":       func() (writer, error) { return std.NewWriter(io.Discard, 1) },
		"klauspost1": func() (writer, error) { return flate.NewWriter(io.Discard, 1) },
		"klauspost9": func() (writer, error) { return flate.NewWriter(io.Discard, 9) },
		"window10":   func() (writer, error) { return flate.NewWriterWindow(io.Discard, 1<<10) },
	}
	for name, make := range makers {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w, err := make()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := w.Write([]byte("x")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
