package runner

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// Options say how long to measure.
type Options struct {
	Rounds int           // slices of each candidate in a repetition. Default 8.
	Slice  time.Duration // measured length of a slice. Default 150 ms; scenario S takes four times as much.
	Warm   time.Duration // load before each slice. Default 50 ms; before the first one eight times as much.
	Settle time.Duration // for a server to calm down after many handshakes. Default 1 s.

	// Quiet is how long to wait at most, before a scenario, for other processes to
	// leave the machine alone. Default 3 s; negative: not at all.
	Quiet time.Duration

	// Log gets the progress of long runs. Default: none.
	Log *slog.Logger
}

// Runner measures scenarios.
type Runner struct {
	o Options
}

// New makes a runner.
func New(o Options) *Runner {
	setDefault(&o.Rounds, 8)
	setDefault(&o.Slice, 150*time.Millisecond)
	setDefault(&o.Warm, 50*time.Millisecond)
	setDefault(&o.Settle, time.Second)
	setDefault(&o.Quiet, 3*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Runner{o: o}
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Measure runs one repetition of a scenario with those candidates whose tags fit. What
// goes wrong with one candidate stands in its result; the error is of the run as a whole.
func (r *Runner) Measure(ctx context.Context, s Scenario, candidates []Candidate, rep int) ([]result.Result, error) {
	fitting := fit(s, candidates)
	if len(fitting) == 0 {
		return nil, fmt.Errorf("scenario %s: no candidate takes part", s.Name)
	}
	atOnce := len(fitting)
	if s.Tag == 'C' {
		atOnce = 1
	}
	if err := checkDescriptors(s, atOnce); err != nil {
		return nil, err
	}
	if err := r.quiet(ctx); err != nil {
		return nil, err
	}
	if s.Tag == 'C' {
		return r.idle(ctx, s, fitting, rep)
	}
	return r.slices(ctx, s, fitting, rep)
}

// fit leaves out whom the scenario does not concern and who is not there.
func fit(s Scenario, candidates []Candidate) []Candidate {
	var fitting []Candidate
	for _, c := range candidates {
		for i := range len(c.Tags) {
			if c.Tags[i] == s.Tag {
				fitting = append(fitting, c)
				break
			}
		}
	}
	return fitting
}

// checkDescriptors refuses what would fail half-way with "too many open files".
func checkDescriptors(s Scenario, candidates int) error {
	const spare = 100 // standard streams, epoll sets, pipes of the servers
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("descriptor limit: %w", err)
	}
	if need := s.Conns*candidates + spare; uint64(need) > limit.Cur {
		return fmt.Errorf("scenario %s with %d candidates takes %d descriptors, the limit is %d; choose fewer with -only",
			s.Name, candidates, need, limit.Cur)
	}
	return nil
}

// rotate gives every candidate every place in the order of a repetition.
func rotate[T any](list []T, by int) []T {
	by %= len(list)
	return append(append([]T(nil), list[by:]...), list[:by]...)
}
