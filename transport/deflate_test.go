package transport

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// bareConn is a Conn without a socket, for what only looks at its settings.
func bareConn(server bool, c Compression, p *deflateParams) *Conn {
	nc := &Conn{server: server}
	l := Limits{}.withDefaults(1 << 20)
	nc.d.init(server, &l)
	nc.d.deflate = newDeflation(server, c, p)
	return nc
}

// prose is text that compresses as text does.
func prose(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, seed))
	words := strings.Fields("the server said that every client must wait until its window has room again {\"id\": \"price\": null} κόσμε")
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "%s %d ", words[r.IntN(len(words))], r.IntN(1000))
	}
	return bytes.ToValidUTF8(b.Bytes()[:n], []byte("?"))
}

func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, seed))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

func TestCompressPassesWhatIsNotToBeCompressed(t *testing.T) {
	text := prose(1, 511)
	for name, frame := range map[string][]byte{
		"below the threshold": AppendFrame(nil, opText, text, false),
		"a masked short one":  AppendFrame(nil, opText, text, true),
		"nothing":             AppendFrame(nil, opText, nil, false),
		"a ping":              AppendFrame(nil, opPing, text[:125], false),
		"a close frame":       AppendFrame(nil, opClose, []byte("\x03\xe8"), false),
		"noise":               AppendFrame(nil, opBinary, noise(1, 5000), false),
		"a lot of noise":      AppendFrame(nil, opBinary, noise(1, 200_000), true),
		"a frame not final":   append([]byte{opText, 126, 2, 0}, prose(1, 512)...),
		"compressed already":  {finBit | rsv1Bit | opText, 7, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00},
	} {
		for _, c := range []Compression{fresh, takeover} {
			was := bytes.Clone(frame)
			got := bareConn(true, c, &deflateParams{}).Compress([]byte("dst"), frame)
			if !bytes.Equal(got, append([]byte("dst"), was...)) || !bytes.Equal(frame, was) {
				t.Errorf("%s: %.40x becomes %.40x", name, was, got)
			}
		}
	}
	long := AppendFrame(nil, opText, prose(1, 5000), false)
	if c := bareConn(true, Compression{}, nil); !bytes.Equal(c.Compress(nil, long), long) || c.Compresses() || c.Extensions() != "" {
		t.Error("a connection without an agreement compresses")
	}
}

func TestThresholdCountsThePayload(t *testing.T) {
	for _, c := range []struct {
		threshold, n int
		packed       bool
	}{
		{0, 511, false}, {0, 512, true}, {100, 99, false}, {100, 100, true}, {-1, 200, true}, {1, 200, true}, {1000, 999, false}, {1000, 1000, true},
	} {
		frame := AppendFrame(nil, opText, bytes.Repeat([]byte("abcd"), 300)[:c.n], false)
		got := bareConn(true, Compression{Threshold: c.threshold}, &deflateParams{}).Compress(nil, frame)
		if packed := got[0]&rsv1Bit != 0; packed != c.packed || packed != (len(got) < len(frame)) {
			t.Errorf("threshold %d, %d bytes: compressed %v", c.threshold, c.n, packed)
		}
	}
}

func TestACompressedFrameOfAClientIsNotSealed(t *testing.T) {
	c := bareConn(false, fresh, &deflateParams{})
	text := prose(2, 3000)
	frame := c.Compress(nil, AppendFrame(nil, opText, text, true))
	head, size := frameShape(frame)
	if frame[1]&maskBit == 0 || !bytes.Equal(frame[head-4:head], make([]byte, 4)) || len(frame) != head+size {
		t.Fatalf("the frame begins with %x and has %d bytes", frame[:head], len(frame))
	}
	SealFrame(frame)
	if bytes.Equal(frame[head-4:head], make([]byte, 4)) {
		t.Error("SealFrame has not masked it")
	}
	got := decodeWith(t, withTakeover(), frame, true, Limits{}, nil)
	if !got.equal(result{events: []string{"text " + string(text)}}) {
		t.Errorf("got %.100v", got)
	}
}

// No reference may leave the window that was agreed, and none what the peer keeps
// of messages before: a peer of zlib has no more.
func TestCompressStaysWithinTheWindow(t *testing.T) {
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		for _, keep := range []bool{false, true} {
			p := &deflateParams{serverBits: int8(bits), serverFresh: !keep}
			for _, level := range []int{1, 2, 5, 7, 9} {
				if bits < maxWindowBits && level > 1 {
					break
				}
				c := bareConn(true, Compression{Level: level, Threshold: -1}, p)
				sent, packed, far := 0, 0, 0
				for i, n := range []int{40, 300, 5 << bits >> 2, 1000, 200, 2000, 1, 0, 300} {
					text := prose(uint64(i%3), n)
					frame := c.Compress(nil, AppendFrame(nil, opText, text, false))
					if frame[0]&rsv1Bit == 0 {
						continue
					}
					head, _ := frameShape(frame)
					distance, err := furthest(frame[head:], min(sent, 1<<bits))
					if err != nil || distance > 1<<bits {
						t.Fatalf("bits %d, level %d, message %d: %v, %d back", bits, level, i, err, distance)
					}
					far, packed = max(far, distance), packed+1
					if keep {
						sent += n
					}
				}
				if packed < 5 || far < 100 {
					t.Errorf("bits %d, level %d: %d messages compressed, %d back at most", bits, level, packed, far)
				}
			}
		}
	}
}

