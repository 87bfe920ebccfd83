package load

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// serverFrames encodes frames as a server does, with gobwas as an independent encoder.
func serverFrames(frames ...ws.Frame) []byte {
	var b bytes.Buffer
	for _, f := range frames {
		_ = ws.WriteFrame(&b, f)
	}
	return b.Bytes()
}

// readFrame reads a masked frame, with gobwas as an independent decoder.
func readFrame(r io.Reader) (ws.Frame, error) {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return ws.Frame{}, err
	}
	p := make([]byte, h.Length)
	_, err = io.ReadFull(r, p)
	return ws.UnmaskFrameInPlace(ws.Frame{Header: h, Payload: p}), err
}

func TestParserCountsMessagesAtEverySplit(t *testing.T) {
	small, middle := bytes.Repeat([]byte("s"), 300), bytes.Repeat([]byte("m"), 100)
	stream := serverFrames(
		ws.NewTextFrame(small),
		ws.NewPingFrame([]byte("are you there")),
		ws.NewFrame(ws.OpText, false, small[:200]),
		ws.NewFrame(ws.OpContinuation, false, nil),
		ws.NewPongFrame(nil),
		ws.NewFrame(ws.OpContinuation, true, middle),
		ws.NewTextFrame(small),
	)
	for split := range stream {
		p := parser{least: 300, most: 300, keep: true}
		a, err := p.feed(stream[:split])
		if err != nil {
			t.Fatalf("split at %d: %v", split, err)
		}
		b, err := p.feed(stream[split:])
		if err != nil {
			t.Fatalf("split at %d: %v", split, err)
		}
		if a+b != 3 || len(p.kept) != 900 {
			t.Fatalf("split at %d: %d+%d messages, %d bytes", split, a, b, len(p.kept))
		}
		if !p.pinged || string(p.ping) != "are you there" {
			t.Fatalf("split at %d: ping %q", split, p.ping)
		}
	}
}

func TestParserReadsEveryLengthEncodingByteByByte(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 65535, 65536} {
		p := parser{least: size, most: size}
		messages := 0
		for _, b := range serverFrames(ws.NewTextFrame(make([]byte, size)), ws.NewTextFrame(make([]byte, size))) {
			n, err := p.feed([]byte{b})
			if err != nil {
				t.Fatalf("size %d: %v", size, err)
			}
			messages += n
		}
		if messages != 2 {
			t.Errorf("size %d: %d messages, want 2", size, messages)
		}
	}
}

func TestParserRefusesWhatNoEchoServerSends(t *testing.T) {
	huge := binary.BigEndian.AppendUint64([]byte{0x81, 127}, 1<<40)
	cases := []struct {
		name   string
		stream []byte
		want   string
	}{
		{"masked", serverFrames(ws.MaskFrame(ws.NewTextFrame(make([]byte, 64)))), "masked"},
		{"too short", serverFrames(ws.NewTextFrame(make([]byte, 63))), "63 bytes"},
		{"too long", serverFrames(ws.NewTextFrame(make([]byte, 65))), "65 bytes"},
		{"huge", huge, "bytes or more"},
		{"fragments too long", serverFrames(ws.NewFrame(ws.OpText, false, make([]byte, 64)),
			ws.NewFrame(ws.OpContinuation, true, make([]byte, 1))), "65 bytes"},
		{"close", serverFrames(ws.NewCloseFrame(ws.NewCloseFrameBody(1009, "too big"))), `1009 "too big"`},
		{"close without code", serverFrames(ws.NewCloseFrame(nil)), "no code"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := parser{least: 64, most: 64}
			if _, err := p.feed(c.stream); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("feed = %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestFramesAreReadableByGobwas(t *testing.T) {
	for _, size := range []int{0, 125, 126, 65535, 65536} {
		payload := bytes.Repeat([]byte("x"), size)
		f, err := readFrame(bytes.NewReader(appendFrame(nil, opText, payload)))
		if err != nil {
			t.Fatal(err)
		}
		if !f.Header.Fin || f.Header.OpCode != ws.OpText || !bytes.Equal(f.Payload, payload) {
			t.Errorf("size %d: frame %+v", size, f.Header)
		}
	}
}

func BenchmarkParser(b *testing.B) {
	b.ReportAllocs()
	stream := bytes.Repeat(serverFrames(ws.NewTextFrame(make([]byte, 64))), 100)
	p := parser{least: 64, most: 64}
	for b.Loop() {
		_, _ = p.feed(stream)
	}
}
