package runner

import (
	"fmt"
	"slices"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

// pacedRate is low enough for any server: G asks what a message costs, not how many go.
const pacedRate = 4000

// Scenarios lists all there are. The README of this module explains their names.
func Scenarios() []Scenario {
	return slices.Concat(echoes(), idles(), fanouts(), others(), clients(), []Scenario{{
		Name: "S", Tag: 'S', Shape: Beside, Conns: 10, InFlight: 1, Size: 64,
		Stretch: 4, // so that the slow module gets a dozen messages
		What:    "10 ping-pong connections, alone and beside one whose module takes 50 ms a message",
	}})
}

// Usual names the scenarios of a run that is not told what to measure: every kind of
// load, in a quarter of an hour.
func Usual() []string {
	return []string{
		"A-1-64", "A-100-64", "A-1000-1k", "A-100-64k", "B-1-64", "B-10-64", "C-10000",
		"D-1000-w1", "D-1000-w16", "D-10000-w16", "E-64", "F-100", "FD-1000", "FP-1000", "G-100", "G-10000",
		"K-100-k1", "K-100-k100", "S", "TA-100-1k", "TB-10-64", "W-10",
	}
}

// sizes of the messages in A and B.
var sizes = []struct {
	name  string
	bytes int
}{{"64", 64}, {"1k", 1 << 10}, {"64k", 64 << 10}}

// echoes are A, one message in flight, and B, a hundred.
func echoes() []Scenario {
	var all []Scenario
	for _, conns := range []int{1, 100, 1000} {
		for _, size := range sizes {
			all = append(all, Scenario{
				Name: fmt.Sprintf("A-%d-%s", conns, size.name), Tag: 'A', Conns: conns, InFlight: 1, Size: size.bytes,
				What: fmt.Sprintf("echo ping-pong, %s, %d B", many(conns, "connection"), size.bytes),
			})
		}
	}
	for _, conns := range []int{1, 10, 100} {
		for _, size := range sizes[:2] {
			all = append(all, Scenario{
				Name: fmt.Sprintf("B-%d-%s", conns, size.name), Tag: 'B', Conns: conns, InFlight: 100, Size: size.bytes,
				What: fmt.Sprintf("echo, 100 in flight on each, %s, %d B", many(conns, "connection"), size.bytes),
			})
		}
	}
	return all
}

func idles() []Scenario {
	var all []Scenario
	for _, conns := range []int{10000, 18000} {
		all = append(all, Scenario{
			Name: fmt.Sprintf("C-%d", conns), Tag: 'C', Shape: Idle, Conns: conns, InFlight: 1, Size: 64,
			What: fmt.Sprintf("%d idle connections", conns),
		})
	}
	return all
}

// fanouts are D, and the two of F that tell what deflate costs in a fan-out.
func fanouts() []Scenario {
	var all []Scenario
	for _, conns := range []int{1000, 10000} {
		for _, outstanding := range []int{1, 16} {
			s := Scenario{
				Name: fmt.Sprintf("D-%d-w%d", conns, outstanding), Tag: 'D', Shape: Fanout,
				Conns: conns, InFlight: outstanding, Size: 128,
				What: fmt.Sprintf("fan-out of 128 B to %d subscribers, %s outstanding", conns, many(outstanding, "message")),
			}
			switch { // a slice has several publishes
			case conns == 10000:
				s.Stretch, s.MaxRounds = 8, 2
			case outstanding > 1:
				s.Stretch = 3
			}
			all = append(all, s)
		}
	}
	return append(all,
		Scenario{
			Name: "FD-1000", Tag: 'F', Shape: Fanout, Conns: 1000, InFlight: 16, Size: 1 << 10, Varied: true,
			Words: []string{peer.Deflate}, Stretch: 2,
			What: "fan-out of 1 KiB JSON to 1000 subscribers with permessage-deflate, 16 messages outstanding",
		},
		Scenario{
			Name: "FP-1000", Tag: 'F', Shape: Fanout, Conns: 1000, InFlight: 16, Size: 1 << 10, Varied: true, Stretch: 2,
			What: "the same without permessage-deflate",
		})
}

func others() []Scenario {
	all := []Scenario{
		{
			Name: "E-64", Tag: 'E', Shape: Lives, Conns: 64, InFlight: 1, Size: 64, Stretch: 2,
			What: "connect, upgrade, one echo, close handshake; 64 at a time",
		},
		{
			Name: "F-100", Tag: 'F', Conns: 100, InFlight: 1, Size: 1 << 10, Varied: true, Words: []string{peer.Deflate},
			What: "echo ping-pong with permessage-deflate, 100 connections, 1 KiB JSON",
		},
		{
			Name: "W-10", Tag: 'W', Shape: Typed, Conns: 10, InFlight: 100,
			What: "typed JSON behind three middleware, 100 in flight on each of 10 connections",
		},
		{
			Name: "TA-100-1k", Tag: 'T', Conns: 100, InFlight: 1, Size: 1 << 10, Words: []string{peer.TLS},
			What: "echo ping-pong over TLS, 100 connections, 1024 B",
		},
		{
			Name: "TB-10-64", Tag: 'T', Conns: 10, InFlight: 100, Size: 64, Words: []string{peer.TLS},
			What: "echo over TLS, 100 in flight on each of 10 connections, 64 B",
		},
	}
	for _, conns := range []int{100, 10000} {
		all = append(all, Scenario{
			Name: fmt.Sprintf("G-%d", conns), Tag: 'G', Shape: Paced, Conns: conns, InFlight: 64, Size: 64, Rate: pacedRate,
			Stretch: 4, // so that a slice has thousands of messages
			What:    fmt.Sprintf("echo of %d messages a second, spread over %d connections", pacedRate, conns),
		})
	}
	return all
}

func clients() []Scenario {
	var all []Scenario
	for _, conns := range []int{1, 100} {
		for _, inFlight := range []int{1, 100} {
			all = append(all, Scenario{
				Name: fmt.Sprintf("K-%d-k%d", conns, inFlight), Tag: 'K', Shape: Client, Conns: conns, InFlight: inFlight, Size: 64,
				Stretch: 2, MaxRounds: 4, // each is a process of its own
				What: fmt.Sprintf("%s, %d in flight on each, 64 B, to the floor's server", many(conns, "client"), inFlight),
			})
		}
	}
	return all
}

// many is n of what.
func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
