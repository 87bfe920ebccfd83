package modules_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

func text(s string) transport.Message {
	return transport.Message{Kind: transport.Text, Payload: []byte(s)}
}

const allParts = modules.TypePart | modules.IDPart | modules.ErrorPart

func TestJSONPeekReadsTheHeader(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"a","id":"b","error":"c"}`:                       "a|b|c",
		`{"error":"c","x":{"type":"no"},"id":12,"type":"a"}`:      "a|12|c",
		"\t{ \"type\" :\n\"a\" , \"x\" : [ 1 , {\"]\":2}, null]}": "a||",
		`{}`:                                     "||",
		`{"type":null,"id":null,"error":null}`:   "||",
		`{"type":3,"error":false,"id":""}`:       "3||",
		`{"error":{"code":1},"id":-1.5e3}`:       `|-1.5e3|{"code":1}`,
		`{"t\u0079pe":"a\"\\b","id":"\u00e9"}`:   `a"\b|é|`,
		`{"x":"\\","type":"a"}`:                  "a||",
		`{"x":"\\\"","type":"a"}`:                "a||",
		`{"type":"first","type":"second"}`:       "first||",
		`{"x":[[[[{"a":[{}]}]]]],"type":"deep"}`: "deep||",
		`{"x":1,"type":"a"} trailing`:            "a||",
	} {
		h, err := modules.JSON{}.Peek(text(in), allParts)
		if got := string(h.Type) + "|" + string(h.ID) + "|" + string(h.Error); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{``, ` `, `[]`, `"type"`, `null`, `{`, `{"type"`, `{"type":`, `{"type":"a`, `{"x":[1,"type":"a"}`, `{type:"a"}`, `{"x":}`} {
		if h, err := (modules.JSON{}).Peek(text(in), allParts); err == nil {
			t.Errorf("%s: %q and no error", in, h.Type)
		}
	}
}

