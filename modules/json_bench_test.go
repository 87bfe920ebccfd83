package modules_test

import (
	"testing"

	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// What a typed route does with a message: its type is looked at twice, its content is
// decoded, its id looked for, an answer written.

var quote = transport.Message{
	Kind:    transport.Text,
	Payload: []byte(`{"type":"price","symbol":"SYM042","bid":101.25,"ask":101.5,"seq":7}`),
}

type order struct {
	Symbol string  `json:"symbol"`
	Bid    float64 `json:"bid"`
	Ask    float64 `json:"ask"`
	Seq    uint64  `json:"seq"`
}

type ack struct {
	Symbol string `json:"symbol"`
	Seq    uint64 `json:"seq"`
}

func BenchmarkJSONPeekFirstMember(b *testing.B) {
	var c modules.Codec = modules.JSON{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Peek(quote, modules.TypePart); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONPeekToTheEnd(b *testing.B) {
	var c modules.Codec = modules.JSON{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Peek(quote, modules.IDPart); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONDecode(b *testing.B) {
	var c modules.Codec = modules.JSON{}
	b.ReportAllocs()
	for b.Loop() {
		var v order
		if err := c.Decode(quote, &v); err != nil || v.Seq != 7 {
			b.Fatal(v, err)
		}
	}
}

func BenchmarkJSONDecodeOfEverything(b *testing.B) {
	var c modules.Codec = modules.JSON{}
	b.ReportAllocs()
	for b.Loop() {
		var v map[string]any
		if err := c.Decode(quote, &v); err != nil {
			b.Fatal(v, err)
		}
	}
}

func BenchmarkJSONAppend(b *testing.B) {
	var c modules.Codec = modules.JSON{}
	h := modules.Header{Type: []byte("ack")}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = c.Append(buf[:0], h, ack{Symbol: "SYM042", Seq: 7}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONAppendOfAMap(b *testing.B) {
	var c modules.Codec = modules.JSON{}
	h := modules.Header{Type: []byte("ack")}
	v := map[string]any{"symbol": "SYM042", "seq": 7}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = c.Append(buf[:0], h, v); err != nil {
			b.Fatal(err)
		}
	}
}
