package runner

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/bench/internal/process"
	"github.com/hawser-go/hawser/bench/internal/result"
)

const (
	// clientWarm is how long a client works before it measures, in warm-ups of a server:
	// each slice has a fresh process.
	clientWarm = 4

	// clientTimeout is how long a client may take for what it does besides measuring.
	clientTimeout = 10 * time.Second
)

// clients measures client programs, one after another and every round anew, with a
// server that they share.
func (r *Runner) clients(ctx context.Context, s Scenario, candidates []Candidate, rep int) ([]result.Result, error) {
	server, err := r.startServer()
	ends := newApart(s)
	if err == nil {
		defer server.Stop()
		ends.generator(server.Pid())
	}
	trials := make([]*trial, 0, len(candidates))
	for _, c := range candidates {
		t := &trial{result: result.Result{Scenario: s.Name, Candidate: c.Name, Kind: c.Kind, Rep: rep}}
		if err != nil {
			t.result.Err = err.Error()
		} else {
			t.ends = ends
			t.server, t.argv, t.env = server, r.clientArgs(s, c, server.URL(peer.EchoPath)), c.Env
			t.timeout = r.clientTime(s) + clientTimeout
		}
		trials = append(trials, t)
	}
	rounds := r.rounds(s)
	for round := range rounds {
		r.progress(s, rep, round, rounds, candidates)
		for _, t := range rotate(trials, round+rep) {
			t.run(ctx, round)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	results := make([]result.Result, 0, len(trials))
	for _, t := range trials {
		results = append(results, t.outcome())
	}
	return results, nil
}

// startServer starts the server that the clients share.
func (r *Runner) startServer() (*process.Process, error) {
	if r.o.Server.Argv == nil {
		return nil, fmt.Errorf("there is no server of kind %q for the clients", result.Floor)
	}
	server, err := process.Start(r.o.Server.Argv, r.o.Server.Env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.o.Server.Name, err)
	}
	return server, nil
}

func (r *Runner) clientTime(s Scenario) time.Duration {
	return r.o.Warm*clientWarm + r.o.Slice*time.Duration(s.stretch())
}

// clientArgs is the command line of a client.
func (r *Runner) clientArgs(s Scenario, c Candidate, url string) []string {
	return slices.Concat(c.Argv, []string{
		"-url", url,
		"-conns", strconv.Itoa(s.Conns), "-inflight", strconv.Itoa(s.InFlight), "-size", strconv.Itoa(s.Size),
		"-warm", (r.o.Warm * clientWarm).String(), "-dur", (r.o.Slice * time.Duration(s.stretch())).String(),
	})
}
