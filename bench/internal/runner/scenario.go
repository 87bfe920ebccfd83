package runner

import (
	"fmt"
	"path"
	"strings"
)

// Shape is what a load does.
type Shape int

// The shapes of loads.
const (
	Echo   Shape = iota // every connection keeps its messages in flight
	Beside              // the same, alone and beside a connection whose module is slow
	Idle                // connections that do nothing: memory
	Fanout              // one connection publishes to all others
	Lives               // connections that are opened, used once and closed
	Paced               // echo at a rate of its own
	Typed               // echo whose answers are acknowledgements
	Client              // the program under test is a client
)

// Scenario is one load.
type Scenario struct {
	Name     string
	Tag      byte // the letter of the candidates that take part
	Shape    Shape
	Conns    int
	InFlight int      // messages in flight on each connection; of Fanout: publishes outstanding
	Size     int      // payload bytes of a message
	Rate     int      // of Paced: messages a second on all connections together
	Words    []string // arguments for the servers, behind their own
	Varied   bool     // the payloads differ, and look like what one compresses

	// Stretch is how many times as long its slices are as those of others. Default 1.
	Stretch int
	// MaxRounds bounds the slices of a candidate in a repetition. Default: no bound.
	MaxRounds int

	What string
}

func (s Scenario) stretch() int { return max(s.Stretch, 1) }

func (s Scenario) has(word string) bool {
	for _, w := range s.Words {
		if w == word {
			return true
		}
	}
	return false
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
