package rules

import (
	"strings"
	"testing"

	"github.com/hawser-go/hawser/transport"
)

// tick is a message as feeds send it, 100 bytes long.
const tick = `{"type":"price","symbol":"EUR\/USD","data":{"levels":[{"bid":1.08341},{"bid":1.0834}]},"seq":193412}`

// once are rules whose matching must cost no memory.
var once = []string{
	`any`, `never`, `text`, `binary`, `exact("2")`, `prefix("{")`, `suffix("}")`, `contains("seq")`, `regexp("\"seq\":[0-9]+")`,
	`regexp("(a|b)*c.*(d|e)")`, `path("/feed")`, `subprotocol("v1", "v2")`,
	`json("type") = "price"`, `json("symbol") = "EUR/USD"`, `json("data.levels[1].bid") = 1.08340`, `json("data.nothing") exists`,
	`json("seq") = true`, `text & !prefix("[") & (contains("nothing") | json("type") exists)`,
	`skip(3)`, `every(3)`, `then(text, binary)`, `prefix("{") -> any -> binary | skip(1)`,
}

func TestMatchingAllocatesNothing(t *testing.T) {
	for _, text := range once {
		if raceEnabled && strings.Contains(text, "regexp") {
			continue
		}
		matches := parse(t, text).Matcher(conn{path: "/feed", subprotocol: "v2"})
		for _, kind := range []transport.Kind{transport.Text, transport.Binary} {
			m := transport.Message{Kind: kind, Payload: []byte(tick)}
			if allocs := testing.AllocsPerRun(200, func() { matches(m) }); allocs != 0 {
				t.Errorf("%s: %v allocations for a message", text, allocs)
			}
		}
	}
	matches := Must(Func(func(transport.Message) bool { return true })).Matcher(nil)
	if allocs := testing.AllocsPerRun(200, func() { matches(transport.Message{}) }); allocs != 0 {
		t.Errorf("func: %v allocations for a message", allocs)
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, text := range once {
		b.Run(strings.ReplaceAll(text, "/", "."), func(b *testing.B) {
			matches := parse(b, text).Matcher(conn{path: "/feed", subprotocol: "v2"})
			m := transport.Message{Kind: transport.Text, Payload: []byte(tick)}
			b.ReportAllocs()
			b.SetBytes(int64(len(tick)))
			for b.Loop() {
				matches(m)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	const text = `text & prefix("{") & !contains("debug") & (json("type") = "price" | json("data.levels[0]") exists)`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
