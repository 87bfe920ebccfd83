package transport

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// deflated compresses as compress/flate does, in the form of RFC 7692 §7.2.1.
func deflated(t testing.TB, p []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err == nil {
		_, err = w.Write(p)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte(flushed))
}

// deflateBomb holds 64 MiB in 64 KiB: one block of 1 MiB of zeros, time and again.
var deflateBomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 9)
	if err == nil {
		_, err = w.Write(make([]byte, 1<<20))
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(bytes.Repeat(b.Bytes(), 64), []byte(flushed))
})

func TestInflateReadsTheExamplesOfTheRFC(t *testing.T) {
	for _, c := range []struct{ name, packed, want string }{
		{"§7.2.3.1, one block", "\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello"},
		{"§7.2.3.3, no compression", "\x00\x05\x00\xfa\xffHello\x00", "Hello"},
		{"§7.2.3.4, a final block", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello"},
		{"§7.2.3.5, two blocks", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello"},
		{"§7.2.3.6, nothing", "\x00", ""},
		{"nothing, with a fixed block", "\x02\x00", ""},
		{"nothing at all", "", ""},
		{"a final block without what must follow it", "\xf3\x48\xcd\xc9\xc9\x07\x00", "Hello"},
		{"two final blocks", "\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "HelloHello"},
		{"a final block and another", "\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00", "HelloHello"},
		{"final blocks of nothing", "\x03\x00\x03\x00\x03\x00\x00", ""},
	} {
		out, err := inflate([]byte(c.packed), nil, 100)
		if err != nil || string(out.B) != c.want {
			t.Errorf("%s: got %v, %v", c.name, out, err)
			continue
		}
		out.Release()
	}
}

// RFC 7692 §7.2.3.2: "Hello" twice, the second time by what was said before.
func TestInflateKeepsTheWindowBetweenMessages(t *testing.T) {
	in := inflation{size: maxWindow}
	for _, packed := range []string{"\xf2\x48\xcd\xc9\xc9\x07\x00", "\xf2\x00\x11\x00\x00"} {
		out, err := in.inflate([]byte(packed), 100)
		if err != nil || string(out.B) != "Hello" {
			t.Fatal(out, err)
		}
		out.Release()
	}
	if string(in.window) != "HelloHello" {
		t.Errorf("the window is %q", in.window)
	}
	if _, err := inflate([]byte("\xf2\x00\x11\x00\x00"), nil, 100); err != errCorrupt {
		t.Errorf("without a window: %v", err)
	}
	// A block behind a final one may refer to what stands before it.
	out, err := inflate([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00"), nil, 100)
	if err != nil || string(out.B) != "HelloHello" {
		t.Fatal(out, err)
	}
	out.Release()
}

func TestInflateStopsAtItsLimit(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	random := make([]byte, 200_000)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	for _, n := range []int{1, 2, 100, minPart - 1, minPart, 32767, 32768, 32769, 100_000, 200_000} {
		for name, p := range map[string][]byte{"zeros": make([]byte, n), "random": random[:n]} {
			packed := deflated(t, p, 6)
			for _, limit := range []int{n - 1, n, n + 1, noLimit} {
				out, err := inflate(packed, nil, limit)
				switch {
				case limit < n && err == errTooLong && out == nil:
				case limit >= n && err == nil && bytes.Equal(out.B, p):
					out.Release()
				default:
					t.Errorf("%d %s, limit %d: %v", n, name, limit, err)
				}
			}
		}
	}
}

func TestInflateStopsAtItsLimitInAFinalBlock(t *testing.T) {
	for limit, want := range map[int]error{4: errTooLong, 5: nil} {
		out, err := inflate([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00"), nil, limit)
		if err != want {
			t.Errorf("limit %d: %v", limit, err)
		}
		if out != nil {
			out.Release()
		}
	}
}

func TestInflateRefusesWhatIsNoDeflate(t *testing.T) {
	for name, packed := range map[string]string{
		"a reserved block type":          "\x06",
		"a stored block of wrong length": "\x00\x05\x00\x00\x00Hello",
		"a stored block cut short":       "\x00\xff\x00\x00\xffHello",
		"a fixed block cut short":        "\xf2\x48\xcd",
		"a dynamic block cut short":      "\x04",
		"a reference to nothing":         "\xf2\x00\x11\x00\x00",
		"text":                           "Hello, this is no deflate",
		"the tail once more":             "\xf2\x48\xcd\xc9\xc9\x07\x00\x00\xff",
		"zlib":                           "\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00\x05\x8c\x01\xf5",
		"gzip":                           "\x1f\x8b\x08\x00\x00\x00\x00\x00",
	} {
		if out, err := inflate([]byte(packed), nil, 1000); err != errCorrupt {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
}

func TestInflateBoundsItsWork(t *testing.T) {
	if out, err := inflate([]byte(strings.Repeat("\x03\x00", maxFinals-1)+"\x00"), nil, 10); err != nil || len(out.B) != 0 {
		t.Error(out, err)
	}
	start := time.Now()
	if _, err := inflate([]byte(strings.Repeat("\x03\x00", 500_000)), make([]byte, maxWindow), 10); err != errTooLong {
		t.Error(err)
	}
	t.Logf("half a million final blocks: %v", time.Since(start))
}

// A bomb of 64 KiB that holds 64 MiB, and worse ones: 1009, by the decoder of
// either side, whole and in fragments, with and without context takeover.
func TestBombsEndWithMessageTooBig(t *testing.T) {
	bomb := deflateBomb()
	t.Logf("the bomb has %d bytes", len(bomb))
	limits := Limits{MaxMessage: 128 << 10, MaxInflated: 640 << 10}
	for _, size := range []int{0, maxWindow} {
		for role, s := range both(func(s *script) {
			s.frame(true, opText, "before")
			s.packed(false, opBinary, string(bomb[:1000])).frame(false, opContinuation, string(bomb[1000:])).frame(true, opContinuation, "")
		}) {
			t.Run(fmt.Sprintf("%s/window %d", role, size), func(t *testing.T) {
				z := &deflation{in: inflation{size: size}}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				got := decodeWith(t, z, s.Bytes(), s.server, limits, nil)
				took := time.Since(start)
				runtime.ReadMemStats(&after)
				if want := (result{events: []string{"text before", violation(1009, bigInflated)}}); !got.equal(want) {
					t.Errorf("got %v", got)
				}
				// The test's own copy of the wire, the output and the step before it.
				n := after.TotalAlloc - before.TotalAlloc
				t.Logf("%v, %d KiB allocated", took, n>>10)
				if n > 4<<20 {
					t.Errorf("%d bytes were allocated", n)
				}
				if z.in.window != nil {
					t.Error("the window is still there")
				}
			})
		}
	}
}

func TestInflateTakesLittleMoreThanItsLimit(t *testing.T) {
	bomb := deflateBomb()
	const limit = 3 << 20 // beyond the pools
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := inflate(bomb, nil, limit); err != errTooLong {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 3*limit {
		t.Errorf("%d bytes were allocated for a limit of %d", n, limit)
	}
}

func TestWindowSlides(t *testing.T) {
	var w, all []byte
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		p := make([]byte, r.IntN(300)*r.IntN(4))
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		all = append(all, p...)
		w = slide(w, p, 512)
		if !bytes.Equal(w, all[max(0, len(all)-512):]) || cap(w) > 512 {
			t.Fatalf("%d bytes in %d after %d", len(w), cap(w), len(all))
		}
	}
}

// FuzzInflate holds our inflating against compress/flate's: no panic, no more
// than the limit, and the same bytes where it sees one stream.
func FuzzInflate(f *testing.F) {
	for _, s := range []string{
		"\xf2\x48\xcd\xc9\xc9\x07\x00", "\x00\x05\x00\xfa\xffHello\x00", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
		"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "\xf2\x00\x11\x00\x00", "\x00", "", "\x05\xe0\x81\x08\x00\x00\x00\x00\x20\x7f\xeb\x0b",
	} {
		f.Add([]byte(s), []byte("Hello"), uint16(100))
	}
	f.Fuzz(func(t *testing.T, p, window []byte, limit uint16) {
		out, err := inflate(p, window, int(limit))
		if err == nil {
			defer out.Release()
			if len(out.B) > int(limit) {
				t.Fatalf("%d bytes for a limit of %d", len(out.B), limit)
			}
		}
		if len(p) == 0 {
			return
		}
		src := bytes.NewReader(append(bytes.Clone(p), inflateTail...))
		want, bad := io.ReadAll(io.LimitReader(flate.NewReaderDict(src, window), int64(limit)+1))
		switch {
		case len(want) > int(limit):
			if err != errTooLong {
				t.Fatalf("%v for a message that is too long", err)
			}
		case bad != nil && !errors.Is(err, errCorrupt):
			t.Fatalf("compress/flate says %v, we say %v", bad, err)
		case bad == nil && src.Len() == 0 && (err != nil || !bytes.Equal(out.B, want)):
			t.Fatalf("compress/flate says %q, we say %v", want, err)
		case bad == nil && src.Len() > len(inflateTail) && err == nil && !bytes.HasPrefix(out.B, want):
			t.Fatalf("the first stream is %q, we say %q", want, out.B)
		}
	})
}
