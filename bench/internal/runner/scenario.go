package runner

import (
	"fmt"
	"path"
	"strings"
)

// Scenario is one load.
type Scenario struct {
	Name     string
	Tag      byte // 'A', 'B', 'C' or 'S'
	Conns    int
	InFlight int // messages in flight on each connection
	Size     int // payload bytes of a message
	What     string
}

// Scenarios lists all there are:
//
//	A-CONNS-SIZE  echo, one message in flight on each connection (ping-pong)
//	B-CONNS-SIZE  echo, 100 in flight on each (pipelined)
//	C-CONNS       idle memory
//	S             ten ping-pong connections beside one whose module is slow
func Scenarios() []Scenario {
	var all []Scenario
	sizes := []struct {
		name  string
		bytes int
	}{{"64", 64}, {"1k", 1 << 10}, {"64k", 64 << 10}}
	for _, conns := range []int{1, 100, 1000} {
		for _, size := range sizes {
			all = append(all, Scenario{
				Name: fmt.Sprintf("A-%d-%s", conns, size.name), Tag: 'A', Conns: conns, InFlight: 1, Size: size.bytes,
				What: fmt.Sprintf("echo ping-pong, %d connections, %d B", conns, size.bytes),
			})
		}
	}
	for _, conns := range []int{1, 10, 100} {
		for _, size := range sizes[:2] {
			all = append(all, Scenario{
				Name: fmt.Sprintf("B-%d-%s", conns, size.name), Tag: 'B', Conns: conns, InFlight: 100, Size: size.bytes,
				What: fmt.Sprintf("echo, 100 in flight on each of %d connections, %d B", conns, size.bytes),
			})
		}
	}
	for _, conns := range []int{10000, 18000} {
		all = append(all, Scenario{
			Name: fmt.Sprintf("C-%d", conns), Tag: 'C', Conns: conns, InFlight: 1, Size: 64,
			What: fmt.Sprintf("%d idle connections", conns),
		})
	}
	return append(all, Scenario{
		Name: "S", Tag: 'S', Conns: 10, InFlight: 1, Size: 64,
		What: "10 ping-pong connections, alone and beside one whose module takes 50 ms a message",
	})
}

// Select returns the scenarios that a comma-separated list of names or patterns (as of
// path.Match, "B-*") asks for, in the order of Scenarios.
func Select(list string) ([]Scenario, error) {
	patterns := strings.Split(list, ",")
	used := make([]bool, len(patterns))
	var chosen []Scenario
	for _, s := range Scenarios() {
		hit := false
		for i, pattern := range patterns {
			ok, err := path.Match(pattern, s.Name)
			if err != nil {
				return nil, fmt.Errorf("scenario %q: %w", pattern, err)
			}
			if ok {
				hit, used[i] = true, true
			}
		}
		if hit {
			chosen = append(chosen, s)
		}
	}
	for i, pattern := range patterns {
		if !used[i] {
			return nil, fmt.Errorf("there is no scenario %q; `hbench list` names them", pattern)
		}
	}
	return chosen, nil
}

// payload is size bytes of JSON-like ASCII text.
func payload(size int) []byte {
	const item = `{"symbol":"SYM042","bid":101.25,"ask":101.50,"ok":true},`
	return []byte(strings.Repeat(item, size/len(item)+1)[:size])
}
