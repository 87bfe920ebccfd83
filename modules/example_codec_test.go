package modules_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// MessagePack is a codec for messages that are arrays of three: type, id, content.
// The header is read here, which needs no library; the content is left to the one
// that the program uses.
type MessagePack struct {
	Marshal   func(v any) ([]byte, error)
	Unmarshal func(b []byte, v any) error
}

func (MessagePack) Name() string { return "messagepack" }

func (MessagePack) Kind() transport.Kind { return transport.Binary }

var errNotPacked = errors.New("not an array of type, id and content")

// text cuts a string of at most 255 bytes off b (fixstr, str 8).
func (MessagePack) text(b []byte) (s, rest []byte, err error) {
	n, head := 0, 1
	switch {
	case len(b) > 0 && b[0]&0xe0 == 0xa0:
		n = int(b[0] & 0x1f)
	case len(b) > 1 && b[0] == 0xd9:
		n, head = int(b[1]), 2
	default:
		return nil, nil, errNotPacked
	}
	if len(b) < head+n {
		return nil, nil, errNotPacked
	}
	return b[head : head+n], b[head+n:], nil
}

// split cuts a message into its header and its content, and copies nothing.
func (p MessagePack) split(m transport.Message) (h modules.Header, content []byte, err error) {
	if len(m.Payload) == 0 || m.Payload[0] != 0x93 { // fixarray of 3
		return h, nil, errNotPacked
	}
	if h.Type, content, err = p.text(m.Payload[1:]); err == nil {
		h.ID, content, err = p.text(content)
	}
	return h, content, err
}

func (p MessagePack) Peek(m transport.Message, _ modules.Parts) (modules.Header, error) {
	h, _, err := p.split(m)
	return h, err
}

func (p MessagePack) Decode(m transport.Message, v any) error {
	_, content, err := p.split(m)
	if err != nil {
		return err
	}
	return p.Unmarshal(content, v)
}

func (p MessagePack) Append(dst []byte, h modules.Header, v any) ([]byte, error) {
	content, err := p.Marshal(v)
	if err != nil {
		return nil, err
	}
	dst = append(dst, 0x93)
	for _, s := range [][]byte{h.Type, h.ID} {
		if len(s) > 255 {
			return nil, errNotPacked
		}
		dst = append(append(dst, 0xd9, byte(len(s))), s...)
	}
	return append(dst, content...), nil
}

// A codec of one's own, for the connections that speak its subprotocol. Where the
// example has the functions of encoding/json, a program has those of its MessagePack
// library.
func ExampleCodec() {
	codecs := modules.Codecs{
		"v1.msgpack": MessagePack{Marshal: json.Marshal, Unmarshal: json.Unmarshal},
		"v1.json":    modules.JSON{Data: "data"},
	}
	prices := modules.Define("prices", func(r *modules.Routes) {
		modules.On(r, "price", func(c *modules.Ctx, p Price) error { return c.Reply("ack", p.Symbol) })
	}, modules.WithCodecs(codecs))
	o := actors.ClientOptions{Subprotocols: []string{"v1.msgpack", "v1.json"}, Modules: []actors.Module{prices}}
	fmt.Println(len(o.Modules), "module")

	b, err := codecs.Of("v1.msgpack").Append(nil, modules.Header{Type: []byte("price"), ID: []byte("7")}, 1.25)
	fmt.Printf("%q %v\n", b, err)
	// Output:
	// 1 module
	// "\x93\xd9\x05price\xd9\x0171.25" <nil>
}