func TestJSONPeekNeitherCopiesNorReadsOn(t *testing.T) {
	payload := []byte(`{"type":"price","id":"7",` + strings.Repeat(`"x":[1,2,3],`, 1000) + `"y":"` + strings.Repeat("z", 1<<20) + `"}`)
	m := transport.Message{Kind: transport.Text, Payload: payload}
	var codec modules.Codec = modules.JSON{}
	if n := testing.AllocsPerRun(100, func() {
		if h, err := codec.Peek(m, modules.TypePart|modules.IDPart); err != nil || string(h.Type) != "price" {
			t.Error(h, err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
	began := time.Now()
	for range 10_000 {
		_, _ = codec.Peek(m, modules.TypePart)
	}
	if took := time.Since(began); took > time.Second { // a whole read of it takes 50 µs or more
		t.Errorf("10,000 looks at the first member took %s", took)
	}
}

func TestJSONAppendWritesWhatPeekAndDecodeRead(t *testing.T) {
	type own struct {
		Type string `json:"type"`
		ID   string `json:"id,omitempty"`
		N    int    `json:"n"`
	}
	head := func(typ, id, err string) modules.Header {
		return modules.Header{Type: []byte(typ), ID: []byte(id), Error: []byte(err)}
	}
	for _, c := range []struct {
		codec modules.JSON
		head  modules.Header
		value any
		want  string
	}{
		{modules.JSON{}, head("a", "", ""), nil, `{"type":"a"}`},
		{modules.JSON{}, head("", "", ""), nil, `{}`},
		{modules.JSON{}, head("a", "1", "no"), Price{"X", 1}, `{"type":"a","id":"1","error":"no","symbol":"X","bid":1}`},
		{modules.JSON{}, head("", "", ""), Price{"X", 1}, `{"symbol":"X","bid":1}`},
		{modules.JSON{}, head("a", "", ""), map[string]int{}, `{"type":"a"}`},
		{modules.JSON{}, head("a", "1", ""), own{N: 2}, `{"type":"a","id":"1","n":2}`},
		{modules.JSON{}, head("a", "1", ""), own{Type: "a", N: 2}, `{"type":"a","id":"1","n":2}`},
		{modules.JSON{}, head("a", "", ""), own{ID: "mine", N: 2}, `{"type":"a","id":"mine","n":2}`},
		{modules.JSON{}, head("", "", ""), own{Type: "mine", N: 2}, `{"type":"mine","n":2}`},
		{modules.JSON{NumericIDs: true}, head("a", "12", ""), nil, `{"type":"a","id":12}`},
		{modules.JSON{NumericIDs: true}, head("a", "x1", ""), nil, `{"type":"a","id":"x1"}`},
		{modules.JSON{NumericIDs: true}, head("a", "01", ""), nil, `{"type":"a","id":"01"}`},
		{modules.JSON{Type: "op", ID: "seq", Error: "err"}, head("a\n", "é", `"`), nil, `{"op":"a\n","seq":"é","err":"\""}`},
		{modules.JSON{Data: "data"}, head("a", "1", ""), []int{1}, `{"type":"a","id":"1","data":[1]}`},
		{modules.JSON{Data: "data"}, head("", "", ""), 7, `{"data":7}`},
		{modules.JSON{Data: "data"}, head("a", "", ""), nil, `{"type":"a"}`},
	} {
		got, err := c.codec.Append([]byte("before "), c.head, c.value)
		if string(got) != "before "+c.want || err != nil || !json.Valid([]byte(c.want)) {
			t.Errorf("%+v: %s, %v, want %s", c.value, got, err, c.want)
		}
	}
	for _, v := range []any{7, []int{1}, "x", own{Type: "other"}, math.NaN()} {
		if b, err := (modules.JSON{}).Append(nil, head("a", "", ""), v); err == nil {
			t.Errorf("%v was written as %s", v, b)
		}
	}
}

func TestJSONDecodeReadsTheContent(t *testing.T) {
	data := modules.JSON{Data: "data"}
	var p Price
	if err := data.Decode(text(`{"type":"x","data":{"symbol":"S","bid":2}}`), &p); err != nil || p != (Price{"S", 2}) {
		t.Errorf("got %v, %v", p, err)
	}
	p = Price{}
	if err := data.Decode(text(`{"type":"x"}`), &p); err != nil || p != (Price{}) {
		t.Errorf("without content: %v, %v", p, err)
	}
	for _, in := range []string{`{"data":{"symbol":1}}`, `{"data":{"symbol":"S"}`, `[]`, ``} {
		if err := data.Decode(text(in), &p); err == nil {
			t.Errorf("%s was decoded", in)
		}
	}
}

// What encoding/json accepts as an object, Peek reads in the same way.
func FuzzJSONPeek(f *testing.F) {
	for _, s := range []string{`{"type":"a","id":1}`, `{"x":{"type":"b"},"type":"a\u0062"}`, `{"type":`, `{"\u0074ype":[{}]}`, `{"a":"\\","type":null}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := modules.JSON{}.Peek(text(s), allParts)
		var all map[string]json.RawMessage
		if json.Unmarshal([]byte(s), &all) != nil || all == nil {
			return // whatever it says, it did not panic
		}
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if strings.Count(s, "type")+strings.Count(s, `\u`) > 1 {
			return // it may stand twice
		}
		var want string
		if json.Unmarshal(all["type"], &want) == nil && string(h.Type) != want && all["type"] != nil && string(all["type"]) != "null" {
			t.Fatalf("%q: type %q, want %q", s, h.Type, want)
		}
		b, err := modules.JSON{}.Append(nil, modules.Header{Type: []byte("t"), ID: h.ID}, nil)
		if err != nil || !json.Valid(b) {
			t.Fatalf("%q: answered with %q, %v", s, b, err)
		}
	})
}

func TestProtobufIsAnAnyWithAnId(t *testing.T) {
	codec := modules.Protobuf{}
	b, err := codec.Append(nil, modules.Header{ID: []byte("7"), Error: []byte("no")}, wrapperspb.String("hello"))
	if err != nil {
		t.Fatal(err)
	}
	m := transport.Message{Kind: codec.Kind(), Payload: b}
	h, err := codec.Peek(m, allParts)
	if err != nil || string(h.Type) != "google.protobuf.StringValue" || string(h.ID) != "7" || string(h.Error) != "no" {
		t.Errorf("peeked %q %q %q, %v", h.Type, h.ID, h.Error, err)
	}
	var a anypb.Any
	if err := proto.Unmarshal(b, &a); err != nil || a.TypeUrl != "type.googleapis.com/google.protobuf.StringValue" {
		t.Errorf("as an Any: %v, %v", a.TypeUrl, err)
	}
	if v, err := a.UnmarshalNew(); err != nil || v.(*wrapperspb.StringValue).Value != "hello" {
		t.Errorf("in the Any: %v, %v", v, err)
	}
	var v *wrapperspb.StringValue
	if err := codec.Decode(m, &v); err != nil || v.Value != "hello" {
		t.Errorf("decoded %v, %v", v, err)
	}
	var direct wrapperspb.StringValue
	if err := codec.Decode(m, &direct); err != nil || direct.Value != "hello" {
		t.Errorf("decoded %v, %v", direct.Value, err)
	}
	sent, err := anypb.New(durationpb.New(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = proto.Marshal(sent); err != nil {
		t.Fatal(err)
	}
	m.Payload = b
	var d *durationpb.Duration
	if h, err := codec.Peek(m, allParts); err != nil || string(h.Type) != "google.protobuf.Duration" || codec.Decode(m, &d) != nil || d.AsDuration() != time.Second {
		t.Errorf("from an Any: %q, %v, %v", h.Type, d, err)
	}
}

func TestProtobufRefusesWhatItCannotDo(t *testing.T) {
	codec := modules.Protobuf{}
	binary := func(s string) transport.Message { return transport.Message{Kind: transport.Binary, Payload: []byte(s)} }
	for _, m := range []transport.Message{text(""), binary("\x0a\x05abc"), binary("\xff"), binary("\x0a")} {
		if _, err := codec.Peek(m, allParts); err == nil {
			t.Errorf("%q was peeked", m.Payload)
		}
		var v *wrapperspb.StringValue
		if err := codec.Decode(m, &v); err == nil {
			t.Errorf("%q was decoded", m.Payload)
		}
	}
	for _, v := range []any{new(int), new(*int), 7, nil} {
		if err := codec.Decode(binary(""), v); err == nil {
			t.Errorf("decoded into %T", v)
		}
	}
	if _, err := codec.Append(nil, modules.Header{}, 7); err == nil {
		t.Error("7 was written")
	}
	if b, err := codec.Append(nil, modules.Header{Type: []byte("ping")}, nil); err != nil {
		t.Error(err)
	} else if h, err := codec.Peek(binary(string(b)), allParts); err != nil || string(h.Type) != "ping" {
		t.Errorf("peeked %q, %v", h.Type, err)
	}
}

func FuzzProtobufPeek(f *testing.F) {
	b, err := modules.Protobuf{}.Append(nil, modules.Header{ID: []byte("7")}, wrapperspb.String("x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := modules.Protobuf{}.Peek(transport.Message{Kind: transport.Binary, Payload: b}, allParts)
		var a anypb.Any
		if proto.Unmarshal(b, &a) != nil || err != nil {
			return
		}
		if want := a.TypeUrl[strings.LastIndexByte(a.TypeUrl, '/')+1:]; string(h.Type) != want {
			t.Fatalf("%q: type %q, want %q", b, h.Type, want)
		}
	})
}

func TestCodecsOfASubprotocol(t *testing.T) {
	for sub, want := range map[string]string{"pb": "protobuf", "": "json", "other": "json"} {
		if got := (modules.Codecs{"pb": modules.Protobuf{}, "other": nil}).Of(sub).Name(); got != want {
			t.Errorf("%q: %s, want %s", sub, got, want)
		}
	}
	if got := (modules.Codecs{"": modules.Protobuf{}}).Of("x").Name(); got != "protobuf" {
		t.Error(got)
	}
	inner := errors.New("inner")
	if !errors.Is(&modules.PanicError{Value: inner}, inner) {
		t.Error("a panic with an error hides it")
	}
}

func TestACodecOfOnesOwnServesItsSubprotocol(t *testing.T) {
	pack := MessagePack{Marshal: json.Marshal, Unmarshal: json.Unmarshal}
	var got []float64
	m := modules.Define("prices", func(r *modules.Routes) {
		modules.On(r, "price", func(c *modules.Ctx, v float64) error {
			got = append(got, v)
			return c.Reply("ack", v)
		})
	}, modules.WithCodecs(modules.Codecs{"v1.msgpack": pack}))
	o := with(m)
	o.Subprotocols = []string{"v1.msgpack"}
	inWorld(t, o, func(w *world) {
		b, err := pack.Append(nil, modules.Header{Type: []byte("price"), ID: []byte("7")}, 1.25)
		if err != nil {
			t.Fatal(err)
		}
		w.sends(transport.Binary, string(b))
		w.says(`{"type":"price","id":"1"}`)
		if len(got) != 1 || got[0] != 1.25 {
			t.Errorf("got %v", got)
		}
		if want := "\x93\xd9\x03ack\xd9\x0171.25"; w.heard() != want {
			t.Errorf("the peer heard %q, want %q", w.heard(), want)
		}
		if w.unrouted() != `{"type":"price","id":"1"}` {
			t.Errorf("unrouted %q", w.unrouted())
		}
	})
}
