package modules_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hawser-go/hawser/modules"
)

// Types of which JSON reads and writes all members, some, or none itself.
type (
	side string

	scalars struct {
		Text     string  `json:"text"`
		Side     side    `json:"side,omitempty"`
		Yes      bool    `json:"yes,omitempty"`
		Small    int8    `json:"small,omitempty"`
		Big      int64   `json:"big"`
		Count    uint16  `json:"count,omitempty"`
		Huge     uint64  `json:"huge"`
		Single   float32 `json:"single,omitempty"`
		Double   float64 `json:"double"`
		Untagged int
		Hidden   string `json:"-"`
		private  int
	}

	mixed struct {
		Text  string          `json:"text"`
		Maybe *float64        `json:"maybe"`
		List  []int           `json:"list"`
		Table map[string]side `json:"table"`
		Inner scalars         `json:"inner"`
		At    time.Time       `json:"at"`
		Raw   json.RawMessage `json:"raw"`
		Any   any             `json:"any"`
		Big   int             `json:"big"`
	}

	odd struct {
		scalars
		Quoted int         `json:"quoted,string"`
		Number json.Number `json:"number"`
		Zero   int         `json:"zero,omitzero"`
		Own    upper       `json:"own"`
		Weiß   int         `json:"weiß"`
	}

	loud struct {
		Own   upper       `json:"own"`
		N     json.Number `json:"n"`
		Bytes []byte      `json:"bytes"`
	}

	named struct { // like parts of the header
		Type string `json:"type"`
		ID   int    `json:"id"`
	}

	many struct{ A, B, C, D, E, F, G, H, I []int }
)

