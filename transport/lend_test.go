package transport

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// arrive makes the batch of what came in one read of a buffer with that much room.
func arrive(t testing.TB, z *deflation, wire []byte, server bool, room int) *Batch {
	t.Helper()
	l := Limits{}.withDefaults(8 << 20)
	var d decoder
	d.init(server, &l)
	d.deflate = z
	t.Cleanup(d.release)
	buf := NewBuffer(max(room, len(wire)))
	buf.B = append(buf.B, wire...)
	b := newBatch()
	if used, _ := d.decode(buf.B, b); used != len(wire) || b.Err != nil {
		t.Fatalf("%d of %d bytes decoded: %v", used, len(wire), b.Err)
	}
	b.own(buf)
	return b
}

func TestALargeMessageIsLentAsTheFrameForTheWayBack(t *testing.T) {
	for _, size := range []int{MinLent, 40 << 10, 1<<16 - 1, 1 << 16, 1<<16 + 1, 200 << 10, 700 << 10, 3 << 20} {
		for _, op := range []byte{opText, opBinary} {
			body := strings.Repeat("lent ", size/5+1)[:size]
			s := &script{server: true}
			s.frame(true, op, body)
			b := arrive(t, nil, s.Bytes(), true, 0)
			lent := b.Lend(b.Messages[0])
			if lent == nil {
				if 2*size >= cap(b.bufs[0].B) {
					t.Errorf("%d bytes in a buffer of %d were not lent", size, cap(b.bufs[0].B))
				}
				b.Release()
				continue
			}
			if 2*size < cap(b.bufs[0].B) {
				t.Errorf("%d bytes keep a buffer of %d", size, cap(b.bufs[0].B))
			}
			if again := b.Lend(b.Messages[0]); again != nil {
				t.Errorf("%d bytes were lent twice", size)
			}
			if string(b.Messages[0].Payload) != body {
				t.Errorf("the payload of %d bytes has changed", size)
			}
			b.Release()
			scribble(size) // on what is free now
			if want := AppendFrame(nil, op, []byte(body), false); !bytes.Equal(lent.B, want) {
				t.Errorf("%d bytes: the frame is not what AppendFrame makes of them", size)
			}
			if cap(lent.B) != len(lent.B) {
				t.Errorf("there is room for %d bytes more", cap(lent.B)-len(lent.B))
			}
			lent.Release()
		}
	}
}

// scribble writes on buffers of the pools.
func scribble(size int) {
	var all []*Buffer
	for range 20 {
		b := NewBuffer(size)
		b.B = append(b.B, bytes.Repeat([]byte{0xee}, size)...)
		all = append(all, b)
	}
	for _, b := range all {
		b.Release()
	}
}

func TestWhatDidNotComeSoIsNotLent(t *testing.T) {
	large := strings.Repeat("x", 64<<10)
	plain := func(s *script) { s.frame(true, opText, large) }
	first := func(b *Batch) Message { return b.Messages[0] }
	sliced := func(from, to int) func(*Batch) Message {
		return func(b *Batch) Message { return Message{Payload: b.Messages[0].Payload[from:to], Kind: Text} }
	}
	for _, c := range []struct {
		name string
		wire func(*script)
		peer bool // we are the client
		room int
		ask  func(*Batch) Message
	}{
		{"from a server", plain, true, 0, first},
		{"small", func(s *script) { s.frame(true, opText, large[:MinLent-1]) }, false, 0, first},
		{"empty", func(s *script) { s.frame(true, opText, "") }, false, 0, first},
		{"in a buffer of three times the size", plain, false, 300 << 10, first},
		{"in two frames", func(s *script) { s.frame(false, opText, large).frame(true, opContinuation, large) }, false, 0, first},
		{"in a frame and an empty one", func(s *script) { s.frame(false, opText, large).frame(true, opContinuation, "") }, false, 0, first},
		{"as another kind", plain, false, 0, func(b *Batch) Message { return Message{Payload: b.Messages[0].Payload, Kind: Binary} }},
		{"without its beginning", plain, false, 0, sliced(1, len(large))},
		{"without its end", plain, false, 0, sliced(0, len(large)-1)},
		{"a copy", plain, false, 0, func(b *Batch) Message { return Message{Payload: bytes.Clone(b.Messages[0].Payload), Kind: Text} }},
		{"no message", plain, false, 0, func(*Batch) Message { return Message{} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{server: !c.peer}
			c.wire(s)
			b := arrive(t, nil, s.Bytes(), !c.peer, c.room)
			defer b.Release()
			before := bytes.Clone(b.bufs[0].B)
			if lent := b.Lend(c.ask(b)); lent != nil {
				t.Errorf("it was lent: %.20q", lent.B)
			}
			if !bytes.Equal(before, b.bufs[0].B) {
				t.Error("the memory has changed")
			}
		})
	}
}

