package runner

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

func TestPayloadHasTheSizeAskedFor(t *testing.T) {
	for _, size := range []int{1, 64, 1024, 65536} {
		if got := payload(size); len(got) != size {
			t.Errorf("payload(%d) has %d bytes", size, len(got))
		}
	}
}

func TestVariedPayloadsAreDifferentJSONOfOneSize(t *testing.T) {
	all := Scenario{Size: 1024, Varied: true}.payloads()
	for i, p := range all {
		if len(p) != 1024 || !json.Valid(p) {
			t.Errorf("payload %d: %d bytes, %s", i, len(p), p)
		}
		if i > 0 && bytes.Equal(p, all[i-1]) {
			t.Errorf("payload %d is the one before it", i)
		}
	}
}

func TestTypedPayloadsHaveEveryTypeAsOften(t *testing.T) {
	count := map[string]int{}
	symbols := peer.Symbols{}
	for _, p := range typed() {
		var m struct{ Type, Symbol string }
		if err := json.Unmarshal(p, &m); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		if !symbols.Stamp([]byte(m.Symbol), time.Time{}) {
			t.Errorf("%s: no server takes that symbol", p)
		}
		count[m.Type]++
	}
	for _, name := range peer.Types() {
		if count[name] != variety {
			t.Errorf("%q: %d messages, want %d", name, count[name], variety)
		}
	}
}

func TestAcknowledgesJudgesAnswers(t *testing.T) {
	const sent = `{"type":"price","symbol":"SYM042","bid":1,"ask":2,"seq":7}`
	for answer, good := range map[string]bool{
		`{"type":"ack","symbol":"SYM042","seq":7}`:   true,
		`{"seq":7,"symbol":"SYM042","type":"ack"}`:   true,
		`{"type":"error","symbol":"SYM042","seq":7}`: false,
		`{"type":"ack","symbol":"SYM043","seq":7}`:   false,
		`{"type":"ack","symbol":"SYM042","seq":8}`:   false,
		`{"type":"ack"`: false,
	} {
		if err := acknowledges([]byte(sent), []byte(answer)); (err == nil) != good {
			t.Errorf("%s: %v", answer, err)
		}
	}
}
