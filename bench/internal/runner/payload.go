package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

// variety is how many different payloads a load has that varies them.
const variety = 16

// payloads are the messages of a scenario.
func (s Scenario) payloads() [][]byte {
	switch {
	case s.Shape == Typed:
		return typed()
	case !s.Varied:
		return [][]byte{payload(s.Size)}
	}
	all := make([][]byte, variety)
	for i := range all {
		all[i] = quotes(s.Size, uint32(i))
	}
	return all
}

// payload is size bytes of JSON-like ASCII text.
func payload(size int) []byte {
	const item = `{"symbol":"SYM042","bid":101.25,"ask":101.50,"ok":true},`
	return []byte(strings.Repeat(item, size/len(item)+1)[:size])
}

// quotes is size bytes of JSON with numbers as a feed has them, others for each seed, so
// that compressing it is work.
func quotes(size int, seed uint32) []byte {
	b := []byte(`{"type":"quotes","items":[`)
	x := seed
	next := func(n uint32) uint32 {
		x = x*1664525 + 1013904223 // Numerical Recipes' generator: the same payloads in every run
		return x >> 16 % n
	}
	for i := 0; ; i++ {
		item := fmt.Sprintf(`{"id":%d,"symbol":"SYM%03d","bid":%d.%02d,"ask":%d.%02d,"ok":true},`,
			i, next(997), next(500), next(100), next(500), next(100))
		if len(b)+len(item)+1 > size {
			break
		}
		b = append(b, item...)
	}
	b = append(bytes.TrimSuffix(b, []byte(",")), "]}"...)
	return append(b, bytes.Repeat([]byte(" "), max(0, size-len(b)))...)
}

// typed are the messages of the typed route: its types in equal parts.
func typed() [][]byte {
	all := make([][]byte, 3*variety)
	for i := range all {
		symbol, kind := fmt.Sprintf("SYM%03d", i*37%100), peer.Types()[i%3]
		head := fmt.Sprintf(`{"type":%q,"symbol":%q`, kind, symbol)
		if kind != "cancel" {
			head += fmt.Sprintf(`,"bid":%d.25,"ask":%d.5`, 100+i, 101+i)
		}
		all[i] = fmt.Appendf(nil, `%s,"seq":%d}`, head, i)
	}
	return all
}

// longestAck bounds the answers of the typed route, in bytes.
const longestAck = 128

// acknowledges says what is wrong with an answer of the typed route.
func acknowledges(payload, answer []byte) error {
	var sent, got struct {
		Type string `json:"type"`
		peer.Ack
	}
	if err := json.Unmarshal(payload, &sent); err != nil {
		return err
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return fmt.Errorf("the answer %q: %w", answer, err)
	}
	if got.Type != "ack" || got.Ack != sent.Ack {
		return errors.New("the answer " + string(answer) + " does not acknowledge " + string(payload))
	}
	return nil
}