func TestContextTakeoverMakesMessagesShorter(t *testing.T) {
	text := prose(5, 2000)
	sizes := map[bool]int{}
	for _, keep := range []bool{false, true} {
		c := bareConn(true, Compression{}, &deflateParams{serverFresh: !keep})
		for range 5 {
			sizes[keep] = len(c.Compress(nil, AppendFrame(nil, opText, text, false)))
		}
	}
	if sizes[true] > sizes[false]/5 {
		t.Errorf("%d bytes with and %d without", sizes[true], sizes[false])
	}
}

// Blocks that cannot be compressed leave as they are, and nothing of the window
// with them, at every level.
func TestCompressMixesBlocksOfAllKinds(t *testing.T) {
	for k := range codec(codecs) {
		c := newCompressor(k)
		for _, window := range []int{10, 32 << 10} {
			for _, n := range []int{200, 70_000} {
				dict := prose(1, window)
				if k >= bestLevel {
					dict = dict[max(0, window-1<<(int(k)-bestLevel+minWindowBits)):]
				}
				p := append(append(noise(2, n), make([]byte, 2*n)...), noise(3, n/2)...)
				packed, ok := c.pack(p, dict)
				if !ok && k != windowCodec(minWindowBits) {
					t.Errorf("codec %d, window %d, %d bytes: not shorter", k, window, n)
				}
				if !ok {
					continue
				}
				peer := plainInflater{window: dict}
				if got, err := peer.inflate(packed); err != nil || !bytes.Equal(got, p) {
					t.Errorf("codec %d, window %d, %d bytes: %d came out, %v", k, window, n, len(got), err)
				}
			}
		}
		c.free(k)
	}
}

// drawFrame draws a message of some size and kind, and its frame.
func drawFrame(r *rapid.T, masked bool) (event string, frame []byte) {
	n := rapid.SampledFrom([]int{0, 1, 7, 20, 100, 126, 300, 511, 512, 2000, 10_000, 40_000}).Draw(r, "size")
	seed := rapid.Uint64Range(0, 3).Draw(r, "seed")
	op, p := opText, prose(seed, n)
	switch rapid.IntRange(0, 4).Draw(r, "kind") {
	case 0:
		op, p = opBinary, noise(seed, n)
	case 1: // blocks that cannot be compressed, among others
		op, p = opBinary, append(append(noise(seed, n), make([]byte, n)...), noise(seed, n/2)...)
	}
	return Kind(op).String() + " " + string(p), AppendFrame(nil, op, p, masked)
}

func drawParams(r *rapid.T) *deflateParams {
	bits := rapid.SampledFrom([]int8{0, 8, 9, 10, 12, 15})
	return &deflateParams{
		serverFresh: rapid.Bool().Draw(r, "server fresh"), clientFresh: rapid.Bool().Draw(r, "client fresh"),
		serverBits: bits.Draw(r, "server bits"), clientBits: bits.Draw(r, "client bits"),
	}
}

func drawCompression(r *rapid.T) Compression {
	return Compression{
		Level:     rapid.IntRange(0, bestLevel).Draw(r, "level"),
		Threshold: rapid.SampledFrom([]int{-1, 0, 1, 100, 20_000}).Draw(r, "threshold"),
	}
}

// Both roles, all settings, cut at random: what one side compresses, the other
// side reads.
func TestTheOtherSideReadsWhatWeCompress(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		server := rapid.Bool().Draw(r, "we are the server")
		p := drawParams(r)
		c := bareConn(server, drawCompression(r), p)
		var wire []byte
		var want []string
		for range rapid.IntRange(1, 8).Draw(r, "messages") {
			event, frame := drawFrame(r, !server)
			start := len(wire)
			wire = c.Compress(wire, frame)
			SealFrame(wire[start:])
			want = append(want, event)
		}
		got := decodeWith(t, newDeflation(!server, Compression{}, p), wire, !server, Limits{}, randomCuts(len(wire), rapid.Uint64().Draw(r, "cuts")))
		if !got.equal(result{events: want}) {
			r.Fatalf("%d of %d messages, %d bytes left", len(got.events), len(want), got.rest)
		}
	})
}