// twice has two members of one name, so that neither counts.
var twice = reflect.StructOf([]reflect.StructField{
	{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"a"`},
	{Name: "B", Type: reflect.TypeFor[int](), Tag: `json:"a"`},
})

// upper has a look of its own.
type upper string

func (u upper) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(string(u))), nil }

func (u *upper) UnmarshalText(b []byte) error {
	if *u = upper(strings.ToLower(string(b))); *u == "bad" {
		return fmt.Errorf("bad")
	}
	return nil
}

func targets() []func() any {
	return []func() any{
		func() any { return new(scalars) }, func() any { return new(mixed) }, func() any { return new(odd) },
		func() any { return new(loud) }, func() any { return new(named) }, func() any { return reflect.New(twice).Interface() },
		func() any { return new(many) }, func() any { return new(map[string]any) }, func() any { return new(any) },
		func() any { return new(time.Time) }, func() any { return new(*scalars) }, func() any { return new(struct{}) },
	}
}

var texts = []string{
	`{"text":"a","side":"buy","yes":true,"small":-8,"big":-9007199254740993,"count":3,"huge":18446744073709551615,"single":1.5,"double":-2.5e-3,"Untagged":4}`,
	" \t\r\n{ \"text\" : \"a\" , \"yes\" : false }\n ",
	`{}`, `{ }`, `null`, ``, ` `, `[]`, `"x"`, `7`, `{`, `}`, `{}}`, `{} x`, `{"text"}`, `{"text":}`, `{"text":"a",}`, `{,}`, `{"text" "a"}`,
	`{"text":null,"yes":null,"big":null,"double":null}`,
	`{"text":"\u00e9\n\"","Text":"later"}`, `{"TEXT":"a"}`, `{"TEXT":"a","text":"b"}`, `{"text":"a","tExt":"b"}`,
	`{"t\u0065xt":"a"}`, `{"ſide":"buy"}`, `{"text":"é"}`, "{\"text\":\"\xff\"}", "{\"t\xff\":1}", "{\"text\":\"a\nb\"}", `{"text":"a\`, `{"text":"\x"}`,
	`{"text":"a","text":"b\n","text":"c"}`, `{"text":"a\n","text":"b"}`, `{"text":"a","text":"b\n"}`,
	`{"text":1}`, `{"big":"1"}`, `{"big":1.0}`, `{"big":1e2}`, `{"big":9223372036854775808}`, `{"small":128}`, `{"small":-128}`, `{"small":-129}`,
	`{"big":-0}`, `{"huge":-0}`, `{"huge":-1}`, `{"count":65536}`, `{"big":01}`, `{"big":-}`, `{"big":1.}`, `{"double":.5}`, `{"double":1e}`,
	`{"double":1E+5}`, `{"double":1e400}`, `{"single":1e39}`, `{"single":3.4028236e38}`, `{"double":0x10}`, `{"double":1_0}`, `{"double":Inf}`, `{"double":-0.0}`,
	`{"yes":tru}`, `{"yes":truex}`, `{"yes":1}`, `{"yes":"true"}`, `{"text":true}`, `{"other":nul}`,
	`{"other":[1,{"a":"]"}],"text":"a"}`, `{"other":[1,],"text":"a"}`, `{"other":[1}`, `{"other":{"a":1]}`, `{"other":"a\u12"}`, `{"other":"\u12g4"}`,
	`{"maybe":1.5,"list":[1,2],"table":{"a":"b"},"inner":{"text":"i","big":7},"at":"2026-11-21T10:00:00Z","raw":{"x": 1},"any":[null,{"a":1}],"big":3,"text":"t"}`,
	`{"maybe":null,"list":null,"table":null,"inner":null,"raw":null,"any":null,"at":null}`,
	`{"list":[1],"list":[2,3]}`, `{"any":{"a":1},"any":{"b":2}}`, `{"list":[1,"x"]}`, `{"inner":{"big":"x"}}`, `{"at":"yesterday"}`, `{"inner":{"big":1},"text":2}`,
	`{"own":"ABC","n":12,"bytes":"aGk="}`, `{"own":"bad"}`, `{"own":7}`, `{"n":"12"}`, `{"n":"x"}`, `{"bytes":"???"}`,
	`{"quoted":"12","number":1.5,"zero":1,"own":"X","-":4,"weiß":5,"text":"embedded"}`,
	`{"type":"t","id":7}`, `{"type":"t","id":"7"}`, `{"id":7,"id":8,"type":"a","type":"b"}`, `{"a":1}`,
	`{"A":[1],"B":[2],"C":[3],"D":[4],"E":[5],"F":[6],"G":[7],"H":[8],"I":[9]}`,
	`{"type":"x","id":{"a":1},"error":[1,2]}`, `{"type":"x\ty","id":"\u0041","error":false}`,
}

// decodesAlike compares a decoding with that by encoding/json. What a struct holds
// after an error is nobody's business.
func decodesAlike(t testing.TB, codec modules.JSON, in string, content []byte, valid bool) {
	for _, target := range targets() {
		got, want := target(), target()
		err, wantErr := codec.Decode(text(in), got), error(nil)
		if valid {
			wantErr = json.Unmarshal(content, want)
		} else {
			wantErr = errBroken
		}
		switch {
		case (err == nil) != (wantErr == nil):
			t.Errorf("%q into %T: error %v, want %v", in, got, err, wantErr)
		case err == nil && !reflect.DeepEqual(got, want):
			t.Errorf("%q into %T: %+v, want %+v", in, got, reflect.ValueOf(got).Elem(), reflect.ValueOf(want).Elem())
		case err != nil && valid && err.Error() != wantErr.Error():
			t.Errorf("%q into %T: error %q, want %q", in, got, err, wantErr)
		}
	}
}

var errBroken = fmt.Errorf("not valid as a whole")

func TestJSONDecodesWhatEncodingJSONDecodesAndNothingElse(t *testing.T) {
	data := modules.JSON{Data: "data"}
	for _, in := range texts {
		decodesAlike(t, modules.JSON{}, in, []byte(in), true)
		if in == "" || in == " " {
			continue
		}
		whole := `{"type":"x", "data": ` + in + ` ,"id":[7],"data":{"text":"second"}}`
		decodesAlike(t, data, whole, []byte(in), json.Valid([]byte(whole)))
	}
}

func FuzzJSONDecode(f *testing.F) {
	for _, in := range texts {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) { decodesAlike(t, modules.JSON{}, in, []byte(in), true) })
}

func TestJSONAppendsWhatEncodingJSONWrites(t *testing.T) {
	half := 0.5
	values := []any{
		scalars{},
		&scalars{Text: "a", Side: "buy", Yes: true, Small: -8, Big: math.MinInt64, Count: 7, Huge: math.MaxUint64, Single: 0.1, Double: 0.1, Untagged: 5, private: 6},
		mixed{},
		&mixed{Maybe: &half, List: []int{1}, Inner: scalars{Text: "x"}},
		odd{},
		&odd{Quoted: 5, Own: "x"},
		loud{Own: "x", Bytes: []byte("hi")},
		struct{}{},
		map[string]int{"a": 1},
		reflect.New(twice).Interface(),
		many{},
		(*scalars)(nil),
		named{},
	}
	for _, s := range []string{"", "plain", "a\"b\\c", "<&>", "é", "\u2028", "\xff", "\n\x00\x7f", strings.Repeat("long ", 100)} {
		values = append(values, scalars{Text: s, Side: side(s)}, map[string]string{"x": s})
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 1, -1.5, 1e-6, 9.99e-7, 1e-7, 1e20, 1e21, 1e22, -1e-9, math.MaxFloat64, math.SmallestNonzeroFloat64, math.MaxFloat32, math.Pi} {
		values = append(values, scalars{Double: x, Single: float32(x)})
	}
	values = append(values, scalars{Double: math.NaN()}, scalars{Double: math.Inf(-1)}, scalars{Single: float32(math.Inf(1))})
	head := modules.Header{Type: []byte("t")}
	for _, v := range values {
		content, wantErr := json.Marshal(v)
		got, err := modules.JSON{Data: "d", Type: "u"}.Append([]byte("before"), head, v)
		if want := `before{"u":"t","d":` + string(content) + `}`; (err == nil) != (wantErr == nil) || err == nil && string(got) != want {
			t.Errorf("%+v: %s, %v, want %s, %v", v, got, err, want, wantErr)
		}
		if wantErr == nil && content[0] != '{' {
			continue // a flat message must be an object
		}
		want := `{"u":"t"`
		if len(content) > 2 {
			want += "," + string(content[1:len(content)-1])
		}
		got, err = modules.JSON{Type: "u", ID: "i", Error: "e"}.Append(nil, head, v)
		if want += "}"; (err == nil) != (wantErr == nil) || err == nil && string(got) != want {
			t.Errorf("%+v: %s, %v, want %s, %v", v, got, err, want, wantErr)
		}
	}
}

func TestJSONAllocatesNothingButTheStringsOfAPlainStruct(t *testing.T) {
	var codec modules.Codec = modules.JSON{}
	var in order
	if n := testing.AllocsPerRun(100, func() {
		if err := codec.Decode(quote, &in); err != nil {
			t.Error(err)
		}
	}); n > 1 { // the symbol
		t.Errorf("%v allocations to decode", n)
	}
	var out any = &ack{Symbol: "SYM042", Seq: 7}
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := codec.Append(buf, modules.Header{Type: quote.Payload[9:14]}, out); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations to append", n)
	}
}