func TestWhatWasInflatedIsNotLent(t *testing.T) {
	large := strings.Repeat("squeezed ", 10<<10)
	z := newDeflation(true, Compression{}, &deflateParams{})
	s := &script{server: true}
	s.packed(true, opText, string(deflated(t, []byte(large), 6)))
	b := arrive(t, z, s.Bytes(), true, 0)
	defer b.Release()
	if got := string(b.Messages[0].Payload); got != large {
		t.Fatalf("%d bytes inflated, want %d", len(got), len(large))
	}
	if b.Lend(b.Messages[0]) != nil {
		t.Error("it was lent")
	}
}

// A payload may contain whatever looks like the header of what follows it.
func TestNoPayloadCanHaveItselfOverwritten(t *testing.T) {
	large := strings.Repeat("y", 64<<10)
	header := newHeader(opText, len(large))
	bait := string(header.b[:header.size()])
	bait = bait[:1] + string([]byte{bait[1] | maskBit}) + bait[2:]
	for cut := range len(bait) + 1 {
		for _, server := range []bool{true, false} {
			s := &script{server: server}
			s.frame(true, opBinary, "bait "+bait[:cut])
			s.frame(true, opText, large)
			s.frame(true, opBinary, bait+"key!"+large)
			b := arrive(t, nil, s.Bytes(), server, 0)
			for _, m := range b.Messages {
				if lent := b.Lend(m); lent != nil {
					lent.Release()
				}
			}
			got := b.events()
			want := []string{"binary bait " + bait[:cut], "text " + large, "binary " + bait + "key!" + large}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("bait of %d bytes, server %v: messages have changed", cut, server)
			}
			b.Release()
		}
	}
	s := &script{server: true}
	s.frame(true, opBinary, bait+"key!"+large)
	b := arrive(t, nil, s.Bytes(), true, 0)
	defer b.Release()
	if b.Lend(Message{Payload: b.Messages[0].Payload[len(bait)+4:], Kind: Text}) != nil {
		t.Error("a part of a message was lent")
	}
	if got := b.events(); got[0] != "binary "+bait+"key!"+large {
		t.Error("the message has changed")
	}
}

func TestOfManyWhoAskForAMessageAtOnceOneGetsIt(t *testing.T) {
	for range 50 {
		s := &script{server: true}
		s.frame(true, opBinary, strings.Repeat("z", 70_000))
		b := arrive(t, nil, s.Bytes(), true, 0)
		var wg sync.WaitGroup
		var got atomic.Int32
		for range 8 {
			wg.Go(func() {
				if lent := b.Lend(b.Messages[0]); lent != nil {
					got.Add(1)
					lent.Release()
				}
			})
		}
		wg.Wait()
		if got.Load() != 1 {
			t.Fatalf("%d got it", got.Load())
		}
		b.Release()
	}
}

func TestAPieceKeepsTheWhole(t *testing.T) {
	b := NewBuffer(100)
	b.B = append(b.B, "the whole of it"...)
	p := b.piece(4, 9)
	b.Release()
	scribble(100)
	if string(p.B) != "whole" || cap(p.B) != 5 || b.refs != 1 {
		t.Errorf("%q with room for %d, the whole has %d references", p.B, cap(p.B), b.refs)
	}
	p.Retain()
	p.Release()
	if b.refs != 1 {
		t.Errorf("the whole has %d references", b.refs)
	}
	p.Release()
	if b.refs != 0 || p.parent != nil || p.B != nil {
		t.Errorf("the whole has %d references, the piece %q", b.refs, p.B)
	}
}
