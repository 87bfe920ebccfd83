package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hawser-go/hawser/bench/internal/result"
	"github.com/hawser-go/hawser/bench/internal/runner"
)

// settings are the flags that run and check share.
type settings struct {
	servers   string
	clients   string
	only      string
	scenarios string
	results   string
	reps      int
	runner    runner.Options
	judges    bool // what Hawser promises: it must be among the candidates
}

func (s *settings) register(flags *flag.FlagSet) {
	flags.StringVar(&s.servers, "servers", "servers.txt", "list of the servers")
	flags.StringVar(&s.clients, "clients", "clients.txt", "list of the clients, for K")
	flags.StringVar(&s.only, "only", "", "comma-separated names or patterns of candidates (default: all)")
	flags.StringVar(&s.scenarios, "scenarios", s.scenarios, "comma-separated names or patterns of scenarios")
	flags.StringVar(&s.results, "results", "results", "folder for the records; empty: none are kept")
	flags.IntVar(&s.reps, "reps", s.reps, "repetitions, each with fresh processes")
	flags.IntVar(&s.runner.Rounds, "rounds", s.runner.Rounds, "slices of each candidate in a repetition; D-10000 and K take fewer")
	flags.DurationVar(&s.runner.Slice, "slice", 150*time.Millisecond, "measured length of a slice; some scenarios take more")
	flags.DurationVar(&s.runner.Warm, "warm", 50*time.Millisecond, "load before each slice")
	flags.StringVar(&s.runner.Profiles, "prof", "", "folder for a profile of each server: of the processor, in C of the heap")
	flags.DurationVar(&s.runner.Quiet, "quiet", 3*time.Second, "how long to wait at most for other processes to leave the machine alone")
}

// measure runs all repetitions and returns what came out, up to an error or interrupt.
func (s *settings) measure(ctx context.Context) (all result.Recording, err error) {
	s.runner.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	scenarios, err := runner.Select(s.scenarios)
	if err != nil {
		return all, err
	}
	candidates, err := s.candidates(scenarios)
	if err != nil {
		return all, err
	}
	if scenarios, err = s.taken(scenarios, candidates); err != nil {
		return all, err
	}
	if s.runner.Profiles != "" {
		if err := os.MkdirAll(s.runner.Profiles, 0o755); err != nil {
			return all, err
		}
	}
	here := result.ThisMachine()
	all.Machines = []result.Machine{here}
	into, err := s.record(here)
	if err != nil {
		return all, err
	}
	defer func() { err = errors.Join(err, into.Close()) }()
	r := runner.New(s.runner)
	for rep := range s.reps {
		for _, scenario := range scenarios {
			more, err := r.Measure(ctx, scenario, candidates, rep)
			if err != nil {
				return all, err
			}
			if err := result.Write(into, more); err != nil {
				return all, err
			}
			all.Results = append(all.Results, more...)
		}
	}
	return all, nil
}

// taken leaves out the scenarios that no candidate takes part in.
func (s *settings) taken(scenarios []runner.Scenario, candidates []runner.Candidate) ([]runner.Scenario, error) {
	var taken []runner.Scenario
	for _, one := range scenarios {
		if len(runner.Fit(one, candidates)) == 0 {
			s.runner.Log.Warn("skipped", "scenario", one.Name, "reason", "no candidate takes part")
			continue
		}
		taken = append(taken, one)
	}
	if len(taken) == 0 {
		return nil, errors.New("no candidate takes part in these scenarios")
	}
	return taken, nil
}

// candidates are those asked for and built: the servers, and the clients if a scenario
// needs them. It also chooses the server that the clients are measured with.
func (s *settings) candidates(scenarios []runner.Scenario) ([]runner.Candidate, error) {
	all, err := runner.ReadServers(s.servers)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Kind == result.Floor && c.Missing() == "" && s.runner.Server.Name == "" {
			s.runner.Server = c
		}
	}
	if slices.ContainsFunc(scenarios, func(s runner.Scenario) bool { return s.Shape == runner.Client }) {
		clients, err := runner.ReadClients(s.clients)
		if err != nil {
			return nil, err
		}
		all = append(all, clients...)
	}
	var present []runner.Candidate
	for _, c := range all {
		wanted, err := matches(s.only, c.Name)
		if err != nil {
			return nil, err
		}
		if !wanted {
			continue
		}
		if missing := c.Missing(); missing != "" {
			s.runner.Log.Warn("skipped", "candidate", c.Name, "reason", missing)
			continue
		}
		present = append(present, c)
	}
	if len(present) == 0 {
		return nil, errors.New("no candidate is left; are the programs built? (go build -o bin/ ./cmd/...)")
	}
	if s.judges && !slices.ContainsFunc(present, func(c runner.Candidate) bool { return c.Kind == result.Ours }) {
		return nil, fmt.Errorf("no candidate of kind %q is left; whose promises are to be judged?", result.Ours)
	}
	return present, nil
}

// matches reports whether a comma-separated list of patterns names name; an empty list
// names all.
func matches(list, name string) (bool, error) {
	if list == "" {
		return true, nil
	}
	for pattern := range strings.SplitSeq(list, ",") {
		ok, err := path.Match(pattern, name)
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// record opens a new file of results, which begins with the machine; or none.
func (s *settings) record(here result.Machine) (io.WriteCloser, error) {
	if s.results == "" {
		return nowhere{}, nil
	}
	if err := os.MkdirAll(s.results, 0o755); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s-%d.jsonl", time.Now().UTC().Format("20060102-150405"), os.Getpid())
	f, err := os.Create(filepath.Join(s.results, name))
	if err != nil {
		return nil, err
	}
	s.runner.Log.Info("recording", "file", f.Name())
	return f, result.WriteMachine(f, here)
}

// nowhere takes the records that nobody wants.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) Close() error                { return nil }
