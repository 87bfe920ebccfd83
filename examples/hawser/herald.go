package main

import (
	"fmt"
	"io"

	"github.com/hawser-go/hawser/actors"
)

// herald tells the user of serve what happens. It never holds up the server, apart from
// the first line.
type herald interface {
	// listening is the first of all.
	listening(url string) error
	// witness returns the module that tells of the connections of a path, if somebody
	// wants to know.
	witness(path string) (actors.Module, bool)
	// refused is told now and then how many handshakes have been refused, by status.
	refused(counts map[int]uint64)
	// draining is told at most once in tellEvery.
	draining(left int)
	// stopped is the last of all.
	stopped(s actors.ServerStats)
}

func newHerald(asJSON bool, std stdio) herald {
	if asJSON {
		return newBulletin(std)
	}
	return crier{std}
}

// crier prints the address to stdout, and to stderr what one waits for.
type crier struct{ stdio }

func (c crier) listening(url string) error {
	_, err := io.WriteString(c.out, url+"\n")
	return err
}

func (crier) witness(string) (m actors.Module, ok bool) { return m, false }

func (crier) refused(map[int]uint64) {}

func (c crier) draining(left int) {
	switch {
	case left == 1:
		_, _ = io.WriteString(c.err, "draining: 1 connection left\n")
	case left > 1:
		_, _ = fmt.Fprintf(c.err, "draining: %d connections left\n", left)
	}
}

func (crier) stopped(actors.ServerStats) {}