// A route decodes into the same memory again and again: what one message says must not
// be seen in the next.
func TestARouteGetsEachMessageAsIfItWereTheFirst(t *testing.T) {
	var got []scalars
	m := modules.Define("x", func(r *modules.Routes) {
		modules.On(r, "x", func(_ *modules.Ctx, v scalars) error {
			got = append(got, v)
			return nil
		})
	})
	inWorld(t, with(m), func(w *world) {
		w.says(`{"type":"x","text":"first","big":1,"yes":true}`, `{"type":"x","text":"lost","big":"no"}`, `{"type":"x","double":2}`, `{"type":"x","text":"\u0061"}`, `{"type":"x"}`)
		want := []scalars{{Text: "first", Big: 1, Yes: true}, {Double: 2}, {Text: "a"}, {}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// The header that a route knows is the one that Peek reads.
func TestARouteKnowsTheIdAndTypeOfItsMessage(t *testing.T) {
	var got []string
	m := modules.Define("x", func(r *modules.Routes) {
		modules.On(r, "x", func(c *modules.Ctx, _ struct{}) error {
			got = append(got, c.Type()+" "+c.ID())
			return c.Reply("y", nil)
		})
	})
	inWorld(t, with(m), func(w *world) {
		w.says(`{"type":"x","id":"1"}`, `{"id":2,"id":3,"type":"x","type":"y"}`, `{"type":"x","id":null}`, `{"type":"x","i\u0064":"4"}`, `{"type":"x","id":"\u0035"}`, `{"type":"x","id":[6]}`)
		if want := []string{"x 1", "x 2", "x ", "x 4", "x 5", "x [6]"}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if want := "{\"type\":\"y\",\"id\":\"1\"}\n{\"type\":\"y\",\"id\":2}\n{\"type\":\"y\"}\n{\"type\":\"y\",\"id\":\"4\"}\n{\"type\":\"y\",\"id\":\"5\"}\n{\"type\":\"y\",\"id\":[6]}"; w.heard() != want {
			t.Errorf("heard %s, want %s", w.heard(), want)
		}
	})
}

// sender is encoded by sending something else.
type sender struct{ ctx *modules.Ctx }

func (s sender) MarshalJSON() ([]byte, error) {
	return []byte(`{"n":1}`), s.ctx.Send("nested", struct{ Long string }{strings.Repeat("x", 100)})
}

func TestASendWithinASendHarmsNeither(t *testing.T) {
	m := modules.Define("x", func(r *modules.Routes) {
		modules.On(r, "x", func(c *modules.Ctx, _ struct{}) error {
			if err := c.Send("warm", struct{ Long string }{strings.Repeat("y", 200)}); err != nil {
				return err
			}
			return c.Reply("outer", sender{c})
		})
	})
	inWorld(t, with(m), func(w *world) {
		w.says(`{"type":"x","id":"1"}`)
		lines := strings.Split(w.heard(), "\n")
		if len(lines) != 3 || lines[1] != `{"type":"nested","Long":"`+strings.Repeat("x", 100)+`"}` || lines[2] != `{"type":"outer","id":"1","n":1}` {
			t.Errorf("heard %q", lines)
		}
	})
}
