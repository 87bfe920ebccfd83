package transport

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gobwas/ws"
)

// The wire in these tests is made by gobwas/ws, which shares no code with our
// encoder.

// script is a sequence of frames of one peer.
type script struct {
	server bool // the decoder under test is a server, so frames are masked
	bytes.Buffer
}

var testKey = [4]byte{0xa1, 0x02, 0xff, 0x5c}

// frame adds one frame.
func (s *script) frame(fin bool, op byte, payload string) *script {
	return s.reserved(0, fin, op, payload)
}

// packed adds one frame with RSV1.
func (s *script) packed(fin bool, op byte, payload string) *script {
	return s.reserved(rsv1Bit>>4, fin, op, payload)
}

// reserved adds one frame with the three reserved bits.
func (s *script) reserved(rsv byte, fin bool, op byte, payload string) *script {
	f := ws.NewFrame(ws.OpCode(op), fin, []byte(payload))
	f.Header.Rsv = rsv
	if s.server {
		f = ws.MaskFrameInPlaceWith(f, testKey)
	}
	if err := ws.WriteFrame(&s.Buffer, f); err != nil {
		panic(err)
	}
	return s
}

// raw adds bytes as they are.
func (s *script) raw(p ...byte) *script {
	s.Write(p)
	return s
}

// both builds the same script for a server's and for a client's decoder.
func both(build func(s *script)) map[string]*script {
	m := map[string]*script{"server": {server: true}, "client": {}}
	for _, s := range m {
		build(s)
	}
	return m
}

// result is what a decoder made of a script, in a form that can be compared.
type result struct {
	events []string
	rest   int // bytes left that are no whole frame
}

func (r result) String() string { return fmt.Sprintf("%q, %d bytes left", r.events, r.rest) }

func (r result) equal(o result) bool { return r.rest == o.rest && slices.Equal(r.events, o.events) }

// decodeIn feeds wire in pieces that end at the given offsets, as a Conn does:
// what is left of one piece comes first in the next one, in other memory.
func decodeIn(t testing.TB, wire []byte, server bool, l Limits, cuts []int) result {
	t.Helper()
	return decodeWith(t, nil, wire, server, l, cuts)
}

// decodeWith is decodeIn with permessage-deflate if z is given.
func decodeWith(t testing.TB, z *deflation, wire []byte, server bool, l Limits, cuts []int) result {
	t.Helper()
	l = l.withDefaults(1 << 20)
	var d decoder
	d.init(server, &l)
	d.deflate = z
	defer d.release()
	b := newBatch()
	defer b.Release()
	var rest []byte
	from, expected := 0, 0
	for _, to := range append(slices.Clone(cuts), len(wire)) {
		p := append(slices.Clone(rest), wire[from:to]...)
		from = to
		over := d.over()
		used, need := d.decode(p, b)
		for n := 1; n > 0 && d.full(b); {
			n, need = d.decode(p[used:], b)
			used += n
		}
		rest = p[used:]
		switch {
		case over && used != len(p):
			t.Fatalf("after its end the decoder took %d of %d bytes", used, len(p))
		case d.over() != (b.Err != nil || b.Close != nil):
			t.Fatalf("over is %v with Err %v and Close %v", d.over(), b.Err, b.Close)
		case need != 0 && need <= len(rest):
			t.Fatalf("need is %d, but %d bytes are there", need, len(rest))
		case need == 0 && len(rest) >= 10:
			t.Fatalf("need is not known from %d bytes", len(rest))
		case expected != 0 && !d.over() && used == 0 && need != expected:
			t.Fatalf("need was %d and is now %d for the same frame", expected, need)
		case expected != 0 && !d.over() && len(p) >= expected && used < expected:
			t.Fatalf("need was %d, but %d bytes were not enough", expected, len(p))
		}
		if expected = need; d.over() {
			expected = 0
		}
		if held := d.held(); held > max(bufferClasses[0], 8*to) {
			t.Fatalf("%d bytes are held for %d that have come", held, to)
		}
	}
	return result{events: b.events(), rest: len(rest)}
}

// held is how much memory d keeps for a fragmented message.
func (d *decoder) held() int {
	if d.whole == nil {
		return 0
	}
	return cap(d.whole.B)
}

// events lists what is in b. Messages stand before control frames: a Batch does
// not keep their order between each other.
func (b *Batch) events() (s []string) {
	for _, m := range b.Messages {
		s = append(s, m.Kind.String()+" "+string(m.Payload))
	}
	for _, c := range b.Control {
		s = append(s, map[ControlKind]string{Ping: "ping ", Pong: "pong "}[c.Kind]+string(c.Payload))
	}
	if b.Close != nil {
		s = append(s, fmt.Sprintf("close %d %s", b.Close.Code, b.Close.Reason))
	}
	if b.Err != nil {
		s = append(s, b.Err.Error())
	}
	return s
}

// everyCut decodes wire whole, cut in two at every offset and byte by byte, and
// wants the same each time.
func everyCut(t testing.TB, wire []byte, server bool, l Limits) result {
	t.Helper()
	return everyCutWith(t, func() *deflation { return nil }, wire, server, l)
}

// everyCutWith is everyCut with a fresh state of permessage-deflate each time.
func everyCutWith(t testing.TB, z func() *deflation, wire []byte, server bool, l Limits) result {
	t.Helper()
	whole := decodeWith(t, z(), wire, server, l, nil)
	for i := range wire {
		if r := decodeWith(t, z(), wire, server, l, []int{i}); !r.equal(whole) {
			t.Fatalf("cut at %d: %v\nwhole: %v", i, r, whole)
		}
	}
	if r := decodeWith(t, z(), wire, server, l, everyOffset(len(wire))); !r.equal(whole) {
		t.Fatalf("byte by byte: %v\nwhole: %v", r, whole)
	}
	return whole
}

func everyOffset(n int) (cuts []int) {
	for i := 1; i < n; i++ {
		cuts = append(cuts, i)
	}
	return cuts
}

// randomCuts cuts n bytes at random, often into small pieces.
func randomCuts(n int, seed uint64) (cuts []int) {
	rnd := rand.New(rand.NewPCG(seed, seed))
	most := 1 + rnd.IntN(n+1)
	for at := rnd.IntN(most) + 1; at < n; at += 1 + rnd.IntN(most) {
		cuts = append(cuts, at)
	}
	return cuts
}

// frames reads wire with gobwas/ws and returns its whole frames, unmasked, and
// how many bytes are behind them.
func frames(wire []byte) (all []ws.Frame, rest int) {
	r := bytes.NewReader(wire)
	for {
		rest = r.Len()
		h, err := ws.ReadHeader(r)
		if err != nil || h.Length > int64(r.Len()) {
			return all, rest
		}
		f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
		if _, err := io.ReadFull(r, f.Payload); err != nil {
			panic(err)
		}
		if h.Masked {
			ws.Cipher(f.Payload, h.Mask, 0)
		}
		all = append(all, f)
	}
}