// A strict peer of another make keeps only the agreed window. Prepared messages
// stand between ours: they enter its window too.
func TestAPlainPeerReadsPreparedAndOurOwnMessagesInOneStream(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := drawParams(r)
		p.serverFresh = rapid.IntRange(0, 3).Draw(r, "no takeover") == 0
		c := bareConn(true, drawCompression(r), p)
		peer := plainInflater{size: windowOf(p.serverBits, p.serverFresh)}
		packed := 0
		for i := range rapid.IntRange(1, 12).Draw(r, "messages") {
			event, frame := drawFrame(r, false)
			if rapid.IntRange(0, 2).Draw(r, "prepared") == 0 {
				_, body, _ := FramePayload(frame)
				m, err := Prepare(Kind(frame[0]&opBits), body)
				if err != nil {
					r.Fatal(err)
				}
				frame = m.Frame(c)
			}
			out := c.Compress(nil, frame)
			op, body, n := FramePayload(out)
			if n != len(out) {
				r.Fatalf("message %d: a frame of %d bytes in %d", i, n, len(out))
			}
			if out[0]&rsv1Bit != 0 {
				var err error
				if body, err = peer.inflate(body); err != nil {
					r.Fatalf("message %d: %v", i, err)
				}
				packed++
			}
			if got := Kind(op).String() + " " + string(body); got != event {
				r.Fatalf("message %d: got %d bytes, want %d", i, len(got), len(event))
			}
		}
	})
}

// Bad data of one connection, and what another one has said, must not be seen in
// a third that gets the same pooled codec.
func TestPooledCodecsForget(t *testing.T) {
	secret, text := prose(9, 3000), prose(9, 3000)
	want := bareConn(true, fresh, &deflateParams{serverFresh: true}).Compress(nil, AppendFrame(nil, opText, text, false))
	for range 50 {
		bareConn(true, fresh, &deflateParams{}).Compress(nil, AppendFrame(nil, opText, secret, false))
		got := bareConn(true, fresh, &deflateParams{serverFresh: true}).Compress(nil, AppendFrame(nil, opText, text, false))
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, and %d the first time", len(got), len(want))
		}
		if _, err := inflate([]byte("\xf2\x00\x11\x00\x00"), []byte("Hello"), 100); err != nil {
			t.Fatal(err)
		}
		if _, err := inflate([]byte("\xf2\x00\x11\x00\x00"), nil, 100); err != errCorrupt {
			t.Fatalf("an inflater remembers: %v", err)
		}
	}
}

func TestManyConnectionsCompressAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p := &deflateParams{serverBits: int8(8 * (i % 2)), serverFresh: i%3 == 0}
			c, peer := bareConn(true, takeover, p), newDeflation(false, takeover, p)
			for j := range 30 {
				text := prose(uint64(j%5), 100*j)
				out := c.Compress(nil, AppendFrame(nil, opText, text, false))
				got := decodeWith(t, &deflation{in: peer.in}, out, false, Limits{}, nil)
				if p.serverFresh && !got.equal(result{events: []string{"text " + string(text)}}) {
					t.Errorf("connection %d, message %d: %d events", i, j, len(got.events))
				}
			}
		})
	}
	all.Wait()
}

func TestEveryCodecHasItsPlace(t *testing.T) {
	seen := map[codec]bool{}
	for level := 1; level <= bestLevel; level++ {
		seen[Compression{Level: level}.codec(maxWindowBits)] = true
	}
	for bits := minWindowBits; bits < maxWindowBits; bits++ {
		seen[Compression{Level: 5}.codec(bits)] = true
	}
	for k := range codec(codecs) {
		if !seen[k] {
			t.Errorf("nobody uses codec %d", k)
		}
		c := newCompressor(k)
		if packed, ok := c.pack(bytes.Repeat([]byte("abc"), 1000), nil); !ok || len(packed) > 100 {
			t.Errorf("codec %d: %d bytes", k, len(packed))
		}
		c.free(k)
	}
	if len(seen) != codecs {
		t.Errorf("%d codecs are used, there are %d", len(seen), codecs)
	}
}

// BenchmarkCompress says what a message of 1 KiB costs, for one who keeps nothing
// and for one who keeps the window.
func BenchmarkCompress(b *testing.B) {
	for _, n := range []int{128, 1024, 16 << 10} {
		for name, p := range map[string]*deflateParams{"fresh": {serverFresh: true}, "takeover": {}, "window 10": {serverBits: 10}} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				c := bareConn(true, Compression{Threshold: -1}, p)
				frames := make([][]byte, 64)
				for i := range frames {
					frames[i] = AppendFrame(nil, opText, prose(uint64(i), n), false)
				}
				var dst []byte
				in, out, i := 0, 0, 0
				b.ReportAllocs()
				for b.Loop() {
					dst = c.Compress(dst[:0], frames[i%64])
					in, out, i = in+n, out+len(dst), i+1
				}
				b.ReportMetric(float64(in)/float64(out), "ratio")
			})
		}
	}
}

// BenchmarkInflate says what reading such a message costs.
func BenchmarkInflate(b *testing.B) {
	for _, n := range []int{128, 1024, 16 << 10} {
		for name, size := range map[string]int{"fresh": 0, "takeover": maxWindow} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				in := inflation{size: size}
				packed := deflated(b, prose(1, n), 6)
				b.ReportAllocs()
				for b.Loop() {
					out, err := in.inflate(packed, 1<<20)
					if err != nil {
						b.Fatal(err)
					}
					out.Release()
				}
			})
		}
	}
}
